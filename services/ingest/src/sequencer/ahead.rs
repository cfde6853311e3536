//! Whether log times run ahead of the clock. Pure; the clock is an argument.
//!
//! Log times never go back. So a clock that was far ahead for a while leaves its mark: until it has come that far again, events
//! are stamped one microsecond behind each other, whatever time passes between them. Nothing is lost by that, but times
//! say nothing, and what they say is not to be taken for the truth in silence.

use fanjet_event::TimeUs;

/// So many microseconds ahead are no wrong clock: events of one batch may be that many, and daemons mend small errors.
const TOLERATED_US: u64 = 1_000_000;

/// What is worth a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// Log times have begun to run ahead.
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
    /// By how many microseconds the newest log time is ahead, 0 when that is little; and what is new about it.
    pub(crate) fn look(&mut self, last: Option<TimeUs>, now_us: u64) -> (u64, Option<News>) {
        let by_us = last.map_or(0, |last| last.get().saturating_sub(now_us));
        let is_ahead = by_us > TOLERATED_US;
        let news = match (self.is_ahead, is_ahead) {
            (false, true) => Some(News::Began),
            (true, false) => Some(News::Ended),
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
    fn it_is_told_when_it_begins_and_when_it_ends() {
        let mut ahead = Ahead::default();
        let last = TimeUs::new(1_780_000_000_000_000).unwrap();
        let mut look = |behind_us: u64| ahead.look(Some(last), last.get() - behind_us);
        assert_eq!(look(0), (0, None));
        assert_eq!(look(TOLERATED_US), (0, None));
        assert_eq!(look(5_000_000), (5_000_000, Some(News::Began)));
        assert_eq!(look(4_000_000), (4_000_000, None));
        assert_eq!(look(3), (0, Some(News::Ended)));
        assert_eq!(ahead.look(None, 0), (0, None));
    }
}
