//! Log time.

use std::fmt;

/// Unix microseconds, assigned by the ingest leader, strictly increasing in log order.
///
/// Always 16 decimal digits (September 2001 to November 2286): cursors at or above
/// [`SEQ_TIME_BOUNDARY`](crate::SEQ_TIME_BOUNDARY) are times, and the sequencer writes the digits in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimeUs(u64);

impl TimeUs {
    /// The earliest log time.
    pub const MIN: Self = Self(crate::SEQ_TIME_BOUNDARY);
    /// The latest log time.
    pub const MAX: Self = Self(9_999_999_999_999_999);
    /// Decimal digits of every log time.
    pub const DIGITS: usize = 16;

    /// The time, if it lies in the range of a log time.
    pub fn new(us: u64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0)
            .contains(&us)
            .then_some(Self(us))
    }

    /// Unix microseconds.
    pub fn get(self) -> u64 {
        self.0
    }

    /// `max(now, last + 1)`, clamped to the range: this makes log time strictly increasing whatever the wall clock
    /// does.
    pub fn following(last: Option<Self>, now_us: u64) -> Self {
        let floor = last.map_or(Self::MIN.0, |last| last.0 + 1);
        Self(now_us.max(floor).min(Self::MAX.0))
    }
}

impl fmt::Display for TimeUs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
