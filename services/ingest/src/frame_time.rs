//! The times that upstreams write into their frames, as numbers. Upstreams that number differently share them.

use std::time::Duration;

use fanjet_event::Datetime;
use fanjet_log::Origin;

/// Unix microseconds. Every hop may have its own clock, so a single one proves little: see [`RecentTimes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FrameTime(i64);

impl FrameTime {
    /// Before all others.
    pub(crate) const MIN: Self = Self(i64::MIN);

    pub(crate) fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub(crate) fn micros(self) -> i64 {
        self.0
    }

    /// `None` for a time that no calendar has.
    pub(crate) fn of<S: AsRef<str>>(time: &Datetime<S>) -> Option<Self> {
        time.unix_us().map(Self)
    }

    pub(crate) fn before(self, span: Duration) -> Self {
        let span = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(span))
    }
}

/// The middle one of the newest few times: single wrong clocks do not move it.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecentTimes {
    times: [Option<FrameTime>; Self::KEPT],
    next: usize,
}

impl RecentTimes {
    /// How many times are looked at.
    pub(crate) const KEPT: usize = 15;

    pub(crate) fn add(&mut self, time: FrameTime) {
        self.times[self.next] = Some(time);
        self.next = (self.next + 1) % Self::KEPT;
    }

    /// Adds an event's time, if it is one.
    pub(crate) fn add_of(&mut self, origin: &Origin) {
        if let Some(time) = FrameTime::of(&origin.time) {
            self.add(time);
        }
    }

    /// Whether as many are there as are looked at.
    pub(crate) fn is_full(&self) -> bool {
        self.times.iter().all(Option::is_some)
    }

    /// `None` when there is no time yet.
    pub(crate) fn middle(&self) -> Option<FrameTime> {
        middle(self.times.iter().flatten().copied())
    }
}

/// The lower middle of the first few times.
pub(crate) fn middle(times: impl IntoIterator<Item = FrameTime>) -> Option<FrameTime> {
    let mut times: Vec<_> = times.into_iter().take(RecentTimes::KEPT).collect();
    times.sort_unstable();
    times.get(times.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests;
