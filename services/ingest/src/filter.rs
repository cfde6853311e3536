//! What of the firehose is kept at all. Pure.
//!
//! The same rule judges a frame whenever it is read again, so a restart that goes back behind filtered frames repeats
//! nothing. What does not pass never reaches the log, and no cursor can bring it back.

use fanjet_event::{Did, Nsid, Topic};
use fanjet_filter::{Filter, OptionsError};

use crate::IngestError;

/// Which events are kept. The default keeps everything.
#[derive(Debug, Clone, Default)]
pub struct IngestFilter {
    /// Collections and DIDs, in the grammar and within the limits of subscribers' filters.
    wanted: Filter,
    kinds: Kinds,
}

/// By what an event was filtered: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FilteredBy {
    Kind,
    Did,
    Collection,
}

/// What a frame says, as far as filters tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Commit,
    Identity,
    Account,
    Sync,
}

impl IngestFilter {
    /// A filter of collections and prefixes, DIDs, and kinds. An empty list lets everything pass; collections judge
    /// commits only, as `wantedCollections` does.
    ///
    /// # Errors
    /// [`IngestError::Config`] naming the first bad value, or the limit that was passed.
    pub fn new(
        collections: &[String],
        dids: &[String],
        kinds: &[String],
    ) -> Result<Self, IngestError> {
        let wrong = |key| move |error: OptionsError| config_error(key, error.to_string());
        let wanted = |collections: &[String], dids: &[String]| {
            let (collections, dids) = (collections.iter(), dids.iter());
            Filter::new(collections.map(String::as_str), dids.map(String::as_str), 0)
        };
        // Each list alone first, so that the key in the message is the right one.
        wanted(collections, &[]).map_err(wrong("ingest.filter.collections"))?;
        Ok(Self {
            wanted: wanted(collections, dids).map_err(wrong("ingest.filter.dids"))?,
            kinds: Kinds::read(kinds)?,
        })
    }

    /// Judges a frame by its kind and repo; nothing else of it need be read when it does not pass.
    pub(crate) fn judge_frame(&self, kind: Kind, did: Did<&str>) -> Result<(), FilteredBy> {
        if !self.kinds.contains(kind) {
            Err(FilteredBy::Kind)
        } else if !self.wanted.wants_did(did.as_str()) {
            Err(FilteredBy::Did)
        } else {
            Ok(())
        }
    }

    /// Judges an operation of a commit that passed.
    pub(crate) fn judge_collection(&self, collection: Nsid<&str>) -> Result<(), FilteredBy> {
        if self.wanted.wants_every_collection()
            || self.wanted.wants_topic(&Topic::Commit(collection.shared()))
        {
            Ok(())
        } else {
            Err(FilteredBy::Collection)
        }
    }
}

impl FilteredBy {
    pub(crate) const ALL: [Self; 3] = [Self::Kind, Self::Did, Self::Collection];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Did => "did",
            Self::Collection => "collection",
        }
    }
}

/// Filtered events by what they were filtered by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Filtered([u64; FilteredBy::ALL.len()]);

impl Filtered {
    pub(crate) fn add(&mut self, by: FilteredBy, events: u64) {
        self.0[by as usize] += events;
    }

    pub(crate) fn append(&mut self, later: Self) {
        for (ours, theirs) in self.0.iter_mut().zip(later.0) {
            *ours += theirs;
        }
    }

    /// What occurred.
    pub(crate) fn iter(self) -> impl Iterator<Item = (FilteredBy, u64)> {
        let all = FilteredBy::ALL.into_iter().zip(self.0);
        all.filter(|&(_, events)| events > 0)
    }
}

/// A set of kinds.
#[derive(Debug, Clone, Copy)]
struct Kinds(u8);

impl Default for Kinds {
    fn default() -> Self {
        Self(u8::MAX)
    }
}

impl Kinds {
    fn read(words: &[String]) -> Result<Self, IngestError> {
        if words.is_empty() {
            return Ok(Self::default());
        }
        words.iter().try_fold(Self(0), |set, word| {
            let kind = match word.as_str() {
                "commit" => Kind::Commit,
                "identity" => Kind::Identity,
                "account" => Kind::Account,
                "sync" => Kind::Sync,
                _ => {
                    return Err(config_error(
                        "ingest.filter.kinds",
                        format!("{word:?} is no kind; allowed: commit, identity, account, sync"),
                    ));
                }
            };
            Ok(Self(set.0 | 1 << kind as u8))
        })
    }

    fn contains(self, kind: Kind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }
}

fn config_error(key: &'static str, reason: String) -> IngestError {
    IngestError::Config { key, reason }
}

#[cfg(test)]
mod tests;
