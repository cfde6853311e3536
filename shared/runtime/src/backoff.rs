//! Exponential backoff with jitter, so that the clients of a server do not all retry at once.

use std::time::Duration;

use crate::jitter::fraction;

/// An exponential backoff.
#[derive(Debug, Clone)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    ceiling: Duration,
}

impl Backoff {
    /// Backs off from about `min` to about `max`.
    pub fn new(min: Duration, max: Duration) -> Self {
        Self {
            min,
            max: max.max(min),
            ceiling: min,
        }
    }

    /// The next delay: between half the current ceiling and all of it. The ceiling doubles up to the maximum.
    pub fn next_pause(&mut self) -> Duration {
        self.pause_at(fraction())
    }

    /// Returns to the shortest delay, after a success.
    pub fn reset(&mut self) {
        self.ceiling = self.min;
    }

    fn pause_at(&mut self, fraction: f64) -> Duration {
        let pause = self.ceiling.mul_f64(fraction);
        self.ceiling = (self.ceiling * 2).min(self.max);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_maximum_and_start_again_after_success() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(3));
        let mut pauses = || {
            (0..5)
                .map(|_| backoff.pause_at(1.0).as_millis())
                .collect::<Vec<_>>()
        };
        assert_eq!(pauses(), [500, 1000, 2000, 3000, 3000]);
        backoff.reset();
        assert_eq!(backoff.pause_at(0.5).as_millis(), 250);
    }
}
