//! When to send heartbeats to clients that asked for them.

use std::time::Duration;

use tokio::time::Instant;

/// Checks per interval: a heartbeat is at most this fraction late.
const LOOKS: u32 = 4;

/// The quiet time of one client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeartbeatTimer {
    longest: Duration,
    since: Instant,
    taken: u64,
}

impl HeartbeatTimer {
    /// Starts now; heartbeats are due after `longest` without events.
    pub(crate) fn new(longest: Duration, now: Instant) -> Self {
        Self {
            longest,
            since: now,
            taken: 0,
        }
    }

    /// How often to check.
    pub(crate) fn interval(&self) -> Duration {
        self.longest / LOOKS
    }

    /// Whether a heartbeat is due. `taken` counts how often the socket took events.
    pub(crate) fn is_due(&mut self, now: Instant, taken: u64) -> bool {
        if taken != self.taken {
            self.taken = taken;
            self.since = now;
        }
        now.saturating_duration_since(self.since) >= self.longest
    }

    /// A heartbeat was sent.
    pub(crate) fn sent(&mut self, now: Instant) {
        self.since = now;
    }
}

#[cfg(test)]
mod tests;
