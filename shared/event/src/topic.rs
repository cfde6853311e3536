//! What an event is about: the log keeps one subject per topic, and filters use nothing but the topic and the DID.

use std::sync::Arc;

use crate::{Did, FrameStamp, Nsid, TimeUs};

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
    /// A whole frame of the firehose, in the raw log only.
    /// Its stamp is apart, so that an event, of which rings hold a million, stays small.
    Frame(Arc<FrameStamp>),
    /// A whole frame of a labeler, in the log of labels only. Apart, too.
    Labels(Arc<LabelStamp>),
}

/// What a reader needs to know about a labeler's frame without decoding it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LabelStamp {
    /// Who sent it.
    pub labeler: Did,
    /// Where its number begins in its bytes: the only part of it that is ever written in another way.
    pub seq_start: u32,
    /// The bytes of that number.
    pub seq_len: u32,
    /// Its log time.
    pub time: TimeUs,
}

impl Topic {
    /// The name of its event kind: `commit`, `identity`, `account`, `sync`; `frame` for a raw frame, `labels` for a
    /// labeler's.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Commit(_) => "commit",
            Self::Identity => "identity",
            Self::Account => "account",
            Self::Sync => "sync",
            Self::Frame(_) => "frame",
            Self::Labels(_) => "labels",
        }
    }

    /// The collection, for commits.
    pub fn collection(&self) -> Option<&Nsid> {
        match self {
            Self::Commit(collection) => Some(collection),
            Self::Identity | Self::Account | Self::Sync | Self::Frame(_) | Self::Labels(_) => None,
        }
    }
}
