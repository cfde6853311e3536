//! How many look-ups may be made: so many per second, and so many at once after a pause. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// A bucket of tokens. Its clock is monotonic: a wall clock that is set back would stop all look-ups until it has caught
/// up.
#[derive(Debug)]
pub(super) struct Budget {
    each: Duration,
    burst: u32,
    /// When the bucket is full again.
    full_at: Option<Instant>,
}

impl Budget {
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        Self {
            each: Duration::from_secs(1) / per_second.max(1),
            burst: burst.max(1),
            full_at: None,
        }
    }

    /// Takes a token; returns how long to wait before it may be used.
    pub(super) fn take(&mut self, now: Instant) -> Duration {
        let full_at = self.full_at.map_or(now, |at| at.max(now)) + self.each;
        self.full_at = Some(full_at);
        (full_at - now).saturating_sub(self.each * self.burst)
    }
}
