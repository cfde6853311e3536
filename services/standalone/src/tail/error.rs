//! Why a tail ends although nobody asked it to.

use std::io;

use fanjet_client::{ClientError, Endpoint};
use thiserror::Error;

use crate::terminal::printable;

/// How much is shown of what a server says, in characters.
const WORDS: usize = 500;

/// What trying again cannot help. A connection that breaks is not among it.
#[derive(Debug, Error)]
pub(crate) enum TailError {
    /// The cursor lies before the epoch. The user's fault.
    #[error("--cursor: that is before 1970")]
    TooLongAgo,
    /// The very first connection did not come about.
    #[error(
        "cannot connect to {url}: {reason}. Is a Jetstream server running there (`fanjet serve`)?"
    )]
    Unreachable {
        /// The server.
        url: String,
        /// Why.
        reason: String,
    },
    /// The server does not want this, or does not serve events; as far as a terminal may see it.
    #[error("{0}")]
    Server(String),
    /// Stdout or stderr cannot be written, or the system is out of something.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A defect of this program.
    #[error("the client broke; its panic is printed above")]
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
