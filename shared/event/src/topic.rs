//! What an event is about: the log keeps one subject per topic, and filters use nothing but the topic and the DID.

use crate::Nsid;

/// The topic of one event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// One operation of a commit, by its collection.
    Commit(Nsid),
    /// A handle or DID document may have changed.
    Identity,
    /// An account's hosting status changed.
    Account,
    /// A repo's state, asserted outside the commit chain; never served on `/subscribe`.
    Sync,
}

impl Topic {
    /// The name of its event kind: `commit`, `identity`, `account`, `sync`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Commit(_) => "commit",
            Self::Identity => "identity",
            Self::Account => "account",
            Self::Sync => "sync",
        }
    }

    /// The collection, for commits.
    pub fn collection(&self) -> Option<&Nsid> {
        match self {
            Self::Commit(collection) => Some(collection),
            Self::Identity | Self::Account | Self::Sync => None,
        }
    }
}
