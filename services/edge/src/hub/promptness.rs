//! How long a worker pauses between two flushes, decided by what its flushes cost.
//!
//! A write costs about the same whether it carries one event or sixteen. An idle worker can afford a write per event, and
//! a busy one cannot: so the pause, the *floor*, follows the share of a core that sending takes. Below the budget there is
//! none. From there it grows in proportion, up to [`CEILING`] at twice the budget.
//!
//! This cannot swing. The share is a mean over [`MEMORY`], the floor is a rising function of it, and a longer floor can
//! only lower the share: one state that moves towards the one point where both agree. The further off it is, the steeper
//! the way back, so it arrives there well within a second. A burst that is shorter than the memory passes at full speed.

use std::time::Duration;

/// The longest pause. Behind it a flush carries so many events that a longer one would save next to nothing.
pub(crate) const CEILING: Duration = Duration::from_millis(60);

/// The time constant of the mean.
const MEMORY: Duration = Duration::from_millis(500);

/// The controller of one worker. Pure: it has no clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Promptness {
    /// Share of a core that may be spent without a pause.
    budget: f64,
    /// Mean share of a core that sending takes.
    share: f64,
}

impl Promptness {
    /// `percent` of a core may be spent without a pause.
    pub(crate) fn new(percent: u32) -> Self {
        Self {
            budget: f64::from(percent.min(100)) / 100.0,
            share: 0.0,
        }
    }

    /// Takes note of what was spent on sending in the time that has passed since the last note. Clocks may jump: no
    /// time counts as nothing, and no more can be spent than has passed.
    pub(crate) fn note(&mut self, spent: Duration, passed: Duration) {
        if passed.is_zero() {
            return;
        }
        let now = spent.min(passed).div_duration_f64(passed);
        let weight = -(-passed.div_duration_f64(MEMORY)).exp_m1();
        self.share += weight * (now - self.share);
    }

    /// Least time between the beginnings of two flushes.
    pub(crate) fn floor(&self) -> Duration {
        if self.share <= self.budget {
            return Duration::ZERO;
        }
        let full = (2.0 * self.budget).min(1.0);
        let above = (self.share - self.budget) / (full - self.budget);
        CEILING.mul_f64(above.clamp(0.0, 1.0))
    }

    /// Mean share of a core that sending takes, from 0 to 1.
    pub(crate) fn share(&self) -> f64 {
        self.share
    }
}

#[cfg(test)]
mod tests;
