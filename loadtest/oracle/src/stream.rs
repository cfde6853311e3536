//! Checks one stream event by event: from exactly its start, everything that its filter matches, once, in order.
//!
//! A new filter takes effect at some event that the client does not know. Every event that arrives, and every one that
//! does not, narrows the range of that event down: `lo..=hi`. When the range is empty, something is missing.

mod wanted;

use std::collections::BTreeSet;
use std::sync::Arc;

use wanted::Wanted;

use crate::filter::Filter;
use crate::ledger::Ledger;
use crate::verdict::Verdict;

/// How many missing events are remembered, to detect them when they arrive late.
const MAX_SKIPPED: usize = 10_000;

/// Where a stream must start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the first matching event from this index on.
    At(usize),
    /// At the first event that is not earlier.
    Time(u64),
    /// Anywhere, but with every event appended after this time.
    Live {
        /// When the subscription was active.
        from_us: u64,
    },
}

/// The result for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It was checked; this is its index, if it is in the ledger.
    Judged(Option<usize>),
    /// The ledger does not contain it yet. Retry later.
    NotYet,
}

/// The check of one stream.
#[derive(Debug)]
pub struct StreamJudge {
    ledger: Arc<Ledger>,
    start: Start,
    filter: Wanted,
    change: Option<Change>,
    /// The index behind the last event that arrived.
    position: usize,
    first_time: u64,
    last_time: u64,
    skipped: BTreeSet<usize>,
    verdict: Verdict,
}

/// A filter that is being replaced.
#[derive(Debug)]
struct Change {
    filter: Wanted,
    /// It takes effect at one of these.
    lo: usize,
    hi: usize,
    /// When it was known to be in effect.
    obeyed_us: u64,
}

impl StreamJudge {
    /// Checks against the events of the ledger that the filter matches.
    pub fn new(ledger: Arc<Ledger>, filter: &Filter, start: Start) -> Self {
        let position = match start {
            Start::At(index) => index,
            Start::Time(_) | Start::Live { .. } => 0,
        };
        Self {
            filter: Wanted::new(filter, Arc::clone(&ledger)),
            ledger,
            start,
            change: None,
            position,
            first_time: 0,
            last_time: 0,
            skipped: BTreeSet::new(),
            verdict: Verdict::default(),
        }
    }

    /// The client requested another filter.
    pub fn replace(&mut self, filter: &Filter) {
        self.change = Some(Change {
            filter: Wanted::new(filter, Arc::clone(&self.ledger)),
            lo: self.position,
            hi: usize::MAX,
            obeyed_us: u64::MAX,
        });
    }

    /// The server has responded to a message sent after the new filter: later events follow the new filter.
    pub fn replaced(&mut self, now_us: u64) {
        if let Some(change) = &mut self.change {
            change.obeyed_us = change.obeyed_us.min(now_us);
        }
    }

    /// Whether a filter is being replaced.
    pub fn is_changing(&self) -> bool {
        self.change.is_some()
    }

    /// Checks the next event.
    pub fn see(&mut self, json: &[u8]) -> Seen {
        let Some((hash, time)) = self.ledger.read(json) else {
            self.verdict.differ += 1;
            self.complain(json, "no time_us");
            return Seen::Judged(None);
        };
        if !self.begin(Some(hash)) {
            return Seen::NotYet;
        }
        let found = match self.expect(hash, time) {
            Expectation::Met(index) => index,
            Expectation::Unknown => return Seen::NotYet,
            Expectation::Failed => {
                let found = self.classify(hash, json);
                self.verdict.events += 1;
                self.last_time = self.last_time.max(time);
                return Seen::Judged(found);
            }
        };
        self.verdict.events += 1;
        self.position = found + 1;
        if let Err(other) = self.ledger.settle_time(found, time) {
            self.verdict.differ += 1;
            self.complain(json, &format!("other clients have it at {other}"));
        } else if time <= self.last_time {
            self.verdict.reordered += 1;
            self.complain(json, "time not above the last");
        }
        self.last_time = time;
        if self.first_time == 0 {
            self.first_time = time;
        }
        self.adopt();
        Seen::Judged(Some(found))
    }

    /// An event that must arrive before the stream may end behind index `end`; the ledger must reach that far.
    pub fn due(&mut self, end: usize) -> Option<usize> {
        if !self.begin(None) {
            return None;
        }
        let mut due = None;
        for index in self.position..end {
            let old = self.filter.wants(index);
            let is_due = match &mut self.change {
                None => old,
                Some(change) => {
                    if self.ledger.time_of(index) > change.obeyed_us {
                        change.hi = change.hi.min(index);
                    }
                    let new = change.filter.wants(index);
                    (old && (new || change.lo > index)) || (new && change.hi <= index)
                }
            };
            if is_due {
                due = Some(index);
                break;
            }
        }
        due
    }

    /// The stream ends, although `index` is due.
    pub fn give_up(&mut self, index: usize) {
        self.verdict.missing += 1;
        let ledger = &self.ledger;
        self.verdict.object(|| {
            let text = ledger.text_of(index).unwrap_or_default();
            format!("event {index} is missing: {text}")
        });
    }

    /// The result so far.
    pub fn verdict(&mut self) -> &mut Verdict {
        &mut self.verdict
    }

    /// The index behind the last event that arrived.
    pub fn position(&self) -> usize {
        self.position
    }

    /// The time of the first event; 0: none arrived.
    pub fn first_time(&self) -> u64 {
        self.first_time
    }

    /// The time of the last event.
    pub fn last_time(&self) -> u64 {
        self.last_time
    }

    /// Finds where a stream starts, given its first event if there was one. `false`: not known yet.
    fn begin(&mut self, hash: Option<u64>) -> bool {
        let (Start::Time(from_us) | Start::Live { from_us }) = self.start else {
            return true;
        };
        let owed_from = self.ledger.first_at(from_us);
        if owed_from == self.ledger.timed() {
            return false;
        }
        let first = match self.start {
            Start::Live { .. } => hash.and_then(|hash| self.ledger.find(hash)),
            _ => None,
        };
        let start = first.map_or(owed_from, |first| first.min(owed_from));
        self.position = start;
        self.start = Start::At(start);
        true
    }

    fn expect(&mut self, hash: u64, time: u64) -> Expectation {
        let known = self.ledger.known();
        let (mut lo, mut hi) = match &self.change {
            Some(change) => (change.lo, change.hi),
            None => (0, 0),
        };
        for index in self.position..known {
            let is_it = self.ledger.hash_of(index) == hash;
            let old = self.filter.wants(index);
            let Some(change) = &mut self.change else {
                match (is_it, old) {
                    (true, true) => return Expectation::Met(index),
                    (false, false) => continue,
                    _ => return Expectation::Failed,
                }
            };
            let new = change.filter.wants(index);
            let at = if is_it {
                time
            } else {
                self.ledger.time_of(index)
            };
            if at > change.obeyed_us {
                hi = hi.min(index);
            }
            match (is_it, old, new) {
                (true, false, false) | (false, true, true) => return Expectation::Failed,
                (true, true, true) | (false, false, false) => {}
                // Either only the old filter matches it and it arrived, or only the new one matches it and it did not.
                (true, true, false) | (false, false, true) => lo = lo.max(index + 1),
                (true, false, true) | (false, true, false) => hi = hi.min(index),
            }
            if lo > hi {
                return Expectation::Failed;
            }
            if is_it {
                (change.lo, change.hi) = (lo, hi);
                return Expectation::Met(index);
            }
        }
        Expectation::Unknown
    }

    /// Continues with the new filter alone once it has certainly taken effect.
    fn adopt(&mut self) {
        if let Some(change) = self.change.take_if(|change| change.hi <= self.position) {
            self.filter = change.filter;
        }
    }

    /// Classifies an event that is not the expected one; returns its index.
    fn classify(&mut self, hash: u64, json: &[u8]) -> Option<usize> {
        let found = self.ledger.find(hash);
        let is_wanted = found.is_some_and(|index| {
            let change = self.change.as_mut();
            self.filter.wants(index) || change.is_some_and(|change| change.filter.wants(index))
        });
        match found {
            None => {
                self.verdict.differ += 1;
                let expected = (self.position..self.ledger.known())
                    .find(|&index| self.filter.wants(index))
                    .and_then(|index| self.ledger.text_of(index).ok());
                self.complain(json, &format!("no such event; expected: {expected:?}"));
            }
            Some(index) if !is_wanted => {
                self.verdict.differ += 1;
                self.complain(json, &format!("event {index} does not match the filter"));
            }
            Some(index) if self.skipped.remove(&index) => {
                self.verdict.missing -= 1;
                self.verdict.reordered += 1;
            }
            Some(index) if index < self.position => {
                self.verdict.repeated += 1;
                let position = self.position;
                self.complain(json, &format!("event {index} again, behind {position}"));
            }
            Some(index) => {
                let gap = self.position..index;
                let left_out: Vec<_> = gap.filter(|&it| self.filter.wants(it)).collect();
                // During a change it may match the new filter only.
                self.verdict.missing += left_out.len().max(1) as u64;
                let (position, count) = (self.position, left_out.len());
                let what = format!("event {index} behind {position}, {count} missing before it");
                self.complain(json, &what);
                let room = MAX_SKIPPED.saturating_sub(self.skipped.len());
                self.skipped.extend(left_out.into_iter().take(room));
                self.position = index + 1;
            }
        }
        found
    }

    fn complain(&mut self, json: &[u8], what: &str) {
        let json = String::from_utf8_lossy(json);
        self.verdict.object(|| format!("{what}: {json}"));
    }
}

/// Whether the event is the expected one.
enum Expectation {
    Met(usize),
    Failed,
    Unknown,
}

#[cfg(test)]
mod tests;
