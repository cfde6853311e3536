//! Frames and expected events with other seqs, as sent by a server that was re-created.

use bytes::Bytes;

use crate::world::cbor;
use crate::{ExpectedEvent, ProducedFrame};

/// A frame with another seq. A frame without a seq stays as it is.
pub(crate) fn bytes(frame: &Bytes, seq: u64, renumbered: u64) -> Bytes {
    let field = |seq| {
        let mut field = Vec::new();
        cbor::text(&mut field, "seq");
        cbor::unsigned(&mut field, seq);
        field
    };
    let (old, new) = (field(seq), field(renumbered));
    let Some(at) = frame.windows(old.len()).position(|part| part == old) else {
        return frame.clone();
    };
    [&frame[..at], &new[..], &frame[at + old.len()..]]
        .concat()
        .into()
}

impl ProducedFrame {
    /// The same with a seq that is higher by `shift`, wrapping.
    #[must_use]
    pub fn shifted_by(self, shift: u64) -> Self {
        if shift == 0 {
            return self;
        }
        let seq = self.seq.wrapping_add(shift);
        Self {
            bytes: bytes(&self.bytes, self.seq, seq),
            expected: self
                .expected
                .into_iter()
                .map(|event| event.renumbered(seq))
                .collect(),
            seq,
            ..self
        }
    }
}

impl ExpectedEvent {
    fn renumbered(self, seq: u64) -> Self {
        let (old, new) = (
            format!("\"seq\":{},\"", self.relay_seq),
            format!("\"seq\":{seq},\""),
        );
        Self {
            json_rest: self
                .json_rest
                .map(|json| match json.contains("\"commit\":") {
                    true => json,
                    false => json.replacen(&old, &new, 1),
                }),
            relay_seq: seq,
            ..self
        }
    }
}
