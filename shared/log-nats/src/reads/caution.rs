//! How long to be careful. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// After the first break.
const LEAST: Duration = Duration::from_secs(1);
/// However often it breaks.
const MOST: Duration = Duration::from_secs(64);

/// When the connection may be used again: the later, the sooner it broke after the last time.
#[derive(Debug, Default)]
pub(super) struct Caution {
    length: Duration,
    ends_at: Option<Instant>,
}

impl Caution {
    /// The connection broke; for how long it is not to be used.
    pub(super) fn broke(&mut self, now: Instant) -> Duration {
        let is_soon = self
            .ends_at
            .is_some_and(|ended_at| now < ended_at + 2 * self.length);
        self.length = match is_soon {
            true => (2 * self.length).min(MOST),
            false => LEAST,
        };
        self.ends_at = Some(now + self.length);
        self.length
    }

    pub(super) fn is_on(&self, now: Instant) -> bool {
        self.ends_at.is_some_and(|ends_at| now < ends_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_at_each_use_is_used_once_a_minute() {
        let (mut caution, mut now, mut breaks) = (Caution::default(), Instant::now(), 0);
        let end = now + Duration::from_secs(3600);
        while now < end {
            assert!(!caution.is_on(now));
            let length = caution.broke(now);
            assert!(caution.is_on(now + length - Duration::from_millis(1)));
            now += length;
            breaks += 1;
        }
        assert_eq!(breaks, 62);
    }

    #[test]
    fn what_breaks_rarely_is_left_alone_for_a_moment() {
        let (mut caution, mut now) = (Caution::default(), Instant::now());
        for _ in 0..10 {
            assert_eq!(caution.broke(now), LEAST);
            now += 4 * LEAST;
        }
        // Again and again, then rarely.
        for _ in 0..10 {
            now += caution.broke(now);
        }
        assert_eq!(caution.broke(now), MOST);
        assert_eq!(caution.broke(now + 4 * MOST), LEAST);
    }
}
