//! A fully checked stream: messages are assembled, decompressed and checked.

use fanjet_dictionaries::Dictionary;
use fanjet_oracle::{Filter, Kind, Matcher, Piece, V2Message, read_v2};
use zstd::bulk::Decompressor;

use crate::SwarmError;
use crate::expected::{Expected, Seen, Stretch};

/// Larger than any event of a Jetstream server.
const MAX_EVENT: usize = 8 << 20;

/// The form of a stream's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SampleEncoding {
    pub(crate) is_v2: bool,
    pub(crate) is_compressed: bool,
}

impl SampleEncoding {
    fn dictionary(self) -> &'static Dictionary {
        match self.is_v2 {
            true => fanjet_dictionaries::v2(),
            false => fanjet_dictionaries::v1(),
        }
    }

    /// The query parameter that asks for compression.
    pub(crate) fn parameter(self) -> Option<String> {
        let id = self.dictionary().id();
        self.is_compressed.then(|| match self.is_v2 {
            true => format!("zstdDictionary={id}"),
            false => "compress=true".to_owned(),
        })
    }
}

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
    is_v2: bool,
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
        encoding: SampleEncoding,
        is_reference: bool,
    ) -> Result<Self, SwarmError> {
        let dictionary = || Decompressor::with_dictionary(encoding.dictionary().bytes());
        let unpacker = encoding.is_compressed.then(dictionary).transpose();
        let unpacker =
            unpacker.map_err(|error| SwarmError::Io("cannot prepare the dictionary", error))?;
        let wanted = Matcher::new(filter);
        Ok(Self {
            expected: Expected::new(wanted.clone()),
            wanted,
            is_reference,
            parts: Vec::new(),
            unpacker,
            is_v2: encoding.is_v2,
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
            (None, Kind::Text) => judge(expected, message, self.is_v2, on_event),
            (Some(unpacker), Kind::Binary) => match unpacker.decompress(message, MAX_EVENT) {
                Ok(json) => judge(expected, &json, self.is_v2, on_event),
                Err(error) => expected.unreadable(&format!("does not decompress: {error}")),
            },
            (_, kind) => expected.unreadable(&format!("a {kind:?} message")),
        }
        self.parts.clear();
    }
}

fn judge(
    expected: &mut Expected,
    message: &[u8],
    is_v2: bool,
    on_event: impl FnOnce(&mut Expected, &Seen<'_>),
) {
    let v1;
    let json = match is_v2.then(|| read_v2(message)) {
        None => message,
        Some(Ok(V2Message::Event { v1: event, .. })) => {
            v1 = event;
            v1.as_bytes()
        }
        // Not an event of v1.
        Some(Ok(V2Message::Sync { .. })) => return,
        Some(other) => return expected.unreadable(&format!("not an event: {other:?}")),
    };
    if let Some(seen) = expected.check(json) {
        on_event(expected, &seen);
    }
}
