//! Whether log times run ahead of the clock. Pure; the clock is an argument.
//!
//! Log times never go back. A clock that was far ahead for a while therefore leaves a mark: until real time reaches the
//! same point, events are stamped one microsecond apart, however much time passes between them. No event is lost, but
//! the times are meaningless, and that must not go unreported.

use fanjet_event::TimeUs;

/// Up to this many microseconds ahead, the clock is not considered wrong: the events of one batch can get this far
/// ahead, and time daemons correct small errors.
const TOLERATED_US: u64 = 1_000_000;

/// What is worth a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AheadChange {
    /// Log times have started to run ahead.
    Began,
    /// The clock has caught up.
    Ended,
}

/// How far log times are ahead.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    is_ahead: bool,
}

impl Ahead {
    /// Returns how many microseconds the newest log time is ahead (0 when within tolerance), and what changed.
    pub(crate) fn observe(
        &mut self,
        last: Option<TimeUs>,
        now_us: u64,
    ) -> (u64, Option<AheadChange>) {
        let by_us = last.map_or(0, |last| last.get().saturating_sub(now_us));
        let is_ahead = by_us > TOLERATED_US;
        let news = match (self.is_ahead, is_ahead) {
            (false, true) => Some(AheadChange::Began),
            (true, false) => Some(AheadChange::Ended),
            _ => None,
        };
        self.is_ahead = is_ahead;
        (if is_ahead { by_us } else { 0 }, news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_and_the_end_are_reported() {
        let mut ahead = Ahead::default();
        let last = TimeUs::new(1_780_000_000_000_000).unwrap();
        let mut observe = |behind_us: u64| ahead.observe(Some(last), last.get() - behind_us);
        assert_eq!(observe(0), (0, None));
        assert_eq!(observe(TOLERATED_US), (0, None));
        assert_eq!(observe(5_000_000), (5_000_000, Some(AheadChange::Began)));
        assert_eq!(observe(4_000_000), (4_000_000, None));
        assert_eq!(observe(3), (0, Some(AheadChange::Ended)));
        assert_eq!(ahead.observe(None, 0), (0, None));
    }
}
