//! Recently read pages, bounded by bytes; the least recently used is evicted first.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use fanjet_log::{Selection, Seq};

use super::Page;

/// The overhead of a page: pages without events are worth caching too.
const PER_PAGE: usize = 512;

/// Pages by selection and first seq. They may overlap.
#[derive(Debug)]
pub(crate) struct Cache {
    pages: BTreeMap<(Selection, Seq), Cached>,
    /// The order of use.
    uses: BTreeMap<u64, (Selection, Seq)>,
    last_use: u64,
    bytes: usize,
    max_bytes: usize,
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
            uses: BTreeMap::new(),
            last_use: 0,
            bytes: 0,
            max_bytes,
        }
    }

    /// The page that has everything selected at `seq`.
    pub(crate) fn get(&mut self, selection: &Selection, seq: Seq) -> Option<Arc<Page>> {
        let asked = (selection.clone(), seq);
        let (key, cached) = self.pages.range_mut(..=asked).next_back()?;
        if key.0 != *selection || !cached.page.covers(seq) {
            return None;
        }
        self.last_use += 1;
        self.uses.remove(&cached.used);
        self.uses.insert(self.last_use, key.clone());
        cached.used = self.last_use;
        Some(Arc::clone(&cached.page))
    }

    /// Whether a page covers `seq`. Does not count as a use.
    pub(crate) fn covers(&self, selection: &Selection, seq: Seq) -> bool {
        let nearest = self.pages.range(..=(selection.clone(), seq)).next_back();
        nearest.is_some_and(|(key, cached)| key.0 == *selection && cached.page.covers(seq))
    }

    /// The start of the next page after `seq`, where a load from `seq` may stop.
    pub(crate) fn next_start(&self, selection: &Selection, seq: Seq) -> Option<Seq> {
        let behind = (Bound::Excluded((selection.clone(), seq)), Bound::Unbounded);
        let ((selected, start), _) = self.pages.range(behind).next()?;
        (selected == selection).then_some(*start)
    }

    /// Caches a page and evicts others for it. A page larger than the cache is not kept.
    pub(crate) fn insert(&mut self, selection: Selection, page: Arc<Page>) {
        let weight = page.weight() + PER_PAGE;
        if page.next <= page.complete_from || weight > self.max_bytes {
            return;
        }
        self.last_use += 1;
        let key = (selection, page.complete_from);
        let used = self.last_use;
        self.uses.insert(used, key.clone());
        self.bytes += weight;
        if let Some(replaced) = self.pages.insert(key, Cached { page, weight, used }) {
            self.bytes -= replaced.weight;
            self.uses.remove(&replaced.used);
        }
        drop(self.trim(0));
    }

    /// Evicts the least recently used pages until the rest fits together with `encoded` bytes of frames encoded on demand.
    pub(crate) fn trim(&mut self, mut encoded: usize) -> Vec<Arc<Page>> {
        let mut forgotten = Vec::new();
        while self.bytes + encoded > self.max_bytes
            && let Some((_, oldest)) = self.uses.pop_first()
        {
            if let Some(Cached { page, weight, .. }) = self.pages.remove(&oldest) {
                self.bytes -= weight;
                encoded = encoded.saturating_sub(page.encoded_weight());
                forgotten.push(page);
            }
        }
        forgotten
    }

    /// Bytes of pages, without frames encoded on demand.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests;
