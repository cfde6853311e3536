//! A stream whose every event is checked: messages put together, unpacked, judged.

use fanjet_oracle::{Filter, Kind, Matcher, Piece};
use zstd::bulk::Decompressor;

use crate::SwarmError;
use crate::account::{Account, Seen, Stretch};

/// Larger events than any Jetstream server sends.
const MAX_EVENT: usize = 8 << 20;

/// One checked stream.
pub(crate) struct Sample {
    /// What was asked for.
    pub(crate) wanted: Matcher,
    pub(crate) account: Account,
    /// It records what comes for the comparison with all others.
    pub(crate) is_reference: bool,
    /// The parts of a message that was split between reads.
    parts: Vec<u8>,
    unpacker: Option<Decompressor<'static>>,
}

impl std::fmt::Debug for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sample")
            .field("account", &self.account)
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
            account: Account::new(wanted.clone()),
            wanted,
            is_reference,
            parts: Vec::new(),
            unpacker,
        })
    }

    pub(crate) fn stretch(&self) -> Stretch {
        self.account.stretch
    }

    /// Takes in a piece; `on_event` gets the event that ends with it.
    pub(crate) fn see(&mut self, piece: Piece<'_>, on_event: impl FnOnce(&mut Account, &Seen<'_>)) {
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
        let account = &mut self.account;
        match (&mut self.unpacker, kind) {
            (None, Kind::Text) => judge(account, message, on_event),
            (Some(unpacker), Kind::Binary) => match unpacker.decompress(message, MAX_EVENT) {
                Ok(json) => judge(account, &json, on_event),
                Err(error) => account.unreadable(&format!("does not decompress: {error}")),
            },
            (_, kind) => account.unreadable(&format!("a {kind:?} message")),
        }
        self.parts.clear();
    }
}

fn judge(account: &mut Account, json: &[u8], on_event: impl FnOnce(&mut Account, &Seen<'_>)) {
    if let Some(seen) = account.check(json) {
        on_event(account, &seen);
    }
}
