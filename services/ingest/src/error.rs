//! Why ingest stops. No input from an upstream is ever a reason.

use fanjet_log::{AppendError, LogError};
use fanjet_service::Failure;
use thiserror::Error;

/// Why ingest cannot continue.
#[derive(Debug, Error)]
pub enum IngestError {
    /// A setting has an unusable value. The operator must change it.
    #[error("invalid setting {key}: {reason}")]
    Config {
        /// The key.
        key: &'static str,
        /// The value and what is allowed.
        reason: String,
    },
    /// Another writer appended to the log and now leads. Stand by, and read the log's end again before writing.
    #[error("fenced: another writer appended to the log at seq {seq}")]
    Fenced {
        /// The first seq that this writer did not write.
        seq: u64,
    },
    /// The log lost events that it had acknowledged. Ingest requests them from the upstream again, starting from the
    /// log's real end.
    #[error(
        "the log lost acknowledged events: it ends at seq {end}, although it acknowledged {acked}"
    )]
    LogLost {
        /// The last seq that the log had acknowledged.
        acked: u64,
        /// The log's last seq now.
        end: u64,
    },
    /// The log is not the one that this term began with.
    #[error("the log was replaced: expected the log {expected}, found {found}")]
    LogReplaced {
        /// The log that this term began with.
        expected: String,
        /// The log that was found.
        found: String,
    },
    /// The lease was not renewed in time, so another process may lead now.
    #[error("the term is over: the lease was not renewed in time")]
    TermOver,
    /// The log's own data is damaged, or the log is misconfigured. An operator must act.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log can never accept an event that passed validation: a bug in this program.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// A part of the service ended unexpectedly: a bug in this program.
    #[error("{0}")]
    Task(String),
}

impl IngestError {
    /// Whether only this leader's term is over. A later term, here or on another node, continues from the log's end.
    pub(crate) fn ends_term(&self) -> bool {
        match self {
            Self::Fenced { .. }
            | Self::LogLost { .. }
            | Self::LogReplaced { .. }
            | Self::TermOver => true,
            // The next term reads whatever log it finds.
            Self::Log(LogError::Replaced { .. }) => true,
            Self::Log(error) => error.is_retryable(),
            Self::Append(error) => error.is_retryable(),
            Self::Config { .. } | Self::Task(_) => false,
        }
    }

    /// Whether a restart can help without operator action.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Fenced { .. }
            | Self::LogLost { .. }
            | Self::LogReplaced { .. }
            | Self::TermOver => true,
            Self::Log(error) => error.is_retryable(),
            Self::Append(error) => error.is_retryable(),
            Self::Config { .. } | Self::Task(_) => false,
        }
    }
}

impl From<IngestError> for Failure {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Config { .. } => Self::config(error),
            IngestError::Log(error) => error.into(),
            _ => Self::other(error),
        }
    }
}
