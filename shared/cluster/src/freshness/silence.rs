//! When silence is unusual: a pure rule.

/// The shortest silence in seconds that is unusual for any collection.
pub const MIN_SILENCE: f64 = 300.0;
/// How many of its usual gaps a collection may be silent.
const GAPS: f64 = 20.0;
/// Multiple of its longest recent pause that it may be silent: a collection that pauses every night raises no alarm at
/// night.
const PAUSES: f64 = 1.5;
/// Minimum number of slots in which it was recently seen. A rarer collection has no rhythm.
const MIN_SLOTS: f64 = 8.0;
/// Minimum time in seconds since it was first seen: a burst is not a habit.
const MIN_HISTORY: f64 = 3600.0;

/// The usual rhythm of a collection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Baseline {
    /// Slots in which it was recently seen, decayed.
    pub slots: f64,
    /// Average seconds between such slots.
    pub gap: f64,
    /// Its longest recent pause in seconds.
    pub longest_pause: f64,
    /// Seconds from the first to the last time it was seen.
    pub history: f64,
}

impl Baseline {
    /// The longest silence in seconds that is not unusual; `None` if there is too little data.
    pub fn bound(&self) -> Option<f64> {
        let is_known = self.slots >= MIN_SLOTS && self.history >= MIN_HISTORY;
        is_known.then(|| {
            MIN_SILENCE
                .max(GAPS * self.gap)
                .max(PAUSES * self.longest_pause)
        })
    }
}
