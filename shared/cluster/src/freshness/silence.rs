//! When a silence is unusual: a pure rule.

/// The shortest silence in seconds that is unusual for any collection.
pub const MIN_SILENCE: f64 = 300.0;
/// How many of its usual gaps a collection may be silent.
const GAPS: f64 = 20.0;
/// How many times as long as its longest pause of late it may be silent: what sleeps at night is not alarming at night.
const PAUSES: f64 = 1.5;
/// In how many slots of time it must have been seen of late. What is rarer has no rhythm that a silence could break.
const MIN_SLOTS: f64 = 8.0;
/// How long in seconds it must have been known: a burst is not a habit.
const MIN_HISTORY: f64 = 3600.0;

/// How a collection usually comes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    /// In how many slots of late it was seen, older ones counting less.
    pub slots: f64,
    /// Seconds between such slots, on average.
    pub gap: f64,
    /// Its longest pause of late in seconds.
    pub longest_pause: f64,
    /// Seconds from the first to the last time it was seen.
    pub history: f64,
}

impl Usual {
    /// The longest silence in seconds that is not unusual; `None` when too little is known to tell.
    pub fn bound(&self) -> Option<f64> {
        let is_known = self.slots >= MIN_SLOTS && self.history >= MIN_HISTORY;
        is_known.then(|| {
            MIN_SILENCE
                .max(GAPS * self.gap)
                .max(PAUSES * self.longest_pause)
        })
    }
}
