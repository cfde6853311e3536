//! Messages from a connected client: text messages, parsed as v1's server parses them.
//!
//! v1 is written in Go, whose JSON decoder matches keys in any case, lets a later key replace an earlier one, ignores
//! unknown keys, and treats `null` as absent. Clients depend on some of this, so all of it applies here.
//!
//! Bounded: nested values are not followed, and no more values are kept than a filter may contain.

use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::go_json::{Fields, deserialize_fields};
use crate::{Filter, MessageError, OptionsUpdate};

/// A parsed text message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientMessage {
    /// Replaces the client's filter, and its delay if it has one. An omitted condition is no longer applied.
    OptionsUpdate(OptionsUpdate),
    /// An unknown type, which v1 ignores.
    Unknown,
}

impl ClientMessage {
    /// Parses a text message.
    ///
    /// # Errors
    /// [`MessageError`]: the message is invalid, or its options are rejected.
    pub fn parse(text: &[u8]) -> Result<Self, MessageError> {
        let text = std::str::from_utf8(text).map_err(|_| MessageError::Envelope)?;
        let envelope: Envelope<'_> =
            serde_json::from_str(text).map_err(|_| MessageError::Envelope)?;
        if envelope.kind.as_deref() != Some("options_update") {
            return Ok(Self::Unknown);
        }
        let payload = envelope.payload.ok_or(MessageError::Payload)?;
        OptionsUpdate::from_json(payload.get()).map(Self::OptionsUpdate)
    }
}

impl OptionsUpdate {
    /// Reads the body of a request: what an update has as its payload, alone. A whole update would read as a filter that
    /// names nothing, and let every event through: it is refused.
    ///
    /// # Errors
    /// As [`OptionsUpdate::from_json`].
    pub fn from_body(body: &[u8]) -> Result<Self, MessageError> {
        let text = std::str::from_utf8(body).map_err(|_| MessageError::Payload)?;
        let update = Self::from_json(text)?;
        let is_wrapped = || !matches!(ClientMessage::parse(body), Ok(ClientMessage::Unknown));
        if update.filter == Filter::default() && is_wrapped() {
            return Err(MessageError::Payload);
        }
        Ok(update)
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

/// Go keeps a field's value when a later duplicate is `null`.
fn replace<T>(field: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *field = value;
    }
}

#[cfg(test)]
mod tests;
