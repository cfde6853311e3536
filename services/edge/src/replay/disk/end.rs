//! Why a copy ends, and whether another one is started.

use std::fmt::Display;

use fanjet_log_embedded::LogCopy;

/// Why a copy is not used any more.
#[derive(Debug)]
pub(super) enum End {
    /// Another one is started.
    Again {
        /// The label of the metric.
        reason: &'static str,
        /// The cause.
        why: String,
    },
    /// The disk cannot be written.
    Off(String),
}

impl End {
    /// The end of a copy that could not be written.
    pub(super) fn of_disk(copy: &LogCopy, error: impl Display) -> Self {
        match copy.is_lost() {
            true => Self::again("lost", error),
            false => Self::Off(error.to_string()),
        }
    }

    pub(super) fn again(reason: &'static str, why: impl Display) -> Self {
        Self::Again {
            reason,
            why: why.to_string(),
        }
    }
}
