//! The server's words in the log's.

use async_nats::jetstream::{self, ErrorCode};
use fanjet_log::{AppendError, LogError, Seq};
use thiserror::Error;

use crate::config::Content;

/// Why the backend is unavailable.
#[derive(Debug, Error)]
pub(crate) enum Unavailable {
    #[error("no answer to {0} in time")]
    Timeout(&'static str),
    #[error("the connection was lost")]
    Disconnected,
    #[error("no connection for reading: {0}")]
    NoConnection(String),
    #[error("no responders: no JetStream, no stream, or no leader")]
    NoResponders,
    #[error("{0}")]
    Refused(jetstream::Error),
    #[error(
        "the NATS server's max_payload is {0}, {needed} is needed: set `max_payload: {setting}` in the server's configuration, as \
         deploy/nats/single.conf does", needed = .1.max_message(), setting = .1.max_payload()
    )]
    SmallPayload(usize, Content),
    #[error("an answer that makes no sense: {0}")]
    Nonsense(String),
    #[error("the follow was silent for too long")]
    Silent,
    #[error("the appender is finished")]
    Finished,
}

impl From<Unavailable> for LogError {
    fn from(reason: Unavailable) -> Self {
        Self::unavailable(reason)
    }
}

impl From<Unavailable> for AppendError {
    fn from(reason: Unavailable) -> Self {
        Self::unavailable(reason)
    }
}

/// What it means that the server does not do `what`, which it was asked for: most reasons stay until somebody acts, but a
/// cluster whose servers are not all there, or have no leader yet, only needs time.
pub(crate) fn refused(what: &str, error: jetstream::Error) -> LogError {
    const UNAVAILABLE: usize = 503;
    if error.code() == UNAVAILABLE || error.error_code() == ErrorCode::CLUSTER_NO_PEERS {
        return Unavailable::Refused(error).into();
    }
    LogError::Misconfigured(format!("{what}: {error}"))
}

/// As [`refused`], for a stream with a limit. Servers that offer less than the limit refuse it for as long as their settings stay.
pub(crate) fn refused_stream(
    what: &str,
    content: Content,
    max_bytes: i64,
    error: jetstream::Error,
) -> LogError {
    // A cluster gives one code for servers that are away and for servers that are too small.
    let is_too_large = error.error_code() == ErrorCode::STORAGE_RESOURCES_EXCEEDED
        || error.error_code() == ErrorCode::CLUSTER_NO_PEERS
            && error.to_string().contains("insufficient storage");
    if !is_too_large {
        return refused(what, error);
    }
    LogError::Misconfigured(format!(
        "{} is {max_bytes}, which is more than the NATS servers offer: lower it, or raise max_file in the servers' jetstream \
         section ({what}: {error})",
        content.max_bytes_key()
    ))
}

/// What a rejected publish means for an appender that expected the log to end at `expected`.
pub(crate) fn rejected(error: jetstream::Error, expected: Seq) -> AppendError {
    match error.error_code() {
        ErrorCode::STREAM_WRONG_LAST_SEQUENCE | ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT => {
            AppendError::Fenced { expected }
        }
        _ => Unavailable::Refused(error).into(),
    }
}
