//! What is known about the tail, for readiness.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::NotReady;

/// Written by the feeder, read by whoever asks whether the node is ready.
#[derive(Debug, Default)]
pub(crate) struct TailStatus {
    facts: Mutex<Facts>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Facts {
    is_following: bool,
    /// When it was last known that the ring holds the log's newest event.
    confirmed_at: Option<Instant>,
}

impl TailStatus {
    /// The log answers and its events flow.
    pub(crate) fn following(&self) {
        self.facts.lock().is_following = true;
    }

    /// The log is away.
    pub(crate) fn disconnected(&self) {
        self.facts.lock().is_following = false;
    }

    /// There is another log, of which nothing is known.
    pub(crate) fn begin_anew(&self) {
        *self.facts.lock() = Facts::default();
    }

    /// The ring holds the newest event there is, whether or not there was a new one.
    pub(crate) fn confirmed_fresh(&self, now: Instant) {
        self.facts.lock().confirmed_at = Some(now);
    }

    /// What speaks against sending clients here.
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
