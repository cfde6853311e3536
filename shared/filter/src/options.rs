//! The parameters of `/subscribe`.

use crate::query::pairs;
use crate::{Filter, OptionsError};

/// What one client asked for when it connected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubscriberOptions {
    /// Which events it wants.
    pub filter: Filter,
}

impl SubscriberOptions {
    /// Reads a raw query string (without the `?`). Names are case-sensitive, unknown ones are ignored, of a
    /// single-valued one the first counts.
    ///
    /// # Errors
    /// [`OptionsError`] naming the first bad value.
    pub fn parse(query: &str) -> Result<Self, OptionsError> {
        let mut collections = Vec::new();
        let mut dids = Vec::new();
        let mut max_message_bytes = None;
        for (name, value) in pairs(query) {
            match &*name {
                "wantedCollections" => collections.push(value),
                "wantedDids" => dids.push(value),
                "maxMessageSizeBytes" => {
                    max_message_bytes.get_or_insert_with(|| read_limit(&value));
                }
                _ => {}
            }
        }
        Ok(Self {
            filter: Filter::new(
                collections.iter().map(AsRef::as_ref),
                dids.iter().map(AsRef::as_ref),
                max_message_bytes.unwrap_or(0),
            )?,
        })
    }
}

/// Anything that is no decimal number from 0 to 2^32 - 1 means no limit, which is written 0.
fn read_limit(value: &str) -> u32 {
    value.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests;
