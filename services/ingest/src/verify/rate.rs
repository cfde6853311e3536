//! How often something may happen: so often a period, so many at once. Pure; time is an argument, and must be monotonic.

/// What was taken lately, as the time when it is made up for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// Between two, were they spread evenly.
    interval_us: u64,
    /// As far ahead of that they may be taken.
    burst_us: u64,
    due_us: u64,
}

impl Rate {
    /// `burst` at once, and one more every `interval_us`.
    pub(super) fn new(interval_us: u64, burst: u64) -> Self {
        Self {
            interval_us: interval_us.max(1),
            burst_us: interval_us.max(1).saturating_mul(burst),
            due_us: 0,
        }
    }

    /// So many a second, and a second's worth at once.
    pub(super) fn per_second(count: u32) -> Self {
        let count = u64::from(count.max(1));
        Self::new(1_000_000 / count, count)
    }

    /// Whether one may happen now.
    pub(super) fn is_free(&self, now_us: u64) -> bool {
        self.after_one(now_us) <= now_us.saturating_add(self.burst_us)
    }

    /// As [`Rate::is_free`]; if so, it is counted.
    pub(super) fn take(&mut self, now_us: u64) -> bool {
        let is_free = self.is_free(now_us);
        if is_free {
            self.due_us = self.after_one(now_us);
        }
        is_free
    }

    fn after_one(&self, now_us: u64) -> u64 {
        self.due_us.max(now_us).saturating_add(self.interval_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_each_interval() {
        let mut rate = Rate::new(1_000, 3);
        let taken: Vec<_> = (0..10_000).filter(|now| rate.take(*now)).collect();
        assert_eq!(taken[..4], [0, 1, 2, 1_000]);
        assert_eq!(taken.len(), 12);
        let again = (0..10).filter(|_| rate.take(1_000_000)).count();
        assert_eq!(again, 3);
    }
}
