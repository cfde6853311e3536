//! Places of the stream that hold no event, and that readers pass over: what somebody else published, and what an operator
//! deleted. Nothing is passed over without a word: each place is counted once, and the log tells of them.

use std::collections::BTreeMap;
use std::ops::Range;

use fanjet_log::{Seq, SkippedSeqs};
use parking_lot::Mutex;
use tracing::warn;

/// So many stretches are remembered as counted; with more of them the counts are no counts of places any more.
const MAX_STRETCHES: usize = 1024;

/// What the readers of one connection have passed over.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    foreign: Mutex<Kind>,
    deleted: Mutex<Kind>,
}

#[derive(Debug, Default)]
struct Kind {
    count: u64,
    known: Stretches,
}

impl Passed {
    /// A message that this program never wrote.
    pub(crate) fn foreign(&self, seq: Seq, subject: &str) {
        if let Some(foreign) = self.foreign.lock().note(seq..seq + 1) {
            warn!(
                seq,
                ?subject,
                foreign,
                "passing over messages that somebody else published into the stream"
            );
        }
    }

    /// Messages that the server does not have any more, although it has older ones.
    pub(crate) fn deleted(&self, places: Range<Seq>) {
        let (from, to) = (places.start, places.end - 1);
        if let Some(deleted) = self.deleted.lock().note(places) {
            warn!(
                from,
                to, deleted, "passing over messages that were deleted from the stream"
            );
        }
    }

    pub(crate) fn count(&self) -> SkippedSeqs {
        SkippedSeqs {
            foreign: self.foreign.lock().count,
            deleted: self.deleted.lock().count,
        }
    }
}

impl Kind {
    /// Counts what is new; the count, if anything is.
    fn note(&mut self, places: Range<Seq>) -> Option<u64> {
        let new = self.known.add(places);
        self.count += new;
        (new > 0).then_some(self.count)
    }
}

/// Ranges of seqs that do not touch each other: their ends by their starts.
#[derive(Debug, Default)]
struct Stretches(BTreeMap<Seq, Seq>);

impl Stretches {
    /// Adds a range; returns how much of it is new.
    fn add(&mut self, places: Range<Seq>) -> u64 {
        let Range { mut start, mut end } = places;
        let mut new = end.saturating_sub(start);
        if new == 0 {
            return 0;
        }
        let touching: Vec<_> = self
            .0
            .range(..=end)
            .rev()
            .take_while(|(_, known_end)| **known_end >= start)
            .map(|(known_start, known_end)| (*known_start, *known_end))
            .collect();
        for (known_start, known_end) in touching {
            new -= known_end
                .min(end)
                .saturating_sub(known_start.max(start))
                .min(new);
            self.0.remove(&known_start);
            start = start.min(known_start);
            end = end.max(known_end);
        }
        if self.0.len() >= MAX_STRETCHES {
            self.0.clear();
        }
        self.0.insert(start, end);
        new
    }
}

#[cfg(test)]
mod tests;
