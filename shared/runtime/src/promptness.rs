//! How long to wait between two rounds of work that cost about the same however much is in them, decided by what they cost.
//!
//! A write to a socket, or a sync of a file, costs about the same for one event as for sixteen. With room a round per event can be
//! afforded, and without it cannot: so the pause, the *floor*, follows the share of the time that rounds take. Below the
//! budget there is none. From there it grows in proportion, up to the ceiling at twice the budget.
//!
//! This cannot swing. The share is a mean over [`MEMORY`], the floor is a rising function of it, and a longer floor can
//! only lower the share: one state that moves towards the one point where both agree. The further off it is, the steeper
//! the way back, so it arrives there well within a second. A burst that is shorter than the memory passes at full speed.

use std::time::Duration;

/// The time constant of the mean.
const MEMORY: Duration = Duration::from_millis(500);

/// The controller of one worker, socket or disk. Pure: it has no clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Promptness {
    /// Share of the time that may be spent without a pause.
    budget: f64,
    /// The longest pause.
    ceiling: Duration,
    /// Mean share of the time that is spent.
    share: f64,
}

impl Promptness {
    /// `percent` of the time may be spent without a pause; the longest pause is `ceiling`.
    pub fn new(percent: u32, ceiling: Duration) -> Self {
        Self {
            budget: f64::from(percent.min(100)) / 100.0,
            ceiling,
            share: 0.0,
        }
    }

    /// Takes note of what was spent in the time that has passed since the last note. Clocks may jump: no
    /// time counts as nothing, and no more can be spent than has passed.
    pub fn note(&mut self, spent: Duration, passed: Duration) {
        if passed.is_zero() {
            return;
        }
        let now = spent.min(passed).div_duration_f64(passed);
        let weight = -(-passed.div_duration_f64(MEMORY)).exp_m1();
        self.share += weight * (now - self.share);
    }

    /// Least time between the beginnings of two rounds.
    pub fn floor(&self) -> Duration {
        if self.share <= self.budget {
            return Duration::ZERO;
        }
        let full = (2.0 * self.budget).min(1.0);
        let above = (self.share - self.budget) / (full - self.budget);
        self.ceiling.mul_f64(above.clamp(0.0, 1.0))
    }

    /// Mean share of the time that is spent, from 0 to 1.
    pub fn share(&self) -> f64 {
        self.share
    }
}

#[cfg(test)]
mod tests;
