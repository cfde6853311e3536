//! Errors that end a tail.

use std::io;

use fanjet_client::{ClientError, Endpoint};
use thiserror::Error;

use crate::terminal::printable;

/// How many characters of a server's text are shown.
const WORDS: usize = 500;

/// An error that retrying cannot fix. A broken connection is not one.
#[derive(Debug, Error)]
pub(crate) enum TailError {
    /// The cursor is before the epoch.
    #[error("--cursor: the time is before 1970")]
    TooLongAgo,
    /// The first connection failed.
    #[error(
        "cannot connect to {url}: {reason}. Is a Jetstream server running there (`fanjet serve`)?"
    )]
    Unreachable {
        /// The server.
        url: String,
        /// The cause.
        reason: String,
    },
    /// The server rejects the request, or does not serve events; the text is safe for a terminal.
    #[error("{0}")]
    Server(String),
    /// Stdout or stderr cannot be written, or a system resource is exhausted.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A defect of this program.
    #[error("the client crashed; its panic is printed above")]
    Panicked,
}

impl TailError {
    pub(crate) fn unreachable(endpoint: &Endpoint, reason: &str) -> Self {
        Self::Unreachable {
            url: endpoint.to_string(),
            reason: printable(reason, WORDS),
        }
    }

    pub(crate) fn server(error: &ClientError) -> Self {
        Self::Server(printable(&error.to_string(), WORDS))
    }
}
