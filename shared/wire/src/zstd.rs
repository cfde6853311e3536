//! Events as zstd frames, for clients that request `compress=true`.
//!
//! Every event is one independent frame (RFC 8878), made with a dictionary that the clients have too. A frame must
//! never depend on an earlier one: it is made once and sent to clients that have missed any number of others.
//!
//! Every frame has the magic number, the dictionary ID, and the content size, also below 256 bytes, where Jetstream v1
//! omits it and decoders that rely on the header fail. No frame needs a window above [`MAX_WINDOW`]. There is no
//! checksum: it is optional, the transport has its own, and four bytes are two percent of a typical event.

mod stored;

use std::{fmt, io};

use ::zstd::bulk;
use ::zstd::zstd_safe::{compress_bound, get_dict_id_from_dict};
use thiserror::Error;

use crate::websocket::{MAX_HEADER_LEN, binary_frame_in_place};

pub use stored::stored_message;

/// Compared with level 3 this loses two percent of the ratio and saves a sixth of the time.
pub const DEFAULT_LEVEL: i32 = 1;

/// The largest window in bytes that a client must support; Jetstream v1 uses the same.
pub const MAX_WINDOW: usize = 1 << WINDOW_LOG;
const WINDOW_LOG: u32 = 17;

/// Makes zstd frames with one dictionary. One per thread: it owns its tables and its working memory.
///
/// The dictionary is loaded once, when the compressor is made. A frame is one allocation of exactly its length, so
/// keeping it wastes no memory.
pub struct Compressor {
    zstd: bulk::Compressor<'static>,
    /// Scratch buffer for frames of unknown length. As large as the largest event so far needed.
    scratch: Vec<u8>,
}

/// A compressor or a frame could not be made.
#[derive(Debug, Error)]
pub enum ZstdError {
    /// The level does not exist. The operator must choose another.
    #[error("invalid zstd level {level} (allowed: {min} to {max})")]
    Level {
        /// The requested level.
        level: i32,
        /// The lowest.
        min: i32,
        /// The highest.
        max: i32,
    },
    /// The bytes are not a dictionary with an ID and valid tables. The operator must provide another one.
    #[error("invalid zstd dictionary: {0}")]
    Dictionary(#[source] io::Error),
    /// The library failed to compress. The only known cause is a lack of memory.
    #[error("zstd failed to compress an event of {len} bytes: {source}")]
    Compress {
        /// The event's length.
        len: usize,
        /// The library's error.
        source: io::Error,
    },
}

impl ZstdError {
    /// Whether the same call can succeed later without an operator.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Compress { .. })
    }
}

impl Compressor {
    /// Loads a structured dictionary (RFC 8878 section 5) for a level. The tables take about 240 KiB at level 1 and 650
    /// KiB at level 3. Level 0 is the library's default, which is 3.
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
            let no_id = io::Error::new(io::ErrorKind::InvalidData, "it has no ID");
            return Err(ZstdError::Dictionary(no_id));
        }
        let mut compressor = Self {
            zstd: prepare(dictionary, level).map_err(ZstdError::Dictionary)?,
            scratch: Vec::new(),
        };
        // The library builds its tables, and validates the dictionary, at the first use.
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

    /// One zstd frame after `spare` bytes for a header.
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
