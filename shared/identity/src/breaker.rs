//! A circuit breaker for a site that does not respond. Pure; time is an argument, and must be monotonic.

use std::time::Duration;

use tokio::time::Instant;

/// Consecutive failures after which the breaker opens.
const FAILURES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The breaker of one site.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Breaker {
    failures: u32,
    /// Open until then; afterwards one lookup probes the site.
    away_until: Option<Instant>,
    pause: Duration,
    is_trying: bool,
}

impl Default for Breaker {
    /// A closed breaker.
    fn default() -> Self {
        Self {
            failures: 0,
            away_until: None,
            pause: FIRST_PAUSE,
            is_trying: false,
        }
    }
}

impl Breaker {
    /// Whether lookups are rejected now.
    pub(crate) fn is_open(&self, now: Instant) -> bool {
        self.is_away() && self.away_until.is_some_and(|until| now < until)
    }

    /// A lookup starts.
    pub(crate) fn begun(&mut self, now: Instant) {
        if self.is_away() {
            self.is_trying = true;
            // If it never ends, another lookup probes.
            self.away_until = Some(now + self.pause);
        }
    }

    /// A lookup ended, with or without a response.
    pub(crate) fn ended(&mut self, has_answered: bool, now: Instant) {
        if has_answered {
            *self = Self::default();
            return;
        }
        // Lookups that started before the breaker opened carry no new information.
        if self.is_away() && !self.is_trying {
            return;
        }
        self.failures += 1;
        if self.is_away() {
            self.is_trying = false;
            self.away_until = Some(now + self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn is_away(&self) -> bool {
        self.failures >= FAILURES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts a lookup if the breaker permits it.
    fn ask(breaker: &mut Breaker, now: Instant) -> bool {
        let may = !breaker.is_open(now);
        if may {
            breaker.begun(now);
        }
        may
    }

    #[test]
    fn a_directory_that_does_not_answer_is_left_alone_and_tried_with_one_look_up() {
        let mut breaker = Breaker::default();
        let mut now = Instant::now();
        for _ in 0..FAILURES {
            assert!(ask(&mut breaker, now));
        }
        for _ in 0..FAILURES {
            breaker.ended(false, now);
        }
        assert!(!ask(&mut breaker, now));
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            let pause = Duration::from_secs(pause);
            assert!(!ask(&mut breaker, now + pause - Duration::from_micros(1)));
            now += pause;
            assert!(ask(&mut breaker, now));
            assert!(!ask(&mut breaker, now), "one look-up tries");
            breaker.ended(false, now);
        }
        now += Duration::from_secs(60);
        assert!(ask(&mut breaker, now));
        breaker.ended(true, now);
        assert!(ask(&mut breaker, now));
        assert!(ask(&mut breaker, now));
    }
}
