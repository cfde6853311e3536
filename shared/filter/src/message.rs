//! What a client says after it has connected: text messages, read as v1's server reads them.
//!
//! v1 is written in Go, whose JSON reader matches keys in any case, lets a later key replace an earlier one, passes
//! over unknown keys, and takes `null` for "not there". Clients depend on some of it, so all of it holds here.
//!
//! Bounded: nothing that a message nests is followed, and no more values are kept than a filter may look at.

use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::go_json::{Fields, deserialize_fields};
use crate::{Filter, MessageError};

/// A text message that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientMessage {
    /// From now on the client wants this and nothing else. What it did not name is not limited any more.
    OptionsUpdate(Filter),
    /// A type that is not known, which v1 ignores.
    Unknown,
}

impl ClientMessage {
    /// Reads a text message.
    ///
    /// # Errors
    /// [`MessageError`]: the message is not one, or asks for what is refused.
    pub fn parse(text: &[u8]) -> Result<Self, MessageError> {
        let text = std::str::from_utf8(text).map_err(|_| MessageError::Envelope)?;
        let envelope: Envelope<'_> =
            serde_json::from_str(text).map_err(|_| MessageError::Envelope)?;
        if envelope.kind.as_deref() != Some("options_update") {
            return Ok(Self::Unknown);
        }
        let payload = envelope.payload.ok_or(MessageError::Payload)?;
        Filter::from_json(payload.get()).map(Self::OptionsUpdate)
    }
}

#[derive(Debug, Default)]
struct Envelope<'a> {
    kind: Option<String>,
    payload: Option<&'a RawValue>,
}

impl<'a> Fields<'a> for Envelope<'a> {
    const NAMES: &'static [&'static str] = &["type", "payload"];

    fn read<A: MapAccess<'a>>(&mut self, field: usize, map: &mut A) -> Result<(), A::Error> {
        match field {
            0 => replace(&mut self.kind, map.next_value()?),
            _ => self.payload = Some(map.next_value()?),
        }
        Ok(())
    }
}

deserialize_fields!(Envelope);

/// Go leaves what a field holds when a later one of the same name is `null`.
fn replace<T>(field: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *field = value;
    }
}

#[cfg(test)]
mod tests;
