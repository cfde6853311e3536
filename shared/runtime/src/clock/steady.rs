//! A wall clock that time itself does not contradict.
//!
//! What a wrong clock decides cannot be undone: log times never go back, and what was forgotten is gone. So a step of the
//! wall clock is believed when it has lasted for [`LASTS`]; until then the time goes on as time passes. A machine that
//! slept is late for as long, and no more than that.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::Clock;

/// A step that has lasted for so long is no mistake that somebody is about to mend.
const LASTS: Duration = Duration::from_mins(1);
/// The wall clock may differ by so many microseconds from what has passed: daemons mend small errors in one step.
const SLACK_US: u64 = 1_000_000;

/// Another clock, whose steps are believed when they have lasted.
#[derive(Debug)]
pub struct SteadyClock<C> {
    clock: C,
    steps: Mutex<Option<Steps>>,
}

impl<C: Clock> SteadyClock<C> {
    /// Begins with what `clock` says: nothing contradicts it yet.
    pub fn new(clock: C) -> Self {
        Self {
            clock,
            steps: Mutex::new(None),
        }
    }

    /// The clock whose steps have to last.
    pub fn inner(&self) -> &C {
        &self.clock
    }
}

impl<C: Clock> Clock for SteadyClock<C> {
    fn now_us(&self) -> u64 {
        let (now_us, news) = {
            let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
            // Read under the lock, so that nobody's look is older than the one before.
            let (wall_us, at) = (self.clock.now_us(), self.clock.instant());
            let steps = steps.get_or_insert_with(|| Steps::new(wall_us, at));
            steps.look(wall_us, at)
        };
        match news {
            None => {}
            Some(News::Stepped { by_seconds }) => warn!(
                by_seconds,
                "the clock has stepped: its time is taken when that has lasted for {LASTS:?}"
            ),
            Some(News::Believed { by_seconds }) => {
                warn!(
                    by_seconds,
                    "the step of the clock has lasted, taking its time"
                );
            }
            Some(News::Back) => info!("the clock has stepped back to where it was"),
        }
        now_us
    }

    fn instant(&self) -> Instant {
        self.clock.instant()
    }
}

/// What is worth telling.
#[derive(Debug, Clone, Copy, PartialEq)]
enum News {
    /// The wall clock differs from what has passed.
    Stepped { by_seconds: f64 },
    /// It has differed by the same for long enough.
    Believed { by_seconds: f64 },
    /// It agrees again.
    Back,
}

/// The time that is believed, and what the wall clock says otherwise.
#[derive(Debug)]
struct Steps {
    /// Unix microseconds.
    now_us: u64,
    at: Instant,
    pending: Option<Step>,
}

/// A difference that is not believed yet.
#[derive(Debug, Clone, Copy)]
struct Step {
    by_us: i128,
    since: Instant,
}

impl Steps {
    fn new(wall_us: u64, at: Instant) -> Self {
        Self {
            now_us: wall_us,
            at,
            pending: None,
        }
    }

    fn look(&mut self, wall_us: u64, at: Instant) -> (u64, Option<News>) {
        let passed = at.saturating_duration_since(self.at).as_micros();
        let passed_us = u64::try_from(passed).unwrap_or(u64::MAX);
        let expected_us = self.now_us.saturating_add(passed_us);
        // Whole microseconds only: the rest is left for the next look, or many of them would slow the time down.
        self.at += Duration::from_micros(passed_us);
        let is_close = |one: i128, other: i128| one.abs_diff(other) <= u128::from(SLACK_US);
        let by_us = i128::from(wall_us) - i128::from(expected_us);
        let by_seconds = by_us as f64 / 1e6;
        if is_close(by_us, 0) {
            self.now_us = wall_us;
            return (wall_us, self.pending.take().map(|_| News::Back));
        }
        self.now_us = expected_us;
        match self.pending {
            Some(step) if is_close(step.by_us, by_us) => {
                if at.saturating_duration_since(step.since) < LASTS {
                    return (expected_us, None);
                }
                self.pending = None;
                self.now_us = wall_us;
                (wall_us, Some(News::Believed { by_seconds }))
            }
            _ => {
                self.pending = Some(Step { by_us, since: at });
                (expected_us, Some(News::Stepped { by_seconds }))
            }
        }
    }
}

#[cfg(test)]
mod tests;
