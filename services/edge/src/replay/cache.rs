//! Pages that were read lately, bounded by bytes; the least lately used goes first.

use std::collections::BTreeMap;
use std::sync::Arc;

use fanjet_log::Seq;

use super::Page;

/// Pages of the whole log by where they begin. They may overlap: each is true by itself.
#[derive(Debug)]
pub(crate) struct Cache {
    pages: BTreeMap<Seq, Cached>,
    bytes: usize,
    max_bytes: usize,
    uses: u64,
}

#[derive(Debug)]
struct Cached {
    page: Arc<Page>,
    weight: usize,
    used: u64,
}

impl Cache {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            pages: BTreeMap::new(),
            bytes: 0,
            max_bytes,
            uses: 0,
        }
    }

    /// The page that has everything at `seq`.
    pub(crate) fn get(&mut self, seq: Seq) -> Option<Arc<Page>> {
        let (_, cached) = self.pages.range_mut(..=seq).next_back()?;
        if !cached.page.covers(seq) {
            return None;
        }
        self.uses += 1;
        cached.used = self.uses;
        Some(Arc::clone(&cached.page))
    }

    /// Whether there is a page for `seq`. Asking is not using.
    pub(crate) fn covers(&self, seq: Seq) -> bool {
        let nearest = self.pages.range(..=seq).next_back();
        nearest.is_some_and(|(_, cached)| cached.page.covers(seq))
    }

    /// Where the next page behind `seq` begins: a load from `seq` need not go further.
    pub(crate) fn next_start(&self, seq: Seq) -> Option<Seq> {
        self.pages.range(seq + 1..).next().map(|(&start, _)| start)
    }

    /// Keeps a page, and forgets others for it. One that is larger than everything allowed is not kept.
    pub(crate) fn insert(&mut self, page: Arc<Page>) {
        let weight = page.weight();
        if page.next <= page.complete_from || weight > self.max_bytes {
            return;
        }
        self.uses += 1;
        let start = page.complete_from;
        let used = self.uses;
        let replaced = self.pages.insert(start, Cached { page, weight, used });
        self.bytes += weight;
        self.bytes -= replaced.map_or(0, |cached| cached.weight);
        while self.bytes > self.max_bytes {
            let Some(oldest) = self.least_lately_used() else {
                return;
            };
            self.bytes -= self.pages.remove(&oldest).map_or(0, |cached| cached.weight);
        }
    }

    /// Bytes that are held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn least_lately_used(&self) -> Option<Seq> {
        let by_use = self.pages.iter().min_by_key(|(_, cached)| cached.used);
        by_use.map(|(&start, _)| start)
    }
}

#[cfg(test)]
mod tests;
