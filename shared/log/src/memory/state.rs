//! The entries and all queries on them. Pure: no lock, no waiting.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use fanjet_event::TimeUs;

use super::options::MemoryOptions;
use crate::{Bounds, Entry, LogError, LogIdentity, NewEvent, Page, ReadLimit, Selection, Seq};

#[derive(Debug)]
pub(super) struct State {
    pub(super) identity: LogIdentity,
    /// Contiguous; the last one has seq `last`.
    entries: VecDeque<Entry>,
    /// Kept when everything has expired.
    last: Seq,
    bytes: usize,
}

impl State {
    /// An empty log whose identity is unique in this process.
    pub(super) fn beginning_at(first: Seq) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        Self {
            identity: LogIdentity::new(0, MADE.fetch_add(1, Ordering::Relaxed)),
            entries: VecDeque::new(),
            last: first.saturating_sub(1),
            bytes: 0,
        }
    }

    /// Checks that this is the log that a reader started with.
    pub(super) fn check_identity(&self, expected: LogIdentity) -> Result<(), LogError> {
        if self.identity == expected {
            return Ok(());
        }
        Err(LogError::Replaced {
            expected,
            found: self.identity,
        })
    }

    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            first: self.last + 1 - self.entries.len() as Seq,
            last: self.last,
        }
    }

    pub(super) fn last(&self) -> Option<&Entry> {
        self.entries.back()
    }

    pub(super) fn push(&mut self, event: &NewEvent, options: &MemoryOptions) {
        self.last += 1;
        self.bytes += event.body.len();
        self.entries.push_back(Entry {
            seq: self.last,
            topic: event.topic.clone(),
            origin: event.origin.clone(),
            body: event.body.clone(),
            trace: event.trace,
        });
        while self.entries.len() > 1
            && (self.entries.len() > options.max_entries || self.bytes > options.max_bytes)
        {
            self.forget_oldest();
        }
    }

    pub(super) fn expire(&mut self, seq: Seq) {
        while self.entries.front().is_some_and(|entry| entry.seq <= seq) {
            self.forget_oldest();
        }
    }

    pub(super) fn lose_behind(&mut self, seq: Seq) {
        while let Some(newest) = self.entries.pop_back_if(|entry| entry.seq > seq) {
            self.bytes -= newest.body.len();
        }
        self.last = self.last.min(seq);
    }

    /// One page that scans at most `scan` entries.
    pub(super) fn read(
        &self,
        from: Seq,
        selection: &Selection,
        limit: ReadLimit,
        scan: usize,
    ) -> Page {
        let bounds = self.bounds();
        let start = from.max(bounds.first);
        let mut page = Page {
            entries: Vec::new(),
            next: start,
            at_end: false,
        };
        let mut bytes = 0;
        // A start beyond the end skips everything, also where usize is smaller than a seq.
        let skipped = usize::try_from(start - bounds.first).unwrap_or(usize::MAX);
        for entry in self.entries.iter().skip(skipped).take(scan.max(1)) {
            if selection.matches(&entry.topic) {
                let is_full = page.entries.len() >= limit.entries.max(1)
                    || (!page.entries.is_empty() && bytes + entry.body.len() > limit.bytes);
                if is_full {
                    break;
                }
                bytes += entry.body.len();
                page.entries.push(entry.clone());
            }
            page.next = entry.seq + 1;
        }
        page.at_end = page.next > bounds.last;
        page
    }

    pub(super) fn seq_at(&self, time: TimeUs) -> Result<Seq, LogError> {
        let (mut low, mut high) = (0, self.entries.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.entries[middle].time()? < time {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(self.bounds().first + low as Seq)
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.entries.pop_front() {
            self.bytes -= oldest.body.len();
        }
    }
}
