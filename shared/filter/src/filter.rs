//! A filter: which events one subscriber wants.

use std::num::NonZeroU32;
use std::sync::Arc;

use fanjet_event::{Did, Nsid, Topic};

use crate::OptionsError;

/// Most different collections and prefixes together.
pub const MAX_COLLECTIONS: usize = 100;
/// Most different DIDs.
pub const MAX_DIDS: usize = 10_000;
/// Most values of `wantedCollections` with repetitions: bounds the work before they are compared.
pub const MAX_COLLECTION_VALUES: usize = 10_000;
/// Most values of `wantedDids` with repetitions.
pub const MAX_DID_VALUES: usize = 1_000_000;

/// Which events are wanted. Canonical: what selects by the same values is equal and hashes equally, in
/// whatever order and however often the values were named.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Filter {
    /// Sorted, without duplicates.
    exact: Box<[Nsid]>,
    /// Sorted, without duplicates, each with its final dot.
    prefixes: Box<[Arc<str>]>,
    /// Sorted, without duplicates.
    dids: Box<[Did]>,
    max_message_bytes: Option<NonZeroU32>,
}

impl Filter {
    /// Checks and sorts the values of `wantedCollections`, `wantedDids` and `maxMessageSizeBytes` (0: no
    /// limit). No values of a kind means that everything passes.
    ///
    /// A collection that ends in `.*` is a prefix, and its head is not checked, as v1 does not check it.
    ///
    /// # Errors
    /// [`OptionsError`] naming the first bad value, or the limit that was passed.
    pub fn new<'a>(
        collections: impl IntoIterator<Item = &'a str>,
        dids: impl IntoIterator<Item = &'a str>,
        max_message_bytes: u32,
    ) -> Result<Self, OptionsError> {
        let mut exact = Vec::new();
        let mut prefixes = Vec::new();
        for value in collections {
            if exact.len() + prefixes.len() == MAX_COLLECTION_VALUES {
                return Err(OptionsError::TooManyCollectionValues);
            }
            match value.strip_suffix('*') {
                Some(prefix) if prefix.ends_with('.') => prefixes.push(prefix),
                _ => exact.push(
                    Nsid::parse(value)
                        .map_err(|_| OptionsError::Collection(OptionsError::shown(value)))?,
                ),
            }
        }
        let exact = sorted(exact);
        let prefixes = sorted(prefixes);
        if exact.len() + prefixes.len() > MAX_COLLECTIONS {
            return Err(OptionsError::TooManyCollections(
                exact.len() + prefixes.len(),
            ));
        }
        let mut wanted = Vec::new();
        for value in dids {
            if wanted.len() == MAX_DID_VALUES {
                return Err(OptionsError::TooManyDidValues);
            }
            wanted.push(
                Did::parse(value).map_err(|_| OptionsError::Did(OptionsError::shown(value)))?,
            );
        }
        let dids = sorted(wanted);
        if dids.len() > MAX_DIDS {
            return Err(OptionsError::TooManyDids(dids.len()));
        }
        Ok(Self {
            exact: exact.iter().map(Nsid::shared).collect(),
            prefixes: prefixes.into_iter().map(Arc::from).collect(),
            dids: dids.iter().map(Did::shared).collect(),
            max_message_bytes: NonZeroU32::new(max_message_bytes),
        })
    }

    /// Whether an event is wanted. `message_bytes` is the length of its JSON.
    pub fn matches(&self, topic: &Topic, did: &str, message_bytes: usize) -> bool {
        self.wants_topic(topic) && self.wants_did(did) && self.wants_size(message_bytes)
    }

    /// Whether an event about `topic` passes. Identity and account events pass every collection filter; sync
    /// events are never served here.
    pub fn wants_topic(&self, topic: &Topic) -> bool {
        match topic {
            Topic::Commit(collection) => {
                self.wants_every_collection()
                    || self.exact.binary_search(collection).is_ok()
                    || self
                        .prefixes
                        .iter()
                        .any(|prefix| collection.as_str().starts_with(&**prefix))
            }
            Topic::Identity | Topic::Account => true,
            Topic::Sync => false,
        }
    }

    /// Whether events of this repo pass, whatever they are about.
    pub fn wants_did(&self, did: &str) -> bool {
        self.wants_every_did()
            || self
                .dids
                .binary_search_by(|wanted| wanted.as_str().cmp(did))
                .is_ok()
    }

    /// Whether a message of this many bytes passes.
    pub fn wants_size(&self, message_bytes: usize) -> bool {
        self.max_message_bytes
            .is_none_or(|max| message_bytes <= max.get() as usize)
    }

    /// Whether no collection was named.
    pub fn wants_every_collection(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty()
    }

    /// Whether no DID was named.
    pub fn wants_every_did(&self) -> bool {
        self.dids.is_empty()
    }

    /// The collections that were named in full.
    pub fn collections(&self) -> &[Nsid] {
        &self.exact
    }

    /// What collections may begin with; each ends in a dot.
    pub fn prefixes(&self) -> &[Arc<str>] {
        &self.prefixes
    }

    /// The DIDs that were named.
    pub fn dids(&self) -> &[Did] {
        &self.dids
    }

    /// The longest wanted message in bytes of JSON.
    pub fn max_message_bytes(&self) -> Option<NonZeroU32> {
        self.max_message_bytes
    }
}

fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable();
    values.dedup();
    values
}

#[cfg(test)]
mod tests;
