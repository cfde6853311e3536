//! The errors that end the stream of events.

use thiserror::Error;

/// An error that retrying cannot fix. A broken connection is not one.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The server rejects this request permanently.
    #[error("{url} rejected the request: {status}: {answer}")]
    Refused {
        /// The server.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The response body, shortened.
        answer: String,
    },
    /// The first message is not one of a Jetstream server.
    #[error("{url} does not serve Jetstream events: {what}")]
    Foreign {
        /// The server.
        url: String,
        /// The message, shortened.
        what: String,
    },
}
