//! Whether the other end still lives.
//!
//! Anything the client sends is a sign of life, and so is every time its socket takes more events. While its socket takes
//! nothing although something waits, the ping stands behind megabytes that the client has yet to read: then it is the
//! socket that tells a slow reader from a dead one (`edge.subscriber.write_stall_timeout`).

use std::time::Duration;

use tokio::time::Instant;

/// What is known about one client's life.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Liveness {
    last_sign: Instant,
    taken: u64,
    pinged_at: Option<Instant>,
}

/// What is known about its socket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Socket {
    /// How often it took events.
    pub(crate) taken: u64,
    /// Something waits for it.
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
