//! Lists in settings: an array in a file, or values separated by commas in the environment and in `--set`, which have only
//! text.

use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// For `#[serde(deserialize_with)]`.
///
/// # Errors
/// A value that is neither form, or an item that cannot be parsed.
pub fn list<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display> + Deserialize<'de>,
{
    from.deserialize_any(ListVisitor(PhantomData))
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: FromStr<Err: Display> + Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, or values separated by commas")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let values = text.split(',').map(str::trim);
        let values = values.filter(|value| !value.is_empty());
        let read = |value: &str| {
            let unreadable = |error| E::custom(format_args!("{value:?}: {error}"));
            value.parse().map_err(unreadable)
        };
        values.map(read).collect()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = values.next_element()? {
            list.push(value);
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests;
