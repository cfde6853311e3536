//! The times that upstreams write into their frames. Upstreams with different numbering share them.

use std::time::Duration;

use fanjet_event::Datetime;
use fanjet_log::Origin;

/// Unix microseconds. Each hop may have its own clock, so a single time proves little: see [`RecentTimes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FrameTime(i64);

impl FrameTime {
    /// Earlier than every other time.
    pub(crate) const MIN: Self = Self(i64::MIN);

    pub(crate) fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub(crate) fn micros(self) -> i64 {
        self.0
    }

    /// Returns `None` for a time outside the calendar.
    pub(crate) fn of<S: AsRef<str>>(time: &Datetime<S>) -> Option<Self> {
        time.unix_us().map(Self)
    }

    pub(crate) fn before(self, span: Duration) -> Self {
        let span = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(span))
    }
}

/// The median of the most recent times, so that a single wrong clock does not move it.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecentTimes {
    times: [Option<FrameTime>; Self::KEPT],
    next: usize,
}

impl RecentTimes {
    /// How many times the median covers.
    pub(crate) const KEPT: usize = 15;

    pub(crate) fn add(&mut self, time: FrameTime) {
        self.times[self.next] = Some(time);
        self.next = (self.next + 1) % Self::KEPT;
    }

    /// Adds an event's time, if it has one.
    pub(crate) fn add_of(&mut self, origin: &Origin) {
        if let Some(time) = FrameTime::of(&origin.time) {
            self.add(time);
        }
    }

    /// Whether the window is full.
    pub(crate) fn is_full(&self) -> bool {
        self.times.iter().all(Option::is_some)
    }

    /// Returns `None` before the first time.
    pub(crate) fn middle(&self) -> Option<FrameTime> {
        middle(self.times.iter().flatten().copied())
    }
}

/// The lower median of the first few times.
pub(crate) fn middle(times: impl IntoIterator<Item = FrameTime>) -> Option<FrameTime> {
    let mut times: Vec<_> = times.into_iter().take(RecentTimes::KEPT).collect();
    times.sort_unstable();
    times.get(times.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests;
