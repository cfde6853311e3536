//! A short stretch of the log, ready to be sent.

use std::sync::Arc;

use fanjet_log::Seq;

use crate::tail::Entry;

/// Consecutive events, shared by all who replay them.
#[derive(Debug)]
pub struct Page {
    /// The events, in order: all from `complete_from` on that the load selected.
    pub entries: Vec<Arc<Entry>>,
    /// The first position that the page speaks for; what was before had expired when it was read.
    pub complete_from: Seq,
    /// The position behind it.
    pub next: Seq,
}

impl Page {
    /// Whether it has everything that there is at `seq`.
    pub fn covers(&self, seq: Seq) -> bool {
        (self.complete_from..self.next).contains(&seq)
    }

    /// The memory it takes in bytes.
    pub fn weight(&self) -> usize {
        self.entries.iter().map(|entry| entry.weight()).sum()
    }
}
