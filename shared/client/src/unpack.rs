//! Decompresses the events of a connection.

use std::io;

use bytes::Bytes;
use zstd::bulk::Decompressor;

/// Larger than any event of a Jetstream server.
const MAX_EVENT: usize = 8 << 20;

/// Decompresses with the dictionary of Jetstream v1.
pub(crate) struct Unpacker {
    zstd: Decompressor<'static>,
    event: Vec<u8>,
}

impl Unpacker {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            zstd: Decompressor::with_dictionary(fanjet_dictionaries::v1().bytes())?,
            event: Vec::with_capacity(MAX_EVENT),
        })
    }

    /// The event in one frame.
    ///
    /// # Errors
    /// When it is not a zstd frame with Jetstream's dictionary, or the event is larger than 8 MiB.
    pub(crate) fn unpack(&mut self, frame: &[u8]) -> io::Result<Bytes> {
        self.event.clear();
        self.zstd.decompress_to_buffer(frame, &mut self.event)?;
        Ok(Bytes::copy_from_slice(&self.event))
    }
}

#[cfg(test)]
mod tests {
    use fanjet_wire::zstd::{Compressor, DEFAULT_LEVEL};

    use super::*;

    #[test]
    fn events_are_unpacked_one_by_one_and_junk_is_refused() {
        let dictionary = fanjet_dictionaries::v1().bytes();
        let mut compressor = Compressor::new(dictionary, DEFAULT_LEVEL).unwrap();
        let mut unpacker = Unpacker::new().unwrap();
        for event in [&b"{\"did\":\"did:plc:x\"}"[..], &[b'x'; 100_000], b"{}"] {
            let frame = compressor.compress(event).unwrap();
            assert_eq!(unpacker.unpack(&frame).unwrap(), event);
        }
        assert!(unpacker.unpack(b"{}").is_err());
        let frame = compressor.compress(b"{}").unwrap();
        assert_eq!(unpacker.unpack(&frame).unwrap(), &b"{}"[..]);
    }
}
