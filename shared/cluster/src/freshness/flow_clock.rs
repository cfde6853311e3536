//! Time that runs while events flow.

/// The longest pause in seconds that counts as flow: a quiet upstream sends less often, a dead one sends nothing.
const LONGEST_PAUSE: f64 = 60.0;

/// Seconds during which the upstream sent something. A pause counts as at most one minute, and a wall clock that jumps
/// back does not count.
#[derive(Debug, Clone, Default)]
pub struct FlowClock {
    seconds: f64,
    last_us: Option<u64>,
}

impl FlowClock {
    /// Records that something arrived, in Unix microseconds.
    pub fn flowed(&mut self, now_us: u64) {
        self.seconds = self.at(now_us);
        self.last_us = Some(now_us);
    }

    /// The clock's value at a time, in seconds.
    pub fn at(&self, now_us: u64) -> f64 {
        let pause = self.last_us.map_or(0, |last| now_us.saturating_sub(last));
        self.seconds + (pause as f64 / 1e6).min(LONGEST_PAUSE)
    }

    /// Continues from another clock's time.
    pub fn add(&mut self, seconds: f64) {
        self.seconds += seconds;
    }
}
