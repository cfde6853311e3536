//! Why there are no more events although nobody asked to stop.

use thiserror::Error;

/// What trying again cannot help. A connection that breaks is not among it.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The server does not want this request, now or later.
    #[error("{url} refuses: {status}: {answer}")]
    Refused {
        /// The server.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What it said, shortened.
        answer: String,
    },
    /// The first thing that came is not what Jetstream servers send.
    #[error("{url} does not serve Jetstream events: {what}")]
    Foreign {
        /// The server.
        url: String,
        /// What came, shortened.
        what: String,
    },
}
