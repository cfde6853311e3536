//! Whether this node should receive clients.

use std::fmt;

/// Why a node should not receive new clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotReady {
    /// The log is not being followed: not reached yet, or lost.
    TailDisconnected,
    /// It is not confirmed that the newest event of the log has arrived.
    TailStale,
    /// The node is shutting down.
    Draining,
}

impl NotReady {
    /// The component that is not ready, as in health reports.
    pub fn label(self) -> &'static str {
        match self {
            Self::TailDisconnected => "log",
            Self::TailStale => "tail",
            Self::Draining => "process",
        }
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TailDisconnected => "the log is not being followed",
            Self::TailStale => "behind the log, or the log's end is unknown",
            Self::Draining => "shutting down",
        })
    }
}

/// A snapshot. Ready without reasons against it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Readiness {
    /// All reasons against it.
    pub reasons: Vec<NotReady>,
}

impl Readiness {
    /// Whether the node is ready.
    pub fn is_ready(&self) -> bool {
        self.reasons.is_empty()
    }
}
