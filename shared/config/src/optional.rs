//! Text that may be absent: in settings it is empty then, so that every key has a value that can be shown.
//!
//! For `#[serde(with)]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Reads it; empty is `None`.
///
/// # Errors
/// When it is not a text.
pub fn deserialize<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: From<String>,
{
    let text = String::deserialize(from)?;
    Ok(Some(text).filter(|text| !text.is_empty()).map(T::from))
}

/// Writes it; `None` is empty.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer, T: Serialize>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => value.serialize(to),
        None => to.serialize_str(""),
    }
}
