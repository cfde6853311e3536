//! A list of texts, of which only so many are kept as anybody will look at.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::List;

/// Texts of a message: at most one more than their list looks at, so that whoever counts them sees that there were
/// too many.
#[derive(Debug, Default)]
pub(super) struct Values<'a>(Vec<Cow<'a, str>>);

impl<'a> Values<'a> {
    /// Reads values of this list; `null` is the empty list.
    pub(super) fn of(list: List) -> Reader {
        Reader(list.max_values())
    }

    pub(super) fn into_inner(self) -> Vec<Cow<'a, str>> {
        self.0
    }
}

/// Reads a list.
pub(super) struct Reader(usize);

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Values<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Values<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of texts or null")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut kept = Vec::new();
        while let Some(text) = list.next_element::<Text<'de>>()? {
            if kept.len() <= self.0 {
                kept.push(text.0);
            }
        }
        Ok(Values(kept))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Values::default())
    }
}

/// One text. `null` is the empty one, as in Go.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Text)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }
}
