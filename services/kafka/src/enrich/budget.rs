//! How many look-ups may be made: so many per second, and so many at once after a pause. Pure.

use std::time::Duration;

/// A bucket of tokens.
#[derive(Debug)]
pub(super) struct Budget {
    per_second: u64,
    burst: u64,
    /// When the bucket would be empty, in microseconds: it fills as the clock moves away from here.
    empty_at_us: u64,
}

impl Budget {
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        Self {
            per_second: u64::from(per_second.max(1)),
            burst: u64::from(burst.max(1)),
            empty_at_us: 0,
        }
    }

    /// Takes a token; returns how long to wait before it may be used.
    pub(super) fn take(&mut self, now_us: u64) -> Duration {
        let each_us = 1_000_000 / self.per_second;
        // No more than the burst is saved up.
        let oldest = now_us.saturating_sub(each_us * self.burst);
        self.empty_at_us = self.empty_at_us.max(oldest) + each_us;
        Duration::from_micros(self.empty_at_us.saturating_sub(now_us))
    }
}
