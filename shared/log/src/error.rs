//! Errors of a log: who is at fault, and whether to retry.

use thiserror::Error;

use crate::{LogIdentity, Seq};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A read that failed.
#[derive(Debug, Error)]
pub enum LogError {
    /// The backend is unreachable or did not respond in time. Retry.
    #[error("the log is unavailable: {0}")]
    Unavailable(#[source] Source),
    /// Consecutive seqs were expected and not found: read again from `expected`.
    #[error("a gap in the log: expected seq {expected}, got {found}")]
    Gap {
        /// The seq that is missing.
        expected: Seq,
        /// The seq that was found.
        found: Seq,
    },
    /// The log exists with a configuration that this program cannot use. An operator must act.
    #[error("invalid log configuration: {0}")]
    Misconfigured(String),
    /// The log at this place is not the one that this reader started with, so its seqs mean nothing. Discard what was
    /// read, and [adopt](crate::EventLog::adopt) the new log before reading it.
    #[error("the log was replaced: expected the log {expected}, found {found}")]
    Replaced {
        /// The log that was opened, or adopted last.
        expected: LogIdentity,
        /// The log that is at its place now.
        found: LogIdentity,
    },
    /// Stored data is damaged. Readers that need it stop: continuing would serve wrong data.
    #[error("the log is corrupt at seq {seq}: {what}")]
    Corrupt {
        /// The first event that cannot be read.
        seq: Seq,
        /// What is wrong.
        what: String,
    },
}

impl LogError {
    /// Wraps an error of the backend.
    pub fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable(source.into())
    }

    /// Reports damage in stored data.
    pub fn corrupt(seq: Seq, what: impl Into<String>) -> Self {
        Self::Corrupt {
            seq,
            what: what.into(),
        }
    }

    /// Whether the same read can succeed later without an operator.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Gap { .. })
    }
}

/// An append that failed. The appender is finished: events above its [`acked`](crate::Appender::acked) may or may not
/// be stored. Read the log's last entry and open a new appender.
#[derive(Debug, Error)]
pub enum AppendError {
    /// The log does not end where this appender expects: another writer appended, or an earlier response was lost.
    #[error("the log moved on: expected it to end at seq {expected}")]
    Fenced {
        /// Where the appender expected the log to end.
        expected: Seq,
    },
    /// The backend is unreachable, did not respond in time, or rejects writes for now. Retry.
    #[error("the log is unavailable: {0}")]
    Unavailable(#[source] Source),
    /// The log will never accept this event. The caller is at fault.
    #[error("the log rejects the event: {0}")]
    Refused(String),
}

impl AppendError {
    /// Wraps an error of the backend.
    pub fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable(source.into())
    }

    /// Whether a new appender can succeed with the same events.
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}
