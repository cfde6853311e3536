//! Whether the other end still lives.
//!
//! Anything the client sends is a sign of life, and so is every time its socket takes more events. A slow reader is
//! therefore not mistaken for a dead one, and a dead one is noticed although it gets no events. (A dead one that does
//! get events is noticed by the system: its bytes stay unacknowledged.)

use std::time::Duration;

use tokio::time::Instant;

/// What is known about one client's life.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Liveness {
    last_sign: Instant,
    taken: u64,
    pinged_at: Option<Instant>,
}

impl Liveness {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            last_sign: now,
            taken: 0,
            pinged_at: None,
        }
    }

    /// Something came from the client.
    pub(crate) fn received(&mut self, now: Instant) {
        self.last_sign = now;
        self.pinged_at = None;
    }

    /// A ping was queued.
    pub(crate) fn pinged(&mut self, now: Instant) {
        self.pinged_at.get_or_insert(now);
    }

    /// Whether the client must be taken for dead: no sign for `timeout` since the first unanswered ping.
    /// `taken` counts how often the socket took events.
    pub(crate) fn is_dead(&mut self, now: Instant, taken: u64, timeout: Duration) -> bool {
        if taken != self.taken {
            self.taken = taken;
            self.last_sign = now;
        }
        self.pinged_at.is_some_and(|pinged_at| {
            now.saturating_duration_since(pinged_at.max(self.last_sign)) >= timeout
        })
    }
}

#[cfg(test)]
mod tests;
