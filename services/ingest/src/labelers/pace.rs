//! How fast one labeler is read. Pure: the time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// So many seconds' worth may come at once.
const BURST_SECONDS: f64 = 10.0;

/// The labels that one labeler may send.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    per_second: f64,
    /// What may be sent now; below zero: too much was sent.
    left: f64,
    counted_to: Instant,
}

impl Pace {
    pub(super) fn new(per_second: u32, now: Instant) -> Self {
        let per_second = f64::from(per_second);
        Self {
            per_second,
            left: per_second * BURST_SECONDS,
            counted_to: now,
        }
    }

    /// Counts labels that were received, and returns how long to wait before the next are read.
    pub(super) fn take(&mut self, labels: usize, now: Instant) -> Duration {
        let earned = now.saturating_duration_since(self.counted_to);
        let full = self.per_second * BURST_SECONDS;
        self.left = (self.left + earned.as_secs_f64() * self.per_second).min(full);
        self.counted_to = now;
        // A frame without labels costs something, too.
        self.left -= labels.max(1) as f64;
        Duration::from_secs_f64((-self.left / self.per_second).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_seconds_worth_at_once_and_then_the_rate() {
        let start = Instant::now();
        let mut pace = Pace::new(100, start);
        assert_eq!(pace.take(1_000, start), Duration::ZERO);
        assert_eq!(pace.take(100, start), Duration::from_secs(1));
        let later = start + Duration::from_secs(2);
        assert_eq!(pace.take(100, later), Duration::ZERO);
        assert_eq!(pace.take(0, later), Duration::from_millis(10));
        let rested = start + Duration::from_secs(1_000);
        assert_eq!(pace.take(1_000, rested), Duration::ZERO);
        assert_eq!(pace.take(50, rested), Duration::from_millis(500));
    }
}
