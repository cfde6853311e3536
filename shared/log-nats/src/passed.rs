//! Seqs of the stream that hold no event, and that readers skip: messages of other publishers, and what an operator
//! deleted. Nothing is skipped silently: each seq is counted once, and logged.

use std::ops::Range;

use fanjet_log::{Seq, SkippedSeqs};
use parking_lot::Mutex;
use tracing::warn;

use crate::stretches::Stretches;

/// What the readers of one connection have skipped.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    foreign: Mutex<Kind>,
    deleted: Mutex<Kind>,
}

#[derive(Debug, Default)]
struct Kind {
    /// Where stretches had to be forgotten it is no count of places any more.
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
                "skipping messages of other publishers in the stream"
            );
        }
    }

    /// Messages that the server does not have any more, although it has older ones.
    pub(crate) fn deleted(&self, places: Range<Seq>) {
        let (from, to) = (places.start, places.end - 1);
        if let Some(deleted) = self.deleted.lock().note(places) {
            warn!(
                from,
                to, deleted, "skipping messages that were deleted from the stream"
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

#[cfg(test)]
mod tests;
