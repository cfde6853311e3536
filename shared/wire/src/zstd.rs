//! Events as zstd frames, for clients that asked for `compress=true`.
//!
//! Every event is one frame of its own (RFC 8878), made with a dictionary that the clients have too. A frame must
//! never depend on an earlier one: it is made once and given to clients that have missed any number of others.
//!
//! What every frame has: the magic number, the dictionary's id, and the content size, also below 256 bytes, where
//! Jetstream v1 leaves it out and decoders that trust the header fail. No frame needs a window above
//! [`MAX_WINDOW`]. There is no checksum: it is optional, the transport has its own, and four bytes are two percent
//! of a usual event.

mod stored;

use std::{fmt, io};

use ::zstd::bulk;
use ::zstd::zstd_safe::{compress_bound, get_dict_id_from_dict};
use thiserror::Error;

use crate::websocket::{MAX_HEADER_LEN, binary_frame_in_place};

pub use stored::stored_message;

/// Beside level 3 this gives up two percent of the ratio and saves a sixth of the time.
pub const DEFAULT_LEVEL: i32 = 1;

/// The largest window in bytes that a client must be able to hold; Jetstream v1 uses the same.
pub const MAX_WINDOW: usize = 1 << WINDOW_LOG;
const WINDOW_LOG: u32 = 17;

/// Makes zstd frames with one dictionary. One for each thread: it owns its tables and its working memory.
///
/// The dictionary is prepared once, when the compressor is made. A frame is one allocation of exactly its length, so
/// whoever keeps one for long keeps nothing else.
pub struct Compressor {
    zstd: bulk::Compressor<'static>,
    /// Where a frame is written before its length is known. As large as the largest event needed.
    scratch: Vec<u8>,
}

/// A compressor that cannot be made, or a frame that cannot.
#[derive(Debug, Error)]
pub enum ZstdError {
    /// The level does not exist. The operator must choose another.
    #[error("zstd has no level {level}: {min} to {max} are allowed")]
    Level {
        /// The level asked for.
        level: i32,
        /// The lowest.
        min: i32,
        /// The highest.
        max: i32,
    },
    /// The bytes are no dictionary with an id and sound tables. The operator must provide another.
    #[error("the zstd dictionary cannot be used: {0}")]
    Dictionary(#[source] io::Error),
    /// The library could not compress. Nothing but a lack of memory is known to cause this.
    #[error("zstd cannot compress an event of {len} bytes: {source}")]
    Compress {
        /// The event's length.
        len: usize,
        /// Why.
        source: io::Error,
    },
}

impl ZstdError {
    /// Whether the same call can succeed later without anybody acting.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Compress { .. })
    }
}

impl Compressor {
    /// Prepares a structured dictionary (RFC 8878 section 5) for a level. The tables take some 240 KiB at level 1
    /// and 650 KiB at level 3. Level 0 is the library's default, which is 3.
    pub fn new(dictionary: &[u8], level: i32) -> Result<Self, ZstdError> {
        let levels = ::zstd::compression_level_range();
        if !levels.contains(&level) {
            return Err(ZstdError::Level {
                level,
                min: *levels.start(),
                max: *levels.end(),
            });
        }
        if get_dict_id_from_dict(dictionary).is_none() {
            let no_id = io::Error::new(io::ErrorKind::InvalidData, "it has no id");
            return Err(ZstdError::Dictionary(no_id));
        }
        let mut compressor = Self {
            zstd: prepare(dictionary, level).map_err(ZstdError::Dictionary)?,
            scratch: Vec::new(),
        };
        // The library builds its tables, and finds fault with the dictionary, at the first use.
        match compressor.compress(b"{}") {
            Ok(_) => Ok(compressor),
            Err(ZstdError::Compress { source, .. }) => Err(ZstdError::Dictionary(source)),
            Err(other) => Err(other),
        }
    }

    /// The event as one zstd frame.
    pub fn compress(&mut self, json: &[u8]) -> Result<Box<[u8]>, ZstdError> {
        Ok(Box::from(&*self.frame_behind(0, json)?))
    }

    /// The event as one zstd frame in the finished frame of one binary WebSocket message.
    pub fn binary_message(&mut self, json: &[u8]) -> Result<Box<[u8]>, ZstdError> {
        let message = self.frame_behind(MAX_HEADER_LEN, json)?;
        Ok(Box::from(binary_frame_in_place(message)))
    }

    /// One zstd frame behind `spare` bytes for somebody else.
    fn frame_behind(&mut self, spare: usize, json: &[u8]) -> Result<&mut [u8], ZstdError> {
        let room = spare + compress_bound(json.len());
        if self.scratch.len() < room {
            self.scratch.resize(room, 0);
        }
        let len = self
            .zstd
            .compress_to_buffer(json, &mut self.scratch[spare..])
            .map_err(|source| ZstdError::Compress {
                len: json.len(),
                source,
            })?;
        Ok(&mut self.scratch[..spare + len])
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

fn prepare(dictionary: &[u8], level: i32) -> io::Result<bulk::Compressor<'static>> {
    let mut zstd = bulk::Compressor::with_dictionary(level, dictionary)?;
    zstd.include_contentsize(true)?;
    zstd.include_dictid(true)?;
    zstd.include_checksum(false)?;
    zstd.window_log(WINDOW_LOG)?;
    Ok(zstd)
}

#[cfg(test)]
mod tests;
