//! Whether this node should get clients.

use std::fmt;

/// Why a node should get no new clients now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotReady {
    /// The log is not being followed: not reached yet, or lost.
    TailDisconnected,
    /// It is not confirmed that the newest event of the log has arrived here.
    TailStale,
    /// The node is shutting down.
    Draining,
}

impl NotReady {
    /// The part that is not ready, as health reports name it.
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
            Self::TailStale => "behind the log, or its end is unknown",
            Self::Draining => "shutting down",
        })
    }
}

/// A snapshot. Ready when nothing speaks against it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Readiness {
    /// Everything that speaks against it.
    pub reasons: Vec<NotReady>,
}

impl Readiness {
    /// Whether nothing speaks against it.
    pub fn is_ready(&self) -> bool {
        self.reasons.is_empty()
    }
}
