//! A dictionary that cannot be used: always the operator's to correct.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Longest dictionary in bytes.
pub const MAX_LEN: usize = 1 << 20;

/// A configured dictionary that cannot be used. Retrying cannot help.
#[derive(Debug, Error)]
pub enum DictionaryError {
    /// The file cannot be read.
    #[error("cannot read the zstd dictionary {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no dictionary.
    #[error("{path} is not a usable zstd dictionary: {flaw}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        flaw: Flaw,
    },
}

impl DictionaryError {
    /// Whether trying again can help: never.
    pub fn is_retryable(&self) -> bool {
        false
    }
}

/// What keeps bytes from being a dictionary, and what is allowed instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Flaw {
    /// Too many bytes.
    #[error("it has more than the {MAX_LEN} bytes that are allowed")]
    TooLong,
    /// Not a structured dictionary (RFC 8878 section 5).
    #[error("it must begin with the bytes 37 a4 30 ec")]
    NoMagic,
    /// The id 0 means "not said" in a frame, so a client could not tell which dictionary to use.
    #[error("its id (bytes 4 to 8, little-endian) must not be 0")]
    NoId,
}
