//! What can go wrong with a log, whose fault it is, and whether to try again.

use thiserror::Error;

use crate::{LogIdentity, MAX_BODY, Seq};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A read that failed.
#[derive(Debug, Error)]
pub enum LogError {
    /// The backend cannot be reached or did not answer in time. Try again.
    #[error("the log is unavailable: {0}")]
    Unavailable(#[source] Source),
    /// Events that must follow each other did not: read again from `expected`.
    #[error("a gap in the log: expected seq {expected}, got {found}")]
    Gap {
        /// The seq that is missing.
        expected: Seq,
        /// The seq that came instead.
        found: Seq,
    },
    /// The log exists with settings that this program cannot work with. An operator must act.
    #[error("the log is set up wrongly: {0}")]
    Misconfigured(String),
    /// Another log stands where the one was that this reader began with: its seqs mean nothing there. Forget what was
    /// read, and [adopt](crate::EventLog::adopt) the other one before reading it.
    #[error("the log was replaced: expected the log {expected}, found {found}")]
    Replaced {
        /// The log that was opened, or adopted last.
        expected: LogIdentity,
        /// The log that is there.
        found: LogIdentity,
    },
    /// Our own data is damaged. What needs it stops: going on would serve wrong data.
    #[error("the log is corrupt at seq {seq}: {what}")]
    Corrupt {
        /// The first event that cannot be read.
        seq: Seq,
        /// What is wrong.
        what: String,
    },
}

impl LogError {
    /// A backend's own failure.
    pub fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable(source.into())
    }

    /// Damage in our own data.
    pub fn corrupt(seq: Seq, what: impl Into<String>) -> Self {
        Self::Corrupt {
            seq,
            what: what.into(),
        }
    }

    /// Whether the same read can succeed later without anybody acting.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Gap { .. })
    }
}

/// An append that failed. The appender is finished: what was queued above its
/// [`acked`](crate::Appender::acked) may or may not be in the log. Read the log's last entry and open a new one.
#[derive(Debug, Error)]
pub enum AppendError {
    /// The log's end is not where this appender left it: somebody else wrote, or an earlier answer was lost.
    #[error("the log moved on: expected it to end at seq {expected}")]
    Fenced {
        /// Where the appender expected the log to end.
        expected: Seq,
    },
    /// The backend cannot be reached, did not answer in time, or refused for now. Try again.
    #[error("the log is unavailable: {0}")]
    Unavailable(#[source] Source),
    /// The log will never take this event. The caller's fault.
    #[error("the log refuses the event: {0}")]
    Refused(String),
}

impl AppendError {
    /// A backend's own failure.
    pub fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable(source.into())
    }

    /// The refusal of a body above [`MAX_BODY`].
    pub fn too_large(bytes: usize) -> Self {
        Self::Refused(format!(
            "its body has {bytes} bytes, {MAX_BODY} are allowed"
        ))
    }

    /// Whether a new appender can succeed with the same events.
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}
