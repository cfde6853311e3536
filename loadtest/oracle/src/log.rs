//! Compares a log with the expected events, one by one, and classifies each difference.

use std::collections::HashMap;

use crate::expected::{Expected, Key};
use crate::text::compare;
use crate::verdict::Verdict;

/// Checks the log's events in the log's order.
#[derive(Debug)]
pub struct LogJudge<'a> {
    expected: &'a [Expected],
    places: HashMap<Key, usize>,
    was_seen: Vec<bool>,
    /// The furthest position among the expected events so far.
    furthest: Option<usize>,
    last_time: u64,
    verdict: Verdict,
}

impl<'a> LogJudge<'a> {
    /// Checks against a complete list of expected events.
    pub fn new(expected: &'a [Expected]) -> Self {
        let places = expected
            .iter()
            .enumerate()
            .map(|(place, event)| (event.key(), place));
        Self {
            expected,
            places: places.collect(),
            was_seen: vec![false; expected.len()],
            furthest: None,
            last_time: 0,
            verdict: Verdict::default(),
        }
    }

    /// Checks the next event.
    pub fn see(&mut self, key: Key, time_us: u64, json: &str) {
        self.verdict.events += 1;
        let rises = time_us > self.last_time;
        self.last_time = self.last_time.max(time_us);
        let Some(&place) = self.places.get(&key) else {
            self.verdict.differ += 1;
            return self.verdict.object(|| format!("{key:?} is unexpected"));
        };
        if std::mem::replace(&mut self.was_seen[place], true) {
            self.verdict.repeated += 1;
            return self.verdict.object(|| format!("{key:?} is repeated"));
        }
        if !rises || self.furthest.is_some_and(|furthest| place < furthest) {
            self.verdict.reordered += 1;
            self.verdict
                .object(|| format!("{key:?} is too late, or its time is not above the last"));
        }
        self.furthest = self.furthest.max(Some(place));
        if let Some(v1) = &self.expected[place].v1
            && let Err(difference) = compare(v1, json)
        {
            self.verdict.differ += 1;
            self.verdict.object(|| format!("{key:?}: {difference:#}"));
        }
    }

    /// The log ends here.
    pub fn finish(mut self) -> Verdict {
        let unseen = self.was_seen.iter().zip(self.expected);
        let missing: Vec<_> = unseen
            .filter(|(was_seen, _)| !**was_seen)
            .map(|(_, event)| event.key())
            .collect();
        self.verdict.missing = missing.len() as u64;
        for key in missing {
            self.verdict.object(|| format!("{key:?} is missing"));
        }
        self.verdict
    }
}

#[cfg(test)]
mod tests;
