//! Why a commit is refused. Always the sender's fault, and final: the same bytes and key give the same answer.

use fanjet_firehose::CarError;
use thiserror::Error;

/// Why a commit is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// More bytes, operations or keys than [`limits`](crate::limits) allow.
    #[error("the commit is larger than allowed")]
    TooLarge,
    /// The blocks are no CAR.
    #[error("the blocks cannot be read: {0}")]
    UnreadableCar(#[from] CarError),
    /// The CAR's root is not the frame's commit.
    #[error("the CAR's root is not the frame's commit")]
    WrongRoot,
    /// The CAR lacks the commit block.
    #[error("the CAR does not hold the commit")]
    MissingCommit,
    /// The commit block is not what its CID says.
    #[error("the commit does not match its CID")]
    CommitMismatch,
    /// The commit block is not a canonical commit object of version 3.
    #[error("the commit block is no commit object")]
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
    /// The signature is not the key's.
    #[error("the signature is not of this key")]
    BadSignature,
    /// An operation that cannot be read, or a create that names a record before.
    #[error("an operation is malformed")]
    MalformedOp,
    /// Two operations for one path.
    #[error("two operations for one path")]
    DuplicatePath,
    /// An update or delete that does not say what was there.
    #[error("an update or delete does not name the record before")]
    MissingPrev,
    /// A tree node that is not canonical DAG-CBOR of the right shape.
    #[error("a tree node is malformed")]
    MalformedNode,
    /// A tree node is not what its CID says.
    #[error("a tree node does not match its CID")]
    NodeMismatch,
    /// Keys of the tree do not rise.
    #[error("keys of the tree are out of order")]
    KeyOrder,
    /// A key stands on another layer than its hash says.
    #[error("a key is on the wrong layer of the tree")]
    WrongLayer,
    /// A created or updated record is not in the tree, or with another CID.
    #[error("the tree does not hold a record that was written")]
    NotInTree,
    /// A deleted record is in the tree.
    #[error("the tree still holds a record that was deleted")]
    StillInTree,
    /// The CAR lacks a tree node that is needed to undo the operations.
    #[error("the CAR lacks a tree node that the proof needs")]
    Incomplete,
    /// Undoing the operations leads to another tree than the one before.
    #[error("undoing the operations does not lead to the tree before")]
    WrongPrevData,
}

/// Which part of a commit a [`Refusal`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The blocks, or what the commit object says.
    Commit,
    /// The signature.
    Signature,
    /// The tree and the operations.
    Inversion,
}

impl Refusal {
    /// Which part of the commit is wrong.
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

    /// Whether the account's key may have changed since it was looked up: then another look can help.
    pub fn may_be_rotation(self) -> bool {
        self == Self::BadSignature
    }
}

/// Why there is no key to check with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not a DID document in JSON, or that of another DID.
    #[error("the DID document is not readable, or another DID's")]
    Document,
    /// The document has no `#atproto` verification method.
    #[error("the DID document has no atproto key")]
    NoKey,
    /// The key is neither a compressed secp256k1 nor a compressed P-256 point in base58btc.
    #[error("the key is not a secp256k1 or P-256 Multikey")]
    Malformed,
}
