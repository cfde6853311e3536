//! Which events of the firehose are kept. Pure.
//!
//! The same rule applies whenever a frame is read again, so a restart that rewinds past filtered frames repeats
//! nothing. A filtered event never reaches the log, and no cursor can recover it.

use fanjet_event::{Did, Nsid, Topic};
use fanjet_filter::{Filter, OptionsError};

use crate::IngestError;

/// Which events are kept. The default keeps all of them.
#[derive(Debug, Clone, Default)]
pub struct IngestFilter {
    /// Collections and DIDs, with the syntax and the limits of subscribers' filters.
    wanted: Filter,
    kinds: Kinds,
}

/// Which filter removed an event: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FilteredBy {
    Kind,
    Did,
    Collection,
}

/// The parts of a frame that filters look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Commit,
    Identity,
    Account,
    Sync,
}

impl IngestFilter {
    /// Builds a filter from collections and prefixes, DIDs, and kinds. An empty list keeps everything; collections
    /// apply to commits only, as `wantedCollections` does.
    ///
    /// # Errors
    /// [`IngestError::Config`] naming the first bad value, or the limit that was exceeded.
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
        // Parse each list alone first, so that the error names the right key.
        wanted(collections, &[]).map_err(wrong("ingest.filter.collections"))?;
        Ok(Self {
            wanted: wanted(collections, dids).map_err(wrong("ingest.filter.dids"))?,
            kinds: Kinds::read(kinds)?,
        })
    }

    /// Checks a frame by kind and repo. A frame that fails needs no further parsing.
    pub(crate) fn check_frame(&self, kind: Kind, did: Did<&str>) -> Result<(), FilteredBy> {
        if !self.kinds.contains(kind) {
            Err(FilteredBy::Kind)
        } else if !self.wanted.wants_did(did.as_str()) {
            Err(FilteredBy::Did)
        } else {
            Ok(())
        }
    }

    /// Checks one operation of a commit that passed.
    pub(crate) fn check_collection(&self, collection: Nsid<&str>) -> Result<(), FilteredBy> {
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

/// Filtered events by filter.
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

    /// The filters that removed something, with their counts.
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
                        format!("{word:?} is not a kind; allowed: commit, identity, account, sync"),
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
