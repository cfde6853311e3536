//! The environment of the model's feeds: a log with retention, what the node knows of it, and the shards of one worker.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use fanjet_log::{Selection, Seq};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use parking_lot::Mutex;

use super::*;
use crate::events::commit;
use crate::hub::{Flush, Shard, ShardLimits, Shards, StepOutcome};
use crate::replay::PageRequests;
use crate::tail::{Collections, Entry, Ring, Window};

pub(super) struct Harness {
    ring: Arc<Ring>,
    window: Arc<Window>,
    page_requests: Arc<PageRequests>,
    pub(super) shards: SharedShards,
    now: Instant,
    pub(super) metrics: Metrics,
    collections: Mutex<Collections>,
    pub(super) history: Vec<Arc<Entry>>,
    logged: Vec<fanjet_log::Entry>,
    /// The oldest seq that the log still has.
    pub(super) first: Seq,
}

impl Harness {
    pub(super) fn new(ring_bytes: usize, cache_bytes: usize, max_pending_bytes: usize) -> Self {
        let ring = Arc::new(Ring::new(ring_bytes));
        ring.restart(1, 1);
        let page_requests = Arc::new(PageRequests::new(Arc::clone(&ring), cache_bytes));
        let metrics = Metrics::new(&SdkMeterProvider::default().meter("test"));
        let limits = ShardLimits {
            flush_bytes: 900,
            catch_up_bytes: 500,
            max_pending_bytes,
        };
        let window = Arc::new(Window::default());
        window.begins_at(1);
        let shard = Shard::new(
            Arc::clone(&ring),
            Arc::clone(&page_requests),
            Arc::clone(&window),
            limits,
            metrics.clone(),
        );
        Self {
            ring,
            window,
            page_requests,
            shards: Rc::new(RefCell::new(Shards::new(shard))),
            now: Instant::now(),
            metrics,
            collections: Mutex::new(Collections::new(100)),
            history: Vec::new(),
            logged: Vec::new(),
            first: 1,
        }
    }

    /// Runs a hub step after this time.
    pub(super) fn step(&mut self, flush: Flush, passed: Duration) -> StepOutcome {
        self.now += passed;
        self.shards.borrow_mut().step(flush, self.now)
    }

    /// The position of a member's shard.
    pub(super) fn position_for(&self, member: &Member) -> Seq {
        self.shards.borrow_mut().of(member).position()
    }

    pub(super) fn next(&self) -> Seq {
        self.history.len() as Seq + 1
    }

    pub(super) fn append(&mut self, names: &[usize]) {
        let mut entries = Vec::new();
        for &name in names {
            let logged = commit(NAMES[name], "did:plc:a").at(self.next());
            let entry = Entry::new(&logged, self.collections.get_mut()).unwrap();
            let entry = Arc::new(entry);
            self.logged.push(logged);
            self.history.push(Arc::clone(&entry));
            entries.push(entry);
        }
        self.ring.extend(entries);
    }

    /// The log's first seq, as far as the node knows.
    pub(super) fn known_oldest(&self) -> Seq {
        self.window.oldest().seq
    }

    /// The log deletes all but its newest `kept` events, and the node may notice.
    pub(super) fn expire(&mut self, kept: u64, is_known: bool) {
        self.first = self.first.max(self.next().saturating_sub(kept));
        if is_known {
            self.window.begins_at(self.first);
        }
    }

    /// Answers one page request, with at most `size` events.
    pub(super) fn load(&self, size: usize) -> bool {
        let Some(load) = self.page_requests.next_load() else {
            return false;
        };
        let until = load.until.unwrap_or(Seq::MAX).min(load.from + size as Seq);
        let from = load.from.max(self.first);
        let next = (from + (until - load.from)).min(self.next());
        let seq_range = &self.logged[from as usize - 1..next as usize - 1];
        let found: Vec<_> = seq_range
            .iter()
            .filter(|logged| load.selection.matches(&logged.topic))
            .cloned()
            .collect();
        let complete_from = match load.selection {
            Selection::All => found.first().map_or(next, |first| first.seq),
            Selection::Only(_) => from.min(next),
        };
        let page = Page::new(&found, complete_from, next, &self.collections).unwrap();
        self.page_requests.loaded(load, page);
        true
    }
}
