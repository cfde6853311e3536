//! What a client says after it has connected: text messages, read as v1's server reads them.
//!
//! v1 is written in Go, whose JSON reader matches keys in any case, lets a later key replace an earlier one, passes
//! over unknown keys, and takes `null` for "not there". Clients depend on some of it, so all of it holds here.
//!
//! Bounded: nothing that a message nests is followed, and no more values are kept than a filter may look at.

mod values;

use std::fmt;

use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use self::values::Values;
use crate::{Filter, MAX_COLLECTION_VALUES, MAX_DID_VALUES, MessageError};

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
        let payload: Payload<'_> =
            serde_json::from_str(payload.get()).map_err(|_| MessageError::Payload)?;
        let filter = Filter::new(
            payload.collections.iter(),
            payload.dids.iter(),
            u32::try_from(payload.max_message_bytes).unwrap_or(0),
        )?;
        Ok(Self::OptionsUpdate(filter))
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

#[derive(Debug, Default)]
struct Payload<'a> {
    collections: Values<'a, MAX_COLLECTION_VALUES>,
    dids: Values<'a, MAX_DID_VALUES>,
    /// Negative, and above what a `u32` holds: no limit.
    max_message_bytes: i64,
}

impl<'a> Fields<'a> for Payload<'a> {
    const NAMES: &'static [&'static str] =
        &["wantedCollections", "wantedDids", "maxMessageSizeBytes"];

    fn read<A: MapAccess<'a>>(&mut self, field: usize, map: &mut A) -> Result<(), A::Error> {
        match field {
            0 => self.collections = map.next_value::<Option<_>>()?.unwrap_or_default(),
            1 => self.dids = map.next_value::<Option<_>>()?.unwrap_or_default(),
            _ => {
                if let Some(bytes) = map.next_value()? {
                    self.max_message_bytes = bytes;
                }
            }
        }
        Ok(())
    }
}

/// Go leaves what a field holds when a later one of the same name is `null`.
fn replace<T>(field: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *field = value;
    }
}

/// An object of which some fields are read, as Go reads one into a struct.
trait Fields<'de>: Default {
    const NAMES: &'static [&'static str];

    /// Takes the value of the field with this place among the names.
    fn read<A: MapAccess<'de>>(&mut self, field: usize, map: &mut A) -> Result<(), A::Error>;
}

macro_rules! deserialize_fields {
    ($($type:ident),*) => {$(
        impl<'de> Deserialize<'de> for $type<'de> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Object(Self::default()))
            }
        }
    )*};
}
deserialize_fields!(Envelope, Payload);

struct Object<T>(T);

impl<'de, T: Fields<'de>> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object or null")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<T, A::Error> {
        while let Some(field) = map.next_key_seed(Name(T::NAMES))? {
            match field {
                Some(field) => self.0.read(field, &mut map)?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(self.0)
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        Ok(self.0)
    }
}

/// Finds a key's place among the names.
struct Name(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| folds_to(key, name)))
    }
}

/// Whether a key is this name in any case. Two letters outside of ASCII fold to ASCII ones, in Go too.
fn folds_to(key: &str, name: &str) -> bool {
    let folded = |letter| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => char::to_ascii_lowercase(&other),
    };
    key.chars()
        .map(folded)
        .eq(name.chars().map(|letter| letter.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests;
