//! The part of the log that a reader wants. Filtering by DID is up to the reader.

use std::sync::Arc;

use fanjet_event::{Did, Nsid, NsidPrefix, Topic};

/// The topics that a reader wants. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Selection {
    /// Every event. Its seqs are contiguous, so a missing one is a gap.
    #[default]
    All,
    /// Events that match any of these filters. Filters may overlap; a backend that does not support overlaps removes them.
    Only(Arc<[TopicFilter]>),
}

impl Selection {
    /// Selects events that match any of these filters. The order of the filters does not matter.
    pub fn only(filters: impl IntoIterator<Item = TopicFilter>) -> Self {
        let mut filters: Vec<_> = filters.into_iter().collect();
        filters.sort_unstable();
        filters.dedup();
        Self::Only(filters.into())
    }

    /// Whether the selection contains an event about `topic`.
    pub fn matches(&self, topic: &Topic) -> bool {
        match self {
            Self::All => true,
            Self::Only(filters) => filters.iter().any(|filter| filter.matches(topic)),
        }
    }
}

/// One topic, or a family of topics.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TopicFilter {
    /// Commits to exactly this collection.
    Collection(Nsid),
    /// Commits to every collection below this prefix.
    CollectionsUnder(NsidPrefix),
    /// All commits.
    Commits,
    /// Identity events.
    Identity,
    /// Account events.
    Account,
    /// Sync events.
    Sync,
    /// The frames of one labeler.
    Labeler(Did),
}

impl TopicFilter {
    /// Whether the filter matches an event about `topic`.
    pub fn matches(&self, topic: &Topic) -> bool {
        match (self, topic) {
            (Self::Collection(wanted), Topic::Commit(collection)) => wanted == collection,
            (Self::CollectionsUnder(prefix), Topic::Commit(collection)) => {
                prefix.contains(collection.as_str())
            }
            (Self::Commits, Topic::Commit(_))
            | (Self::Identity, Topic::Identity)
            | (Self::Account, Topic::Account)
            | (Self::Sync, Topic::Sync) => true,
            (Self::Labeler(wanted), Topic::Labels(stamp)) => *wanted == stamp.labeler,
            _ => false,
        }
    }
}
