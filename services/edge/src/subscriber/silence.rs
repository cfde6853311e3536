//! How long nothing was sent, for clients that want to hear something now and then.

use std::time::Duration;

use tokio::time::Instant;

/// How often a silence is looked at while it lasts as long as it may: the heartbeat comes this part late at most.
const LOOKS: u32 = 4;

/// What is known about the silence towards one client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Silence {
    longest: Duration,
    since: Instant,
    taken: u64,
}

impl Silence {
    /// Nothing was sent yet; no silence may last for more than `longest`.
    pub(crate) fn new(longest: Duration, now: Instant) -> Self {
        Self {
            longest,
            since: now,
            taken: 0,
        }
    }

    /// How often to look.
    pub(crate) fn interval(&self) -> Duration {
        self.longest / LOOKS
    }

    /// Whether it has lasted for too long. `taken` counts how often the socket took events.
    pub(crate) fn is_too_long(&mut self, now: Instant, taken: u64) -> bool {
        if taken != self.taken {
            self.taken = taken;
            self.since = now;
        }
        now.saturating_duration_since(self.since) >= self.longest
    }

    /// Something was sent.
    pub(crate) fn broken(&mut self, now: Instant) {
        self.since = now;
    }
}

#[cfg(test)]
mod tests;
