//! Errors in a frame, and how much of it is lost.
//!
//! Every error here is the sender's fault and final: the same bytes give the same error, so nothing is ever retried.
//! [`FrameError`] loses the frame, [`CarError`] and [`SignedError`] the commit, [`OpError`] and [`RecordError`] one
//! operation. All are small, contain no input, and have a label from a closed set for metrics.

use thiserror::Error;

use crate::cbor::CborError;

/// A frame that cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Header or body are not DAG-CBOR.
    #[error("the frame is not DAG-CBOR: {0}")]
    InvalidCbor(#[from] CborError),
    /// Header or body are not maps.
    #[error("the frame's {0} is not a map")]
    NotAMap(&'static str),
    /// A required key is missing.
    #[error("the frame has no {0:?}")]
    Missing(&'static str),
    /// A known key appears twice.
    #[error("the frame has more than one {0:?}")]
    Duplicate(&'static str),
    /// A known key has a value of the wrong type.
    #[error("the frame's {0:?} has the wrong type")]
    Invalid(&'static str),
    /// The header's `op` is neither 1 (message) nor -1 (error).
    #[error("the frame's op is neither 1 nor -1")]
    UnknownOp,
    /// Bytes follow the body.
    #[error("bytes follow the frame's body")]
    TrailingBytes,
}

impl FrameError {
    /// A metric label.
    pub fn label(&self) -> &'static str {
        match self {
            Self::InvalidCbor(_) => "invalid_cbor",
            Self::NotAMap(_) => "not_a_map",
            Self::Missing(_) => "missing_key",
            Self::Duplicate(_) => "duplicate_key",
            Self::Invalid(_) => "invalid_value",
            Self::UnknownOp => "unknown_op",
            Self::TrailingBytes => "trailing_bytes",
        }
    }
}

/// A commit whose blocks cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CarError {
    /// The bytes end inside the header or a section.
    #[error("the CAR ends inside a section")]
    Truncated,
    /// A section length is longer than 64 bits or not in its shortest form.
    #[error("the CAR has an invalid section length")]
    InvalidLength,
    /// A section that is too short for any CID.
    #[error("the CAR has an empty section")]
    EmptySection,
    /// The header is not a map with at least one root and a version.
    #[error("the CAR has an invalid header")]
    InvalidHeader,
    /// A version other than 1.
    #[error("the CAR is not of version 1")]
    UnsupportedVersion,
}

impl CarError {
    /// A metric label.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::InvalidLength => "invalid_length",
            Self::EmptySection => "empty_section",
            Self::InvalidHeader => "invalid_header",
            Self::UnsupportedVersion => "unsupported_version",
        }
    }
}

/// A commit frame without its signed commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignedError {
    /// The CAR's root is of another format, or not the frame's commit.
    #[error("the CAR's root is not the frame's commit")]
    WrongRoot,
    /// The CAR lacks the commit block.
    #[error("the CAR does not hold the commit")]
    MissingCommit,
    /// The commit block does not match its CID.
    #[error("the commit does not match its CID")]
    CommitMismatch,
    /// The block is not a commit object of version 2 or 3.
    #[error("the commit block is not a commit object")]
    MalformedCommit,
    /// The commit object is of another account.
    #[error("the commit object names another account")]
    WrongDid,
    /// The commit object is of another revision.
    #[error("the commit object names another revision")]
    WrongRev,
}

/// An operation that cannot be served; its siblings can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpError {
    /// Not a map with one text `action` and one text `path`.
    #[error("the operation has no action or no path")]
    Malformed,
    /// The action is not create, update or delete.
    #[error("the operation's action is unknown")]
    UnknownAction,
    /// The path is not `<collection>/<rkey>`: no `/`, or more than one.
    #[error("the operation's path is not <collection>/<rkey>")]
    InvalidPath,
    /// A create or update without a CID.
    #[error("the operation has no CID")]
    MissingCid,
    /// The CID is not that of DAG-CBOR by SHA-256, as a record's must be.
    #[error("the operation's CID is not of DAG-CBOR by SHA-256")]
    InvalidCid,
    /// No block of the commit has that CID.
    #[error("the commit holds no block for the operation's CID")]
    MissingBlock,
    /// The block's bytes do not match its CID.
    #[error("the operation's block does not match its CID")]
    CidMismatch,
    /// The repo's tree has nothing under the path, or another record.
    #[error("the repo's tree does not hold the record")]
    NotInTree,
    /// The repo's tree has a record under the path of a delete.
    #[error("the repo's tree still holds the deleted record")]
    StillInTree,
    /// The commit lacks a tree node on the way to the path of a create or update.
    #[error("the commit lacks a tree node on the way to the record")]
    MissingNode,
    /// A tree node on the way does not match its CID, is malformed, has keys out of order, or occurs twice.
    #[error("a tree node on the way to the record is invalid")]
    InvalidNode,
}

impl OpError {
    /// A metric label.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed_op",
            Self::UnknownAction => "unknown_action",
            Self::InvalidPath => "invalid_path",
            Self::MissingCid => "missing_cid",
            Self::InvalidCid => "invalid_cid",
            Self::MissingBlock => "missing_block",
            Self::CidMismatch => "cid_mismatch",
            Self::NotInTree => "not_in_tree",
            Self::StillInTree => "still_in_tree",
            Self::MissingNode => "missing_node",
            Self::InvalidNode => "invalid_node",
        }
    }
}

/// A record that has no v1 JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RecordError {
    /// More than 1 MiB, a container of more than 131,072 elements, or a key of more than 8,192 bytes.
    #[error("the record is too large")]
    TooLarge,
    /// The JSON is longer than the caller allows.
    #[error("the record's JSON is too large")]
    JsonTooLarge,
    /// More than 120 levels.
    #[error("the record is nested too deeply")]
    TooDeep,
    /// Not DAG-CBOR.
    #[error("the record is not DAG-CBOR: {0}")]
    InvalidCbor(CborError),
    /// Bytes follow the record.
    #[error("bytes follow the record")]
    TrailingBytes,
    /// The record is no map, or is itself a blob, a `$link` or a `$bytes`.
    #[error("the record is not a map")]
    NotAMap,
    /// A map has the same key twice.
    #[error("the record has a duplicate key")]
    DuplicateKey,
    /// An integer outside the signed 64-bit range.
    #[error("the record has an integer beyond the signed 64-bit range")]
    OutOfRange,
    /// `$type` is not a text, or an empty one.
    #[error("the record has an invalid $type")]
    InvalidType,
    /// `$type` is `blob` but the map is not a blob.
    #[error("the record has an invalid blob")]
    InvalidBlob,
    /// A link that is not a CID, or a `$link` key that is not alone with the text of one.
    #[error("the record has an invalid link")]
    InvalidLink,
    /// A `$bytes` key that is not alone with a base64 text.
    #[error("the record has invalid $bytes")]
    InvalidBytes,
}

impl RecordError {
    /// A metric label.
    pub fn label(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::JsonTooLarge => "json_too_large",
            Self::TooDeep => "too_deep",
            Self::InvalidCbor(_) => "invalid_cbor",
            Self::TrailingBytes => "trailing_bytes",
            Self::NotAMap => "not_a_map",
            Self::DuplicateKey => "duplicate_key",
            Self::OutOfRange => "out_of_range",
            Self::InvalidType => "invalid_type",
            Self::InvalidBlob => "invalid_blob",
            Self::InvalidLink => "invalid_link",
            Self::InvalidBytes => "invalid_bytes",
        }
    }
}

impl From<CborError> for RecordError {
    fn from(error: CborError) -> Self {
        match error {
            CborError::TooDeep => Self::TooDeep,
            other => Self::InvalidCbor(other),
        }
    }
}
