//! Whether a directory, or a host, may be asked now: a rate, and a pause when it does not answer. Pure; time is an argument,
//! and must be monotonic.

use super::rate::Rate;

/// Failures in a row after which a directory counts as away.
const FAILURES: u32 = 5;
const FIRST_PAUSE_US: u64 = 1_000_000;
const LONGEST_PAUSE_US: u64 = 60_000_000;

/// The state of one directory.
#[derive(Debug)]
pub(super) struct Budget {
    rate: Rate,
    failures: u32,
    /// Away until then; afterwards one look-up tries.
    away_until_us: u64,
    pause_us: u64,
    is_trying: bool,
}

/// Why a directory is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// It does not answer.
    Away,
    /// It was asked too much.
    RateLimited,
}

impl Budget {
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            rate: Rate::per_second(per_second),
            failures: 0,
            away_until_us: 0,
            pause_us: FIRST_PAUSE_US,
            is_trying: false,
        }
    }

    /// Asks for one look-up. One second's worth may be taken at once.
    pub(super) fn take(&mut self, now_us: u64) -> Result<(), Denied> {
        let is_away = self.failures >= FAILURES;
        if is_away && now_us < self.away_until_us {
            return Err(Denied::Away);
        }
        if !self.rate.take(now_us) {
            return Err(Denied::RateLimited);
        }
        if is_away {
            self.is_trying = true;
            // Should it never end, another one tries.
            self.away_until_us = now_us + self.pause_us;
        }
        Ok(())
    }

    /// A look-up ended: whether the directory answered, no matter what.
    pub(super) fn ended(&mut self, has_answered: bool, now_us: u64) {
        if has_answered {
            self.failures = 0;
            self.pause_us = FIRST_PAUSE_US;
            self.is_trying = false;
            return;
        }
        // Those that were under way when it went away say nothing new.
        if self.failures >= FAILURES && !self.is_trying {
            return;
        }
        self.failures += 1;
        if self.failures >= FAILURES {
            self.is_trying = false;
            self.away_until_us = now_us + self.pause_us;
            self.pause_us = (self.pause_us * 2).min(LONGEST_PAUSE_US);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000_000_000;

    #[test]
    fn no_second_sees_more_than_two_seconds_worth_and_a_minute_no_more_than_its_rate() {
        let mut budget = Budget::new(10);
        let taken = (0..60_000_u64)
            .filter(|ms| budget.take(START + ms * 1_000).is_ok())
            .count();
        assert!((600..=611).contains(&taken), "{taken}");
        let burst = (0..100)
            .filter(|_| budget.take(START + 120_000_000).is_ok())
            .count();
        assert_eq!(burst, 10);
        assert_eq!(budget.take(START + 120_000_000), Err(Denied::RateLimited));
    }

    #[test]
    fn a_directory_that_does_not_answer_is_left_alone_and_tried_with_one_look_up() {
        let mut budget = Budget::new(1_000);
        let mut now = START;
        for _ in 0..FAILURES {
            budget.take(now).unwrap();
        }
        for _ in 0..FAILURES {
            budget.ended(false, now);
        }
        assert_eq!(budget.take(now), Err(Denied::Away));
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(budget.take(now + pause * 1_000_000 - 1), Err(Denied::Away));
            now += pause * 1_000_000;
            budget.take(now).unwrap();
            assert_eq!(budget.take(now), Err(Denied::Away), "one look-up tries");
            budget.ended(false, now);
        }
        now += 60_000_000;
        budget.take(now).unwrap();
        budget.ended(true, now);
        budget.take(now).unwrap();
        budget.take(now).unwrap();
    }
}
