//! A fully checked stream: messages are assembled, decompressed and checked.

use fanjet_oracle::{Filter, Kind, Matcher, Piece};
use zstd::bulk::Decompressor;

use crate::SwarmError;
use crate::expected::{Expected, Seen, Stretch};

/// Larger than any event of a Jetstream server.
const MAX_EVENT: usize = 8 << 20;

/// One checked stream.
pub(crate) struct Sample {
    /// What was asked for.
    pub(crate) wanted: Matcher,
    pub(crate) expected: Expected,
    /// Receives every event for the comparison with all others.
    pub(crate) is_reference: bool,
    /// The parts of a message that was split between reads.
    parts: Vec<u8>,
    unpacker: Option<Decompressor<'static>>,
}

impl std::fmt::Debug for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sample")
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}

impl Sample {
    pub(crate) fn new(
        filter: &Filter,
        is_compressed: bool,
        is_reference: bool,
    ) -> Result<Self, SwarmError> {
        let dictionary = || Decompressor::with_dictionary(fanjet_dictionaries::v1().bytes());
        let unpacker = is_compressed.then(dictionary).transpose();
        let unpacker =
            unpacker.map_err(|error| SwarmError::Io("cannot prepare the dictionary", error))?;
        let wanted = Matcher::new(filter);
        Ok(Self {
            expected: Expected::new(wanted.clone()),
            wanted,
            is_reference,
            parts: Vec::new(),
            unpacker,
        })
    }

    pub(crate) fn stretch(&self) -> Stretch {
        self.expected.stretch
    }

    /// Adds a piece; `on_event` gets the event that ends with it.
    pub(crate) fn see(
        &mut self,
        piece: Piece<'_>,
        on_event: impl FnOnce(&mut Expected, &Seen<'_>),
    ) {
        let Piece::Data { kind, bytes, ends } = piece else {
            return;
        };
        if !ends {
            self.parts.extend_from_slice(bytes);
            return;
        }
        let message = match self.parts.is_empty() {
            true => bytes,
            false => {
                self.parts.extend_from_slice(bytes);
                &self.parts[..]
            }
        };
        let expected = &mut self.expected;
        match (&mut self.unpacker, kind) {
            (None, Kind::Text) => judge(expected, message, on_event),
            (Some(unpacker), Kind::Binary) => match unpacker.decompress(message, MAX_EVENT) {
                Ok(json) => judge(expected, &json, on_event),
                Err(error) => expected.unreadable(&format!("does not decompress: {error}")),
            },
            (_, kind) => expected.unreadable(&format!("a {kind:?} message")),
        }
        self.parts.clear();
    }
}

fn judge(expected: &mut Expected, json: &[u8], on_event: impl FnOnce(&mut Expected, &Seen<'_>)) {
    if let Some(seen) = expected.check(json) {
        on_event(expected, &seen);
    }
}
