//! Why ingest stops. Nothing an upstream sends is among the reasons.

use fanjet_log::{AppendError, LogError};
use fanjet_service::Failure;
use thiserror::Error;

/// Ingest cannot go on.
#[derive(Debug, Error)]
pub enum IngestError {
    /// A setting cannot be used. The operator's fault.
    #[error("wrong setting {key}: {reason}")]
    Config {
        /// The key.
        key: &'static str,
        /// The value and what is allowed.
        reason: String,
    },
    /// Another writer appended to the log: it leads now. Stand by, and read the log's end again before writing.
    #[error("fenced: another writer appended to the log at seq {seq}")]
    Fenced {
        /// The first seq that is not ours.
        seq: u64,
    },
    /// The log ends before what it had acknowledged. What it lost is asked of the upstream again, from the log's real end on.
    #[error("the log has lost events: it ends at seq {end}, although it had acknowledged {acked}")]
    LogLost {
        /// What it had acknowledged.
        acked: u64,
        /// Where it ends.
        end: u64,
    },
    /// Another log stands where the one was that this term began with.
    #[error("the log was replaced: expected the log {expected}, found {found}")]
    LogReplaced {
        /// The log of this term.
        expected: String,
        /// The log that is there.
        found: String,
    },
    /// The lease could not be renewed in time: somebody else may lead now.
    #[error("the term is over: the lease was not renewed in time")]
    TermOver,
    /// The log's own data is damaged or it is set up wrongly. An operator must act.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log will never take an event that passed the gate: a defect of this program.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// A part of the service ended unexpectedly: a defect of this program.
    #[error("{0}")]
    Task(String),
}

impl IngestError {
    /// Whether only this term as leader is over: a later one, here or elsewhere, goes on from the log's end.
    pub(crate) fn ends_term(&self) -> bool {
        match self {
            Self::Fenced { .. }
            | Self::LogLost { .. }
            | Self::LogReplaced { .. }
            | Self::TermOver => true,
            // The next term reads the log that is there.
            Self::Log(LogError::Replaced { .. }) => true,
            Self::Log(error) => error.is_retryable(),
            Self::Append(error) => error.is_retryable(),
            Self::Config { .. } | Self::Task(_) => false,
        }
    }

    /// Whether a restart can help without anybody acting.
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
