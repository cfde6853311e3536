//! Detects dead clients.
//!
//! Any input from the client is a sign of life, and so is a socket that accepts events. While data waits and the socket accepts
//! none, the ping may be queued behind megabytes that the client has not read: then the write-stall timeout distinguishes
//! slow readers from dead ones (`edge.subscriber.write_stall_timeout`).

use std::time::Duration;

use tokio::time::Instant;

/// The signs of life of one client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Liveness {
    last_sign: Instant,
    taken: u64,
    pinged_at: Option<Instant>,
}

/// The state of its socket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Socket {
    /// How often it accepted events.
    pub(crate) taken: u64,
    /// Whether data waits for it.
    pub(crate) is_stuck: bool,
}

impl Liveness {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            last_sign: now,
            taken: 0,
            pinged_at: None,
        }
    }

    /// Something was received from the client.
    pub(crate) fn received(&mut self, now: Instant) {
        self.last_sign = now;
        self.pinged_at = None;
    }

    /// A ping was queued.
    pub(crate) fn pinged(&mut self, now: Instant) {
        self.pinged_at.get_or_insert(now);
    }

    /// Whether the client counts as dead: no sign of life for `timeout` after the first unanswered ping.
    pub(crate) fn is_dead(&mut self, now: Instant, socket: Socket, timeout: Duration) -> bool {
        if socket.is_stuck || socket.taken != self.taken {
            self.taken = socket.taken;
            self.last_sign = now;
        }
        self.pinged_at.is_some_and(|pinged_at| {
            now.saturating_duration_since(pinged_at.max(self.last_sign)) >= timeout
        })
    }
}

#[cfg(test)]
mod tests;
