//! Compares a log with the oracle, event by event, and says how each difference is to be called.

use std::collections::HashMap;
use std::fmt;

use anyhow::Result;
use fanjet_log::{EventLog, ReadLimit, Selection};
use fanjet_testkit::corpus::compare;

use super::oracle::{Expected, Key};

const PAGE: ReadLimit = ReadLimit {
    entries: 10_000,
    bytes: 16 << 20,
};

/// How many differences are printed in full.
const SHOWN: u64 = 5;

/// What a log is worth.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Verdict {
    /// Events of the oracle.
    pub(crate) events: u64,
    /// Of the oracle, but not in the log.
    pub(crate) missing: u64,
    /// In the log more than once.
    pub(crate) repeated: u64,
    /// Behind an event that they stand before in the oracle, or with a log time that does not rise.
    pub(crate) reordered: u64,
    /// Not of the oracle, or not byte for byte.
    pub(crate) differ: u64,
}

/// Reads the whole log; what it is worth, and the time of each event in it.
pub(crate) async fn judge_log(
    log: &dyn EventLog,
    expected: &[Expected],
) -> Result<(Verdict, HashMap<Key, u64>)> {
    let mut judge = Judge::new(expected);
    let mut times = HashMap::new();
    let mut from = 0;
    loop {
        let page = log.read(from, &Selection::All, PAGE).await?;
        for entry in &page.entries {
            let key = (entry.origin.relay_seq, entry.origin.op_index);
            let time = entry.time()?.get();
            judge.see(key, time, std::str::from_utf8(&entry.body)?);
            times.insert(key, time);
        }
        from = page.next;
        if page.at_end {
            return Ok((judge.finish(), times));
        }
    }
}

/// Sees the log's events in the log's order.
pub(crate) struct Judge<'a> {
    expected: &'a [Expected],
    places: HashMap<Key, usize>,
    was_seen: Vec<bool>,
    /// The furthest place in the oracle so far.
    furthest: Option<usize>,
    last_time: u64,
    verdict: Verdict,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(expected: &'a [Expected]) -> Self {
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
            verdict: Verdict {
                events: expected.len() as u64,
                ..Verdict::default()
            },
        }
    }

    /// Judges the next event.
    pub(crate) fn see(&mut self, key: Key, time_us: u64, json: &str) {
        let rises = time_us > self.last_time;
        self.last_time = self.last_time.max(time_us);
        let Some(&place) = self.places.get(&key) else {
            self.verdict.differ += 1;
            return self.show(format_args!("{key:?} is not of the oracle"));
        };
        if std::mem::replace(&mut self.was_seen[place], true) {
            self.verdict.repeated += 1;
            return self.show(format_args!("{key:?} is repeated"));
        }
        if !rises || self.furthest.is_some_and(|furthest| place < furthest) {
            self.verdict.reordered += 1;
            self.show(format_args!(
                "{key:?} stands too late, or its time is not above the last"
            ));
        }
        self.furthest = self.furthest.max(Some(place));
        if let Some(v1) = &self.expected[place].v1
            && let Err(difference) = compare(v1, json)
        {
            self.verdict.differ += 1;
            self.show(format_args!("{key:?}: {difference:#}"));
        }
    }

    pub(crate) fn finish(mut self) -> Verdict {
        let unseen = self.was_seen.iter().zip(self.expected);
        let missing: Vec<_> = unseen
            .filter(|(was_seen, _)| !**was_seen)
            .map(|(_, event)| event.key())
            .collect();
        self.verdict.missing = missing.len() as u64;
        for key in missing.iter().take(SHOWN as usize) {
            println!("{key:?} is missing");
        }
        self.verdict
    }

    fn show(&self, difference: fmt::Arguments<'_>) {
        let Verdict {
            repeated,
            reordered,
            differ,
            ..
        } = self.verdict;
        if repeated + reordered + differ <= SHOWN {
            println!("{difference}");
        }
    }
}

impl Verdict {
    /// Adds the counts of another one.
    pub(crate) fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.missing += other.missing;
        self.repeated += other.repeated;
        self.reordered += other.reordered;
        self.differ += other.differ;
    }

    /// Whether the log is the oracle's.
    pub(crate) fn is_clean(&self) -> bool {
        self.missing + self.repeated + self.reordered + self.differ == 0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} events, {} missing, {} repeated, {} reordered, {} differ",
            self.events, self.missing, self.repeated, self.reordered, self.differ
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(rkey: u32, time_us: u64) -> String {
        format!(r#"{{"did":"did:plc:x","time_us":{time_us},"rkey":"{rkey}"}}"#)
    }

    fn oracle() -> Vec<Expected> {
        let line = |seq: u64, v1: &str| {
            format!(r#"{{"relay_seq":{seq},"op_index":0,"op_count":1,"v1":{v1}}}"#)
        };
        let quoted = |rkey| serde_json::to_string(&json(rkey, 0)).unwrap();
        let lines = [line(1, &quoted(1)), line(2, "null"), line(3, &quoted(3))];
        lines
            .map(|line| serde_json::from_str(&line).unwrap())
            .to_vec()
    }

    /// The verdict on a log of (relay seq, log time, rkey); with counts of the four faults.
    fn judged(log: &[(u64, u64, u32)]) -> [u64; 4] {
        let oracle = oracle();
        let mut judge = Judge::new(&oracle);
        for &(seq, time_us, rkey) in log {
            judge.see((seq, 0), time_us, &json(rkey, time_us));
        }
        let verdict = judge.finish();
        let faults = [
            verdict.missing,
            verdict.repeated,
            verdict.reordered,
            verdict.differ,
        ];
        assert_eq!(verdict.is_clean(), faults == [0; 4]);
        faults
    }

    #[test]
    fn every_difference_has_its_name() {
        assert_eq!(judged(&[(1, 10, 1), (2, 11, 0), (3, 12, 3)]), [0, 0, 0, 0]);
        assert_eq!(judged(&[(1, 10, 1), (3, 12, 3)]), [1, 0, 0, 0]);
        assert_eq!(
            judged(&[(1, 10, 1), (2, 11, 0), (2, 12, 0), (3, 13, 3)]),
            [0, 1, 0, 0]
        );
        assert_eq!(judged(&[(2, 10, 0), (1, 11, 1), (3, 12, 3)]), [0, 0, 1, 0]);
        assert_eq!(judged(&[(1, 10, 1), (2, 10, 0), (3, 12, 3)]), [0, 0, 1, 0]);
        assert_eq!(judged(&[(1, 10, 9), (2, 11, 0), (3, 12, 3)]), [0, 0, 0, 1]);
        assert_eq!(
            judged(&[(1, 10, 1), (2, 11, 0), (3, 12, 3), (7, 13, 7)]),
            [0, 0, 0, 1]
        );
        assert_eq!(judged(&[]), [3, 0, 0, 0]);
    }
}
