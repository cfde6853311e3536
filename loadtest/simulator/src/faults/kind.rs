//! The closed set of faults.

use std::fmt;
use std::str::FromStr;

/// One kind of fault; see the table in [`crate::faults`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// Random bytes that are not a frame.
    Garbage,
    /// A well-formed frame of an unknown type.
    UnknownType,
    /// A frame sent twice.
    Duplicate,
    /// A commit frame cut off.
    Truncated,
    /// A commit with `tooBig`.
    TooBig,
    /// A commit whose `rev` is not a TID.
    InvalidRev,
    /// A commit whose `time` is not a date.
    InvalidTime,
    /// A record block that does not match its CID.
    BadCid,
    /// A record block left out of the CAR.
    MissingBlock,
    /// An operation whose collection is not an NSID.
    InvalidCollection,
    /// An operation whose record key is not valid.
    InvalidRkey,
    /// A commit whose `repo` is not a DID.
    InvalidDid,
    /// A commit whose blocks are not a CAR.
    UnreadableCar,
    /// An operation without an action.
    MalformedOp,
    /// An operation with an unknown action.
    UnknownAction,
    /// An operation whose path has no record key.
    InvalidPath,
    /// A create or update without a CID.
    MissingCid,
    /// A record that is not a map.
    InvalidRecord,
    /// A record whose JSON exceeds the log's limit.
    TooLarge,
    /// A record under a path where the repo's tree has another one.
    NotInTree,
    /// A delete of a record that the repo's tree still has.
    StillInTree,
    /// A commit without the root of the repo's tree.
    MissingNode,
    /// A commit object that does not match its CID.
    BadCommit,
    /// A commit with more operations than allowed.
    TooManyOps,
    /// A small commit that becomes hundreds of megabytes of JSON: one record of ampersands under each of 200 paths.
    Inflated,
    /// A frame that never arrives.
    SeqGap,
    /// A connection that goes silent for a while.
    Stall,
    /// A connection that breaks.
    Disconnect,
    /// A connection that is closed because its client counts as too slow.
    TooSlow,
}

impl FaultKind {
    /// All faults.
    pub const ALL: [Self; 29] = [
        Self::Garbage,
        Self::UnknownType,
        Self::Duplicate,
        Self::Truncated,
        Self::TooBig,
        Self::InvalidRev,
        Self::InvalidTime,
        Self::BadCid,
        Self::MissingBlock,
        Self::InvalidCollection,
        Self::InvalidRkey,
        Self::InvalidDid,
        Self::UnreadableCar,
        Self::MalformedOp,
        Self::UnknownAction,
        Self::InvalidPath,
        Self::MissingCid,
        Self::InvalidRecord,
        Self::TooLarge,
        Self::NotInTree,
        Self::StillInTree,
        Self::MissingNode,
        Self::BadCommit,
        Self::TooManyOps,
        Self::Inflated,
        Self::SeqGap,
        Self::Stall,
        Self::Disconnect,
        Self::TooSlow,
    ];

    /// The name on the command line and in statistics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Garbage => "garbage",
            Self::UnknownType => "unknown-type",
            Self::Duplicate => "duplicate",
            Self::Truncated => "truncated",
            Self::TooBig => "too-big",
            Self::InvalidRev => "invalid-rev",
            Self::InvalidTime => "invalid-time",
            Self::BadCid => "bad-cid",
            Self::MissingBlock => "missing-block",
            Self::InvalidCollection => "invalid-collection",
            Self::InvalidRkey => "invalid-rkey",
            Self::InvalidDid => "invalid-did",
            Self::UnreadableCar => "unreadable-car",
            Self::MalformedOp => "malformed-op",
            Self::UnknownAction => "unknown-action",
            Self::InvalidPath => "invalid-path",
            Self::MissingCid => "missing-cid",
            Self::InvalidRecord => "invalid-record",
            Self::TooLarge => "too-large",
            Self::NotInTree => "not-in-tree",
            Self::StillInTree => "still-in-tree",
            Self::MissingNode => "missing-node",
            Self::BadCommit => "bad-commit",
            Self::TooManyOps => "too-many-ops",
            Self::Inflated => "inflated",
            Self::SeqGap => "seq-gap",
            Self::Stall => "stall",
            Self::Disconnect => "disconnect",
            Self::TooSlow => "too-slow",
        }
    }

    /// Whether the fault belongs to a connection and not to the bytes of a frame.
    pub fn is_of_connection(self) -> bool {
        matches!(self, Self::Stall | Self::Disconnect | Self::TooSlow)
    }

    /// Whether the fault needs a commit.
    pub(crate) fn needs_commit(self) -> bool {
        self.needs_record()
            || matches!(
                self,
                Self::Truncated
                    | Self::TooBig
                    | Self::InvalidRev
                    | Self::InvalidTime
                    | Self::InvalidCollection
                    | Self::InvalidRkey
                    | Self::InvalidDid
                    | Self::UnreadableCar
                    | Self::MalformedOp
                    | Self::UnknownAction
                    | Self::InvalidPath
                    | Self::BadCommit
                    | Self::TooManyOps
                    | Self::Inflated
            )
    }

    /// Whether the fault needs a commit that brings a record.
    pub(crate) fn needs_record(self) -> bool {
        matches!(
            self,
            Self::BadCid
                | Self::MissingBlock
                | Self::MissingCid
                | Self::InvalidRecord
                | Self::TooLarge
                | Self::NotInTree
                | Self::StillInTree
                | Self::MissingNode
        )
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FaultKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| {
                let all = Self::ALL.map(Self::as_str).join(", ");
                format!("unknown fault {text:?} (allowed: {all})")
            })
    }
}
