//! How often something may happen: so often a period, so many at once. Pure; time is an argument, and must be monotonic.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Between two, were they spread evenly.
    interval: Duration,
    /// So many at once, when none was taken lately.
    burst: u32,
}

/// What was taken lately, as the time when it is made up for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Taken(Option<Instant>);

impl Rate {
    /// `burst` at once, and one more every `interval`.
    pub const fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, burst }
    }

    /// So many a second, and so many at once.
    pub fn per_second(count: u32, burst: u32) -> Self {
        Self::new(Duration::from_secs(1) / count.max(1), burst.max(1))
    }

    /// How long until one may happen.
    pub(crate) fn wait(self, taken: Taken, now: Instant) -> Duration {
        let ahead = self.after_one(taken, now) - now;
        ahead.saturating_sub(self.interval * self.burst)
    }

    /// Whether one may happen now.
    pub(crate) fn is_free(self, taken: Taken, now: Instant) -> bool {
        self.wait(taken, now).is_zero()
    }

    /// As [`Rate::is_free`]; if so, it is counted.
    pub(crate) fn take(self, taken: &mut Taken, now: Instant) -> bool {
        let is_free = self.is_free(*taken, now);
        if is_free {
            *taken = Taken(Some(self.after_one(*taken, now)));
        }
        is_free
    }

    /// Takes the next that may happen; how long until then.
    pub(crate) fn reserve(self, taken: &mut Taken, now: Instant) -> Duration {
        let wait = self.wait(*taken, now);
        *taken = Taken(Some(self.after_one(*taken, now)));
        wait
    }

    /// Counts one that has happened for another reason. However many do, the next is never further away than an interval.
    pub(crate) fn count(self, taken: &mut Taken, now: Instant) {
        let most = now + self.interval * self.burst;
        *taken = Taken(Some(self.after_one(*taken, now).min(most)));
    }

    fn after_one(self, Taken(due): Taken, now: Instant) -> Instant {
        due.map_or(now, |due| due.max(now)) + self.interval
    }
}

/// A rate that several share, who take turns.
#[derive(Debug)]
pub struct Budget {
    rate: Rate,
    taken: Mutex<Taken>,
}

impl Budget {
    /// Nothing is taken yet.
    pub fn new(rate: Rate) -> Self {
        Self {
            rate,
            taken: Mutex::default(),
        }
    }

    /// Takes the next turn; how long until it comes.
    pub(crate) fn reserve(&self, now: Instant) -> Duration {
        self.rate.reserve(&mut self.taken.lock(), now)
    }
}

#[cfg(test)]
mod tests;
