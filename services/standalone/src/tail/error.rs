//! Why a tail ends although nobody asked it to.

use std::io;

use thiserror::Error;

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
    /// The server does not want this request, now or later.
    #[error("{url} refuses: {status}: {answer}")]
    Refused {
        /// The server.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        answer: String,
    },
    /// What comes is not what Jetstream servers send.
    #[error("{url} does not serve Jetstream events: {what}")]
    Foreign {
        /// The server.
        url: String,
        /// What came.
        what: String,
    },
    /// Stdout or stderr cannot be written, or the system is out of something.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A defect of this program.
    #[error("the client broke; its panic is printed above")]
    Panicked,
}
