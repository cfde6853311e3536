//! Lists in settings: an array in a file, or one text with commas between the values in the environment and behind
//! `--set`, which know only text.

use std::fmt;

use serde::Deserializer;
use serde::de::{SeqAccess, Visitor};

/// For `#[serde(deserialize_with)]`.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    from.deserialize_any(ListVisitor)
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, or text with commas between the values")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        let values = text.split(',').map(str::trim);
        Ok(values
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .collect())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = values.next_element()? {
            list.push(value);
        }
        Ok(list)
    }
}
