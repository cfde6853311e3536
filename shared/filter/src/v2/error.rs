//! Errors in the options of a v2 client. Always the client's fault; the same options never work later.

use thiserror::Error;

/// Rejected options, in the words of the reference server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum V2Error {
    /// A pair with a `;`.
    #[error("subscribe: invalid options: invalid semicolon separator in query")]
    Semicolon,
    /// A `%` that no two hexadecimal digits follow.
    #[error("subscribe: invalid options: invalid URL escape {0:?}")]
    Escape(String),
    /// v1's ways to ask for compression.
    #[error(
        "subscribe: invalid options: compress and Socket-Encoding are not supported on this endpoint; use zstdDictionary={current} with the dictionary from getZstdDictionary"
    )]
    Compress {
        /// The id of the current dictionary.
        current: u32,
    },
    /// Not the id of a dictionary.
    #[error("zstdDictionary must be a positive integer zstd dictionary ID")]
    DictionaryId,
    /// The id of a dictionary that is not served.
    #[error(
        "unknown zstd dictionary id {id}; current dictionary id is {current} (fetch it via getZstdDictionary and reconnect)"
    )]
    UnknownDictionary {
        /// The requested id.
        id: u32,
        /// The current one.
        current: u32,
    },
    /// A list of v1, and its name here.
    #[error("subscribe: invalid options: {0} is the legacy /subscribe parameter; use {1}")]
    Legacy(&'static str, &'static str),
    /// v1's wait for a message: clients send none here.
    #[error(
        "subscribe: invalid options: requireHello is not supported on this endpoint; it is server-push only (subscriber-sourced messages were removed)"
    )]
    RequireHello,
    /// More values than allowed, repetitions included.
    #[error("subscribe: invalid options: too many {name} values: {count} > {max}")]
    TooMany {
        /// The list.
        name: &'static str,
        /// The number of values.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// Not a kind.
    #[error(
        "subscribe: invalid options: unknown kind {0:?} (valid: commit, identity, account, sync)"
    )]
    Kind(String),
    /// Not a DID.
    #[error("subscribe: invalid options: invalid DID: {0}")]
    Did(String),
    /// Not a prefix of NSIDs.
    #[error("subscribe: invalid options: invalid collection wildcard: {0}")]
    Wildcard(String),
    /// Not an NSID.
    #[error("subscribe: invalid options: invalid collection: {0}")]
    Collection(String),
    /// Collections without commits.
    #[error(
        "subscribe: invalid options: collections filter can never apply: kinds excludes commit"
    )]
    Inert,
    /// `maxMessageSizeBytes` that is empty or repeated.
    #[error("subscribe: invalid options: maxMessageSizeBytes must be one unsigned 32-bit integer")]
    MaxMessageBytes,
    /// `maxMessageSizeBytes` that is no such number.
    #[error("subscribe: invalid options: invalid maxMessageSizeBytes {0:?}")]
    InvalidMaxMessageBytes(String),
    /// Values that are too long in total; the reference server has no such limit.
    #[error("subscribe: invalid options: {0}")]
    TooLong(String),
    /// A body of a plan that is no JSON object of the right types, or has impossible bounds.
    #[error("invalid plan: {0}")]
    Plan(String),
    /// Not a cursor.
    #[error("subscribe: invalid cursor: {0:?}")]
    Cursor(String),
    /// A cursor below 0.
    #[error("subscribe: invalid cursor: negative value {0}")]
    NegativeCursor(i64),
}

impl V2Error {
    /// The name of the error in the response.
    pub fn name(&self) -> &'static str {
        match self {
            Self::UnknownDictionary { .. } => "UnknownZstdDictionary",
            _ => "InvalidRequest",
        }
    }
}
