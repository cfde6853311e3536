//! Detects events that were returned before. Pure.
//!
//! Invariant: over any number of connections to servers with one history, each event behind the start is admitted once.
//! Cursors are inclusive, so a connection repeats the event that it resumes at. Events are identified by a hash of
//! their text, because several may have the same time, and only some of them may have arrived.

use std::hash::{BuildHasher, RandomState};

/// Events of one time that are distinguished. No server has more.
const KEPT: usize = 1 << 10;

/// How far a client has read.
#[derive(Debug, Clone)]
pub(crate) struct ResumePoint {
    /// The requested cursor.
    start: Option<u64>,
    /// The time of the last admitted event, and the hashes of all events admitted with that time.
    last: Option<u64>,
    at_last: Vec<u64>,
    /// Every event with that time was processed.
    is_all_of_last: bool,
    /// The time that this connection resumes at.
    resumed_at: Option<u64>,
    key: RandomState,
}

impl ResumePoint {
    pub(crate) fn at(start: Option<u64>) -> Self {
        Self {
            start,
            last: None,
            at_last: Vec::new(),
            is_all_of_last: false,
            resumed_at: None,
            key: RandomState::new(),
        }
    }

    /// Everything up to this time was processed, by an earlier run.
    pub(crate) fn behind(time_us: u64) -> Self {
        Self {
            last: Some(time_us),
            is_all_of_last: true,
            ..Self::at(None)
        }
    }

    /// The cursor of the next connection.
    pub(crate) fn connect(&mut self) -> Option<u64> {
        self.resumed_at = self.last;
        self.last.or(self.start)
    }

    /// Whether an event is new.
    pub(crate) fn admit(&mut self, time_us: u64, json: &[u8]) -> bool {
        let hash = self.key.hash_one(json);
        let is_old = match self.resumed_at {
            None => false,
            Some(resumed) if time_us == resumed => {
                self.last == Some(resumed) && (self.is_all_of_last || self.at_last.contains(&hash))
            }
            Some(resumed) => time_us < resumed,
        };
        if is_old {
            return false;
        }
        if self.last != Some(time_us) {
            self.begin(time_us);
        }
        if self.at_last.len() < KEPT {
            self.at_last.push(hash);
        }
        true
    }

    /// Moves past an event that could not be read.
    pub(crate) fn skip(&mut self, time_us: u64) {
        if self.last.is_none_or(|last| last < time_us) {
            self.begin(time_us);
        }
    }

    fn begin(&mut self, time_us: u64) {
        self.last = Some(time_us);
        self.at_last.clear();
        self.is_all_of_last = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_event_resumed_at_and_older_ones_are_not_new() {
        let mut position = ResumePoint::at(Some(7));
        assert_eq!(position.connect(), Some(7));
        assert!(position.admit(100, b"a") && position.admit(101, b"b"));
        assert_eq!(position.connect(), Some(101));
        assert!(!position.admit(100, b"a") && !position.admit(101, b"b"));
        assert!(position.admit(101, b"another of that time"));
        assert!(position.admit(102, b"c"));
        assert_eq!(position.connect(), Some(102));
        assert!(!position.admit(102, b"c"));
    }

    #[test]
    fn without_an_event_the_start_is_asked_for_again() {
        let mut position = ResumePoint::at(None);
        assert_eq!((position.connect(), position.connect()), (None, None));
        let mut position = ResumePoint::at(Some(7));
        position.connect();
        assert_eq!(position.connect(), Some(7));
        assert!(
            position.admit(3, b"a"),
            "a seq cursor says nothing about times"
        );
    }

    #[test]
    fn a_restarted_client_gets_later_events_only() {
        let mut position = ResumePoint::behind(50);
        for _ in 0..2 {
            assert_eq!(position.connect(), Some(50));
            assert!(!position.admit(49, b"a") && !position.admit(50, b"b"));
        }
        assert!(position.admit(51, b"c"));
        assert_eq!(position.connect(), Some(51));
        assert!(position.admit(51, b"d"));
    }

    #[test]
    fn a_skipped_event_is_not_requested_again() {
        let mut position = ResumePoint::at(None);
        position.connect();
        assert!(position.admit(5, b"a"));
        position.skip(9);
        position.skip(8);
        assert_eq!(position.connect(), Some(9));
        assert!(position.admit(10, b"b"));
    }

    proptest! {
        /// Whatever the times, and wherever connections end: each event once, in order.
        #[test]
        fn each_event_is_admitted_once(
            steps in prop::collection::vec(0u64..3, 1..60),
            cuts in prop::collection::vec(0usize..12, 0..20),
        ) {
            let mut time = 100;
            let history: Vec<_> = steps
                .iter()
                .enumerate()
                .map(|(n, step)| { time += step; (time, format!("{time} {n}")) })
                .collect();
            let mut position = ResumePoint::at(Some(0));
            let mut admitted = Vec::new();
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let cursor = position.connect().unwrap();
                let served = history.iter().filter(|(time, _)| *time >= cursor);
                for (time, json) in served.take(cut) {
                    if position.admit(*time, json.as_bytes()) {
                        admitted.push(json.clone());
                    }
                }
            }
            let expected: Vec<_> = history.iter().map(|(_, json)| json.clone()).collect();
            prop_assert_eq!(admitted, expected);
        }
    }
}
