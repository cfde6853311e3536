//! Why a commit is rejected. Always the sender's fault, and final: the same bytes and key give the same result.

use fanjet_firehose::CarError;
use thiserror::Error;

/// Why a commit fails verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// More bytes, operations or keys than [`limits`](crate::limits) allow.
    #[error("the commit exceeds the size limits")]
    TooLarge,
    /// The blocks are not a CAR.
    #[error("invalid blocks: {0}")]
    UnreadableCar(#[from] CarError),
    /// The CAR's root is not the frame's commit.
    #[error("the CAR's root is not the frame's commit")]
    WrongRoot,
    /// The CAR lacks the commit block.
    #[error("the CAR does not hold the commit")]
    MissingCommit,
    /// The commit block does not match its CID.
    #[error("the commit does not match its CID")]
    CommitMismatch,
    /// The commit block is not a canonical commit object of version 3.
    #[error("the commit block is not a commit object")]
    MalformedCommit,
    /// The commit object is of another account.
    #[error("the commit object names another account")]
    WrongDid,
    /// The commit object is of another revision.
    #[error("the commit object names another revision")]
    WrongRev,
    /// The signature is not 64 bytes `r || s` in range.
    #[error("the signature is not 64 bytes r || s")]
    MalformedSignature,
    /// The signature is of the high-S form, which ATProto forbids.
    #[error("the signature is of the high-S form")]
    HighS,
    /// The signature does not match the key.
    #[error("the signature does not match the key")]
    BadSignature,
    /// An operation is malformed, or a create names a previous record.
    #[error("malformed operation")]
    MalformedOp,
    /// Two operations for one path.
    #[error("two operations for one path")]
    DuplicatePath,
    /// An update or delete without the previous record.
    #[error("an update or delete does not name the previous record")]
    MissingPrev,
    /// A tree node is not canonical DAG-CBOR of the right shape.
    #[error("malformed tree node")]
    MalformedNode,
    /// A tree node does not match its CID.
    #[error("a tree node does not match its CID")]
    NodeMismatch,
    /// Keys of the tree are not in ascending order.
    #[error("keys of the tree are out of order")]
    KeyOrder,
    /// A key is on another layer than its hash requires.
    #[error("a key is on the wrong layer of the tree")]
    WrongLayer,
    /// A created or updated record is not in the tree, or has another CID.
    #[error("the tree does not contain a created or updated record")]
    NotInTree,
    /// A deleted record is in the tree.
    #[error("the tree still contains a deleted record")]
    StillInTree,
    /// The CAR lacks a tree node that is needed to undo the operations.
    #[error("the CAR lacks a tree node that the proof needs")]
    Incomplete,
    /// Undoing the operations leads to another tree than the previous one.
    #[error("undoing the operations does not lead to the previous tree")]
    WrongPrevData,
}

/// The part of a commit that a [`Refusal`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The blocks, or the fields of the commit object.
    Commit,
    /// The signature.
    Signature,
    /// The tree and the operations.
    Inversion,
}

impl Refusal {
    /// The invalid part of the commit.
    pub fn blame(self) -> Blame {
        match self {
            Self::TooLarge
            | Self::UnreadableCar(_)
            | Self::WrongRoot
            | Self::MissingCommit
            | Self::CommitMismatch
            | Self::MalformedCommit
            | Self::WrongDid
            | Self::WrongRev => Blame::Commit,
            Self::MalformedSignature | Self::HighS | Self::BadSignature => Blame::Signature,
            Self::MalformedOp
            | Self::DuplicatePath
            | Self::MissingPrev
            | Self::MalformedNode
            | Self::NodeMismatch
            | Self::KeyOrder
            | Self::WrongLayer
            | Self::NotInTree
            | Self::StillInTree
            | Self::Incomplete
            | Self::WrongPrevData => Blame::Inversion,
        }
    }

    /// Whether the account's key may have changed since it was looked up: then a new lookup can help.
    pub fn may_be_rotation(self) -> bool {
        self == Self::BadSignature
    }
}

/// Why there is no key to verify with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not a DID document in JSON, or the document of another DID.
    #[error("the DID document is malformed, or belongs to another DID")]
    Document,
    /// The document has no `#atproto` verification method.
    #[error("the DID document has no atproto key")]
    NoKey,
    /// The key is neither a compressed secp256k1 nor a compressed P-256 point in base58btc.
    #[error("the key is not a secp256k1 or P-256 Multikey")]
    Malformed,
}
