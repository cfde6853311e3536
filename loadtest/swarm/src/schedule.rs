//! When the next connection is due.

use std::time::{Duration, Instant};

/// Events at an even rate.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    begun: Instant,
    per_second: f64,
    /// How many there are; `None`: unlimited.
    limit: Option<u64>,
    done: u64,
}

impl Schedule {
    pub(crate) fn new(begun: Instant, per_second: f64, limit: Option<u64>) -> Self {
        Self {
            begun,
            per_second,
            limit,
            done: 0,
        }
    }

    /// The number of one that is due now, counted from 0. A late caller gets overdue ones one after another.
    pub(crate) fn next(&mut self, now: Instant) -> Option<u64> {
        let is_over = self.limit.is_some_and(|limit| self.done >= limit);
        if is_over || self.due()? > now {
            return None;
        }
        self.done += 1;
        Some(self.done - 1)
    }

    fn due(&self) -> Option<Instant> {
        if self.per_second <= 0.0 {
            return None;
        }
        let after = self.done as f64 / self.per_second;
        self.begun
            .checked_add(Duration::try_from_secs_f64(after).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_happen_in_a_second() {
        let begun = Instant::now();
        let mut schedule = Schedule::new(begun, 50.0, Some(60));
        let mut upto = |ms| {
            let now = begun + Duration::from_millis(ms);
            std::iter::from_fn(|| schedule.next(now)).collect::<Vec<_>>()
        };
        assert_eq!(upto(0), [0]);
        assert!(upto(19).is_empty());
        assert_eq!(upto(990).len(), 49);
        assert_eq!(upto(10_000), (50..60).collect::<Vec<_>>());
        assert_eq!(Schedule::new(begun, 0.0, None).next(begun), None);
    }
}
