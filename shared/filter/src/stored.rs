//! Filters that are kept under an id: one text for each filter, and the id that follows from it.

use std::fmt;

use data_encoding::{BASE32_NOPAD, Encoding};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use sha2::{Digest, Sha256};

use crate::{Filter, FilterRequest, List};

/// The id of a filter: the beginning of the SHA-256 of its canonical JSON. Equal filters have equal ids, and nobody
/// finds a filter's id who does not know the filter.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FilterId([u8; Self::BYTES]);

impl FilterId {
    /// Characters of an id.
    pub const LEN: usize = 32;
    const BYTES: usize = 20;

    /// The id of a filter.
    pub fn of(filter: &Filter) -> Self {
        let digest = Sha256::digest(filter.to_json());
        let mut id = [0; Self::BYTES];
        id.copy_from_slice(&digest[..Self::BYTES]);
        Self(id)
    }

    /// Reads an id as [`fmt::Display`] writes it: 32 characters of `a-z2-7`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::LEN || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let bytes = BASE32.decode(text.to_ascii_uppercase().as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

/// RFC 4648 section 6.
const BASE32: Encoding = BASE32_NOPAD;

impl fmt::Display for FilterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE32.encode(&self.0).to_ascii_lowercase())
    }
}

impl fmt::Debug for FilterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilterId({self})")
    }
}

impl Filter {
    /// Its canonical JSON: an object with the keys of an options update's payload, of which only those that narrow
    /// something are there, in a fixed order, their values sorted.
    pub fn to_json(&self) -> String {
        // Maps of texts to texts and numbers do not fail.
        serde_json::to_string(&Canonical(self.to_request())).unwrap_or_default()
    }
}

struct Canonical(FilterRequest<'static>);

impl Serialize for Canonical {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for list in List::ALL {
            let values = self.0.values(list);
            if !values.is_empty() {
                map.serialize_entry(list.name(), values)?;
            }
        }
        if self.0.max_message_bytes > 0 {
            map.serialize_entry("maxMessageSizeBytes", &self.0.max_message_bytes)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests;
