//! The state of the tail, for readiness.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::NotReady;

/// Written by the feeder, read by readiness probes.
#[derive(Debug, Default)]
pub(crate) struct TailStatus {
    facts: Mutex<Facts>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Facts {
    is_following: bool,
    /// When the ring was last known to hold the log's newest event.
    confirmed_at: Option<Instant>,
}

impl TailStatus {
    /// The log is being followed.
    pub(crate) fn following(&self) {
        self.facts.lock().is_following = true;
    }

    /// The log is unavailable.
    pub(crate) fn disconnected(&self) {
        self.facts.lock().is_following = false;
    }

    /// The log was replaced, and nothing is known of the new one.
    pub(crate) fn forget_log(&self) {
        *self.facts.lock() = Facts::default();
    }

    /// The ring holds the newest event, whether or not it is new.
    pub(crate) fn confirmed_fresh(&self, now: Instant) {
        self.facts.lock().confirmed_at = Some(now);
    }

    /// Why clients should not be sent here, if so.
    pub(crate) fn objection(&self, now: Instant, fresh_within: Duration) -> Option<NotReady> {
        let facts = *self.facts.lock();
        if !facts.is_following {
            return Some(NotReady::TailDisconnected);
        }
        let is_fresh = facts
            .confirmed_at
            .is_some_and(|at| now.saturating_duration_since(at) <= fresh_within);
        (!is_fresh).then_some(NotReady::TailStale)
    }
}

#[cfg(test)]
mod tests;
