//! Why something was dropped: a closed set, counted.

use fanjet_firehose::OpError;

macro_rules! drop_reasons {
    ($($(#[$doc:meta])* $name:ident = $label:literal,)*) => {
        /// Why a frame, or one of its operations, produced no event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) enum DropReason {
            $($(#[$doc])* $name,)*
        }

        impl DropReason {
            /// All reasons, in declaration order.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The metric label.
            pub(crate) fn label(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)*
                }
            }
        }
    };
}

drop_reasons! {
    /// The frame is not a header and a body with the required keys.
    Undecodable = "undecodable",
    /// Raw log: the frame has no seq, or one that no client could use.
    InvalidSeq = "invalid_seq",
    /// The frame has an unknown type.
    UnknownType = "unknown_type",
    /// The commit was too large for the upstream's stream, so its operations are missing.
    TooBig = "too_big",
    /// The repo is not a DID.
    InvalidDid = "invalid_did",
    /// The rev is not a TID.
    InvalidRev = "invalid_rev",
    /// The frame's time is not RFC 3339.
    InvalidTime = "invalid_time",
    /// The commit's blocks are not a CAR.
    UnreadableCar = "unreadable_car",
    /// The operation has no action or no path.
    MalformedOp = "malformed_op",
    /// The action is not create, update or delete.
    UnknownAction = "unknown_action",
    /// The path is not `<collection>/<rkey>`.
    InvalidPath = "invalid_path",
    /// The collection is not an NSID.
    InvalidCollection = "invalid_collection",
    /// The rkey is not a record key.
    InvalidRkey = "invalid_rkey",
    /// A create or update has no CID of a blessed format.
    MissingCid = "missing_cid",
    /// The commit does not contain the record.
    MissingBlock = "missing_block",
    /// The record does not match its CID.
    CidMismatch = "cid_mismatch",
    /// The repo's tree, as far as the commit contains it, has no such record at the path.
    NotInTree = "not_in_tree",
    /// The repo's tree still has the deleted record.
    StillInTree = "still_in_tree",
    /// The commit lacks a tree node on the path to the record.
    MissingNode = "missing_node",
    /// A tree node on the path to the record is invalid.
    InvalidNode = "invalid_node",
    /// The record has no JSON form.
    InvalidRecord = "invalid_record",
    /// The event is larger than the log accepts.
    TooLarge = "too_large",
    /// The commit has more operations than allowed.
    TooManyOps = "too_many_ops",
    /// The frame's events together are larger than one frame may produce.
    Inflated = "inflated",
    /// The commit object is missing, damaged, or differs from what the frame announces.
    BadCommit = "bad_commit",
    /// Verification: the commit is not signed with its account's key.
    BadSignature = "bad_signature",
    /// Verification: the operations do not match the change of the repo.
    BadInversion = "bad_inversion",
    /// Decoding the frame panicked: a bug in this program.
    DecoderPanic = "decoder_panic",
}

impl From<OpError> for DropReason {
    fn from(error: OpError) -> Self {
        match error {
            OpError::Malformed => Self::MalformedOp,
            OpError::UnknownAction => Self::UnknownAction,
            OpError::InvalidPath => Self::InvalidPath,
            OpError::MissingCid | OpError::InvalidCid => Self::MissingCid,
            OpError::MissingBlock => Self::MissingBlock,
            OpError::CidMismatch => Self::CidMismatch,
            OpError::NotInTree => Self::NotInTree,
            OpError::StillInTree => Self::StillInTree,
            OpError::MissingNode => Self::MissingNode,
            OpError::InvalidNode => Self::InvalidNode,
        }
    }
}

/// Drops by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Drops([u64; DropReason::ALL.len()]);

impl Drops {
    /// Counts one drop.
    pub(crate) fn add(&mut self, reason: DropReason) {
        self.0[reason as usize] += 1;
    }

    /// The reasons that occurred, with their counts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL
            .iter()
            .copied()
            .zip(self.0)
            .filter(|&(_, count)| count > 0)
    }
}
