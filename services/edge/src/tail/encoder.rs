//! Encodes frames on demand, for one worker thread.

use std::sync::Arc;

use fanjet_filter::Encoding;
use fanjet_wire::zstd::{Compressor, stored_message};
use fanjet_wire::{v0, websocket};
use tracing::error;

use super::{Compression, EncodedBytes};
use crate::metrics::EncodedCounts;

/// Encodes frames. The compressor is created on first use.
#[derive(Debug)]
pub struct Encoder {
    compression: Compression,
    compressor: Option<Compressor>,
    bytes: Arc<EncodedBytes>,
    /// The counter for events of pages.
    bytes_of_pages: Arc<EncodedBytes>,
    made: EncodedCounts,
}

impl Encoder {
    /// Frames are counted in `bytes` while they live.
    pub fn new(compression: Compression, bytes: Arc<EncodedBytes>) -> Self {
        Self {
            compression,
            compressor: None,
            bytes,
            bytes_of_pages: Arc::default(),
            made: EncodedCounts::default(),
        }
    }

    /// The same encoder, with a separate counter for frames of pages.
    #[must_use]
    pub fn counting_pages_in(mut self, bytes: Arc<EncodedBytes>) -> Self {
        self.bytes_of_pages = bytes;
        self
    }

    /// Its compression.
    pub(crate) fn compression(&self) -> &Compression {
        &self.compression
    }

    /// The counts since the last call.
    pub fn take_made(&mut self) -> EncodedCounts {
        std::mem::take(&mut self.made)
    }

    /// Encodes the frame of one event.
    pub(super) fn encode(&mut self, encoding: Encoding, json: &[u8]) -> Box<[u8]> {
        match encoding {
            Encoding::Json | Encoding::Sse | Encoding::Ndjson => {
                Box::from(&*websocket::text_frame(json))
            }
            Encoding::Zstd => self.zstd(json),
            Encoding::V0 => {
                self.made.v0 += 1;
                v0::text_message(json).unwrap_or_else(|| {
                    error!("an event does not start like v1 JSON, sending it unchanged");
                    Box::from(&*websocket::text_frame(json))
                })
            }
        }
    }

    pub(super) fn bytes(&self, is_paged: bool) -> &Arc<EncodedBytes> {
        match is_paged {
            true => &self.bytes_of_pages,
            false => &self.bytes,
        }
    }

    fn zstd(&mut self, json: &[u8]) -> Box<[u8]> {
        if self.compressor.is_none() {
            self.compressor = self.compression.compressor().ok();
        }
        match self
            .compressor
            .as_mut()
            .and_then(|compressor| compressor.binary_message(json).ok())
        {
            Some(message) => {
                self.made.zstd += 1;
                message
            }
            None => {
                self.made.stored += 1;
                stored_message(json)
            }
        }
    }
}

#[cfg(test)]
mod tests;
