//! JSON objects, read as v1's server reads them: it is written in Go.

use std::fmt;

use serde::Deserializer;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, Visitor};

/// An object with some known fields, decoded as Go decodes one into a struct.
pub(crate) trait Fields<'de>: Default {
    /// The names of its fields.
    const NAMES: &'static [&'static str];

    /// Takes the value of the field with this index.
    fn read<A: MapAccess<'de>>(&mut self, field: usize, map: &mut A) -> Result<(), A::Error>;
}

macro_rules! deserialize_fields {
    ($type:ident) => {
        impl<'de> serde::Deserialize<'de> for $type<'de> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any($crate::go_json::Object(Self::default()))
            }
        }
    };
}
pub(crate) use deserialize_fields;

pub(crate) struct Object<T>(pub(crate) T);

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

/// Finds the index of a key.
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

/// Whether a key equals this name, ignoring case. Two letters outside ASCII fold to ASCII letters, in Go too.
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
