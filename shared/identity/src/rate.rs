//! A rate limit with a burst. Pure; time is an argument, and must be monotonic.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// A rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Interval between two events at the steady rate.
    interval: Duration,
    /// Size of the burst after a pause.
    burst: u32,
}

/// What was used recently, as the time at which the limit is fully available again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Taken(Option<Instant>);

impl Rate {
    /// Allows `burst` at once, and one more every `interval`.
    pub const fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, burst }
    }

    /// Allows `count` per second, and `burst` at once.
    pub fn per_second(count: u32, burst: u32) -> Self {
        Self::new(Duration::from_secs(1) / count.max(1), burst.max(1))
    }

    /// Time until the next event is allowed.
    pub(crate) fn wait(self, taken: Taken, now: Instant) -> Duration {
        let ahead = self.after_one(taken, now) - now;
        ahead.saturating_sub(self.interval * self.burst)
    }

    /// Whether an event is allowed now.
    pub(crate) fn is_free(self, taken: Taken, now: Instant) -> bool {
        self.wait(taken, now).is_zero()
    }

    /// As [`Rate::is_free`]; an allowed event is counted.
    pub(crate) fn take(self, taken: &mut Taken, now: Instant) -> bool {
        let is_free = self.is_free(*taken, now);
        if is_free {
            *taken = Taken(Some(self.after_one(*taken, now)));
        }
        is_free
    }

    /// Reserves the next slot; returns the time until then.
    pub(crate) fn reserve(self, taken: &mut Taken, now: Instant) -> Duration {
        let wait = self.wait(*taken, now);
        *taken = Taken(Some(self.after_one(*taken, now)));
        wait
    }

    /// Counts an event that happened for another reason. However many there are, the next slot is at most one interval
    /// away.
    pub(crate) fn count(self, taken: &mut Taken, now: Instant) {
        let most = now + self.interval * self.burst;
        *taken = Taken(Some(self.after_one(*taken, now).min(most)));
    }

    fn after_one(self, Taken(due): Taken, now: Instant) -> Instant {
        due.map_or(now, |due| due.max(now)) + self.interval
    }
}

/// A rate limit shared by several users, who take turns.
#[derive(Debug)]
pub struct Budget {
    rate: Rate,
    taken: Mutex<Taken>,
}

impl Budget {
    /// Nothing is used yet.
    pub fn new(rate: Rate) -> Self {
        Self {
            rate,
            taken: Mutex::default(),
        }
    }

    /// Reserves the next slot; returns the time until then.
    pub(crate) fn reserve(&self, now: Instant) -> Duration {
        self.rate.reserve(&mut self.taken.lock(), now)
    }
}

#[cfg(test)]
mod tests;
