//! Encodes frames on demand, for one worker thread.

use std::sync::Arc;

use bytes::Bytes;
use fanjet_filter::Encoding;
use fanjet_log::Seq;
use fanjet_wire::zstd::{Compressor, stored_message};
use fanjet_wire::{v0, v2, websocket};
use tracing::error;

use super::compression::DictionaryRole;
use super::{Compression, EncodedBytes};
use crate::metrics::EncodedCounts;

/// Encodes frames. The compressor is created on first use.
#[derive(Debug)]
pub struct Encoder {
    compression: Compression,
    /// By role.
    compressors: [Option<Compressor>; DictionaryRole::COUNT],
    /// The text of an event on its way into a compressed frame.
    text: Vec<u8>,
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
            compressors: Default::default(),
            text: Vec::new(),
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
    pub(super) fn encode(&mut self, encoding: Encoding, json: &[u8], seq: Seq) -> Box<[u8]> {
        match encoding {
            Encoding::Json | Encoding::Sse | Encoding::Ndjson | Encoding::V2c => {
                Box::from(&*websocket::text_frame(json))
            }
            Encoding::Zstd => {
                let (message, is_stored) = self.zstd(DictionaryRole::V1, json);
                self.made.zstd += u64::from(!is_stored);
                message
            }
            Encoding::V0 => {
                self.made.v0 += 1;
                v0::text_message(json).unwrap_or_else(|| {
                    error!("an event does not start like v1 JSON, sending it unchanged");
                    Box::from(&*websocket::text_frame(json))
                })
            }
            Encoding::V2 => {
                self.made.v2 += 1;
                v2::text_message(json, seq).unwrap_or_else(|| no_message(seq))
            }
            Encoding::V2Zstd => self.v2_zstd(DictionaryRole::V2, json, seq),
            Encoding::V2ZstdPrevious => self.v2_zstd(DictionaryRole::V2Previous, json, seq),
        }
    }

    /// The finished frame of a message of v2 that is no event.
    pub(crate) fn v2_notice(&mut self, encoding: Encoding, json: &[u8]) -> Bytes {
        match encoding {
            Encoding::V2Zstd => self.zstd(DictionaryRole::V2, json).0.into(),
            Encoding::V2ZstdPrevious => self.zstd(DictionaryRole::V2Previous, json).0.into(),
            _ => websocket::text_frame(json),
        }
    }

    pub(super) fn bytes(&self, is_paged: bool) -> &Arc<EncodedBytes> {
        match is_paged {
            true => &self.bytes_of_pages,
            false => &self.bytes,
        }
    }

    fn v2_zstd(&mut self, role: DictionaryRole, json: &[u8], seq: Seq) -> Box<[u8]> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let message = if v2::put_json(&mut text, json, seq) {
            let (message, is_stored) = self.zstd(role, &text);
            self.made.v2_zstd += u64::from(!is_stored);
            message
        } else {
            no_message(seq)
        };
        self.text = text;
        message
    }

    /// The frame, and whether it had to be stored uncompressed.
    fn zstd(&mut self, role: DictionaryRole, json: &[u8]) -> (Box<[u8]>, bool) {
        let compressor = &mut self.compressors[role as usize];
        if compressor.is_none() {
            *compressor = self.compression.compressor(role).ok();
        }
        match compressor
            .as_mut()
            .and_then(|compressor| compressor.binary_message(json).ok())
        {
            Some(message) => (message, false),
            None => {
                self.made.stored += 1;
                (stored_message(json), true)
            }
        }
    }
}

/// Ingest writes no such event, and the node has checked how it begins: a foreign program wrote to the log.
fn no_message(seq: Seq) -> Box<[u8]> {
    error!(
        seq,
        "an event of the log does not end as v1 does; v2 cannot show it"
    );
    Box::default()
}

#[cfg(test)]
mod tests;
