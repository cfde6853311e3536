//! A wall clock that is checked against monotonic time.
//!
//! Decisions based on a wrong clock cannot be undone: log time never goes back, and deleted events are gone. So a step
//! of the wall clock takes effect only after it has lasted for [`LASTS`]; until then the time follows the monotonic
//! clock. After a machine was suspended, its time is wrong for that long and no longer.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::Clock;

/// A step that lasts this long is not a mistake that is about to be corrected.
const LASTS: Duration = Duration::from_mins(1);
/// Allowed difference between wall clock and monotonic time, in microseconds: time daemons correct small errors in one
/// step.
const SLACK_US: u64 = 1_000_000;

/// Wraps a clock; steps take effect only after they have lasted.
#[derive(Debug)]
pub struct SteadyClock<C> {
    clock: C,
    steps: Mutex<Option<Steps>>,
}

impl<C: Clock> SteadyClock<C> {
    /// Starts at the current time of `clock`.
    pub fn new(clock: C) -> Self {
        Self {
            clock,
            steps: Mutex::new(None),
        }
    }

    /// The wrapped clock.
    pub fn inner(&self) -> &C {
        &self.clock
    }
}

impl<C: Clock> Clock for SteadyClock<C> {
    fn now_us(&self) -> u64 {
        let (now_us, change) = {
            let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
            // Read under the lock, so that readings are in order.
            let (wall_us, at) = (self.clock.now_us(), self.clock.instant());
            let steps = steps.get_or_insert_with(|| Steps::new(wall_us, at));
            steps.read(wall_us, at)
        };
        match change {
            None => {}
            Some(Change::Stepped { by_seconds }) => warn!(
                by_seconds,
                "the wall clock stepped, using its time if the step lasts for {LASTS:?}"
            ),
            Some(Change::Confirmed { by_seconds }) => {
                warn!(
                    by_seconds,
                    "the step of the wall clock lasted, using its time"
                );
            }
            Some(Change::Back) => info!("the wall clock stepped back"),
        }
        now_us
    }

    fn instant(&self) -> Instant {
        self.clock.instant()
    }
}

/// An event to log.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    /// The wall clock differs from the expected time.
    Stepped { by_seconds: f64 },
    /// It has differed by the same amount for long enough.
    Confirmed { by_seconds: f64 },
    /// It agrees with the expected time again.
    Back,
}

/// The current time, and a step of the wall clock that is pending.
#[derive(Debug)]
struct Steps {
    /// Unix microseconds.
    now_us: u64,
    at: Instant,
    pending: Option<ClockStep>,
}

/// A step that has not taken effect yet.
#[derive(Debug, Clone, Copy)]
struct ClockStep {
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

    fn read(&mut self, wall_us: u64, at: Instant) -> (u64, Option<Change>) {
        let passed = at.saturating_duration_since(self.at).as_micros();
        let passed_us = u64::try_from(passed).unwrap_or(u64::MAX);
        let expected_us = self.now_us.saturating_add(passed_us);
        // Whole microseconds only. The remainder carries over to the next reading, or frequent readings would slow the
        // time down.
        self.at += Duration::from_micros(passed_us);
        let is_close = |one: i128, other: i128| one.abs_diff(other) <= u128::from(SLACK_US);
        let by_us = i128::from(wall_us) - i128::from(expected_us);
        let by_seconds = by_us as f64 / 1e6;
        if is_close(by_us, 0) {
            self.now_us = wall_us;
            return (wall_us, self.pending.take().map(|_| Change::Back));
        }
        self.now_us = expected_us;
        match self.pending {
            Some(step) if is_close(step.by_us, by_us) => {
                if at.saturating_duration_since(step.since) < LASTS {
                    return (expected_us, None);
                }
                self.pending = None;
                self.now_us = wall_us;
                (wall_us, Some(Change::Confirmed { by_seconds }))
            }
            _ => {
                self.pending = Some(ClockStep { by_us, since: at });
                (expected_us, Some(Change::Stepped { by_seconds }))
            }
        }
    }
}

#[cfg(test)]
mod tests;
