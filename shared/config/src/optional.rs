//! Optional text. An absent text is empty in settings, so that every key has a value to show.
//!
//! For `#[serde(with)]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Deserializes it. An empty text is `None`.
///
/// # Errors
/// A value that is not a text.
pub fn deserialize<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: From<String>,
{
    let text = String::deserialize(from)?;
    Ok(Some(text).filter(|text| !text.is_empty()).map(T::from))
}

/// Serializes it. `None` becomes an empty text.
///
/// # Errors
/// Errors of the serializer.
pub fn serialize<S: Serializer, T: Serialize>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => value.serialize(to),
        None => to.serialize_str(""),
    }
}
