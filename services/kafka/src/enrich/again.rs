//! When an account may be looked up again because of what it sends: a few times at once, and then now and then. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// Between two look-ups, in the long run.
const INTERVAL: Duration = Duration::from_secs(10);
/// So many at once.
const BURST: u32 = 6;

/// The look-ups of one account so far, as the time when they are made up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Again(Instant);

impl Again {
    /// None so far.
    pub(super) fn new(now: Instant) -> Self {
        Self(now)
    }

    /// With one more.
    #[must_use]
    pub(super) fn after_one(self, now: Instant) -> Self {
        Self((self.0.max(now) + INTERVAL).min(now + INTERVAL * BURST))
    }

    /// From when on there may be another.
    pub(super) fn earliest(self, now: Instant) -> Instant {
        let earliest = self.0.checked_sub(INTERVAL * (BURST - 1));
        earliest.unwrap_or(now).max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_at_once_and_then_one_each_interval() {
        let begun = Instant::now() + INTERVAL * BURST;
        let mut again = Again::new(begun);
        let made = (0..600).filter(|second| {
            let now = begun + Duration::from_secs(*second);
            let is_free = again.earliest(now) == now;
            if is_free {
                again = again.after_one(now);
            }
            is_free
        });
        let made: Vec<_> = made.collect();
        assert_eq!(made[..7], [0, 1, 2, 3, 4, 5, 10]);
        assert_eq!(made.len(), 65);
        // However many were made for another reason, it is not waited longer for.
        let now = begun + Duration::from_secs(600);
        for _ in 0..100 {
            again = again.after_one(now);
        }
        assert_eq!(again.earliest(now), now + INTERVAL);
    }
}
