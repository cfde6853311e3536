//! Where readers request pages and the loader finds its work.
//!
//! Bounded: a reader requests one page at a time, and abandoned readers are at most as many as waiting ones. All pages share
//! one memory limit, in any encoding.

mod load_queue;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fanjet_log::{Selection, Seq};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, oneshot};

use self::load_queue::LoadQueue;
use super::Page;
use super::cache::Cache;
use super::plan::RARE;
use crate::damage::Damage;
use crate::tail::{EncodedBytes, Generation, Ring};

/// A reader this close after the start of a running load waits for it instead of starting its own.
const NEAR: u64 = 128;
/// The same for loads that the log selects, where matches are far apart.
const NEAR_SELECTED: u64 = NEAR * RARE as u64;

/// This many abandoned readers may be remembered, however few wait.
const MIN_SWEEP: usize = 64;

/// Shared by all readers and the loader.
#[derive(Debug)]
pub struct PageRequests {
    ring: Arc<Ring>,
    /// Counts frames of pages that were encoded on demand.
    encoded: Arc<EncodedBytes>,
    cache_bytes: usize,
    state: Mutex<State>,
    /// Notified when there may be something to load.
    asked: Notify,
    /// Requests that a cached page answered since they were reported.
    hits: AtomicU64,
}

/// The response to a request.
#[derive(Debug)]
pub enum PageResponse {
    /// The page was cached.
    Page(Arc<Page>),
    /// The page will be loaded. It may end before the requested seq; then request again. When the sender is dropped, the node
    /// is stopping or the log was replaced.
    Wait(oneshot::Receiver<Loaded>),
}

/// The result of a load.
pub type Loaded = Result<Arc<Page>, Damage>;

/// One load to run.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) from: Seq,
    /// The start of the next cached page. `None` for selected loads, where the number of events before it is unknown.
    pub(crate) until: Option<Seq>,
    pub(crate) selection: Selection,
    pub(crate) generation: Generation,
}

/// The selection of a load and its first seq.
type PageKey = (Selection, Seq);

/// What a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Reader,
    Search,
}

/// A reader that waits for a load.
#[derive(Debug)]
struct Waiter {
    /// The requested seq: at or after the start of the load.
    seq: Seq,
    answer: oneshot::Sender<Loaded>,
}

#[derive(Debug)]
struct State {
    /// The log that everything here belongs to.
    generation: Generation,
    cache: Cache,
    queue: LoadQueue<PageKey>,
    /// Queued and running loads, and their waiters.
    waiting: BTreeMap<PageKey, Vec<Waiter>>,
    /// The number of waiters, including abandoned ones.
    readers: usize,
    /// The number of waiters at which abandoned ones are removed.
    sweep_at: usize,
}

impl PageRequests {
    /// Without requests, over an empty cache of at most `cache_bytes`, including frames encoded on demand.
    pub fn new(ring: Arc<Ring>, cache_bytes: usize) -> Self {
        Self {
            ring,
            encoded: Arc::default(),
            state: Mutex::new(State::new(Generation::default(), cache_bytes)),
            cache_bytes,
            asked: Notify::new(),
            hits: AtomicU64::new(0),
        }
    }

    /// Requests the events at and after `seq` that match `selection`.
    pub fn page(&self, seq: Seq, selection: Selection) -> PageResponse {
        self.request(seq, selection, Turn::Reader)
    }

    /// Requests everything at and after `seq` for a search, which does not wait behind all readers.
    pub(crate) fn page_for_search(&self, seq: Seq) -> PageResponse {
        self.request(seq, Selection::All, Turn::Search)
    }

    fn request(&self, seq: Seq, selection: Selection, turn: Turn) -> PageResponse {
        let mut state = self.current();
        let answer = state.page((selection.clone(), seq), turn);
        if let PageResponse::Page(page) = &answer {
            state.load_ahead(selection, page.next, self.ring.start());
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        drop(state);
        self.asked.notify_one();
        answer
    }

    /// Requests that a cached page answered since the last call.
    pub fn take_hits(&self) -> u64 {
        self.hits.swap(0, Ordering::Relaxed)
    }

    /// Bytes of cached pages, including frames encoded on demand.
    pub fn cached_bytes(&self) -> usize {
        self.state.lock().cache.bytes() + self.encoded.get()
    }

    /// The counter for frames of pages that are encoded on demand.
    pub fn encoded(&self) -> &Arc<EncodedBytes> {
        &self.encoded
    }

    /// Evicts pages after frames were encoded on demand.
    pub fn trim(&self) {
        let forgotten = self.state.lock().cache.trim(self.encoded.get());
        // Freed outside the lock.
        drop(forgotten);
    }

    /// The next load, in request order by turns; skips abandoned ones.
    pub(crate) fn next_load(&self) -> Option<Load> {
        let mut state = self.current();
        while let Some(key) = state.queue.pop() {
            if state.is_abandoned(&key) {
                state.forget(&key);
                continue;
            }
            let (selection, from) = key;
            let until = match selection {
                Selection::All => state.cache.next_start(&selection, from),
                Selection::Only(_) => None,
            };
            return Some(Load {
                from,
                until,
                selection,
                generation: state.generation,
            });
        }
        None
    }

    /// Waits for a request.
    pub(crate) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// Whether a load belongs to a log that was replaced. It has no waiters then.
    pub(crate) fn is_outdated(&self, load: &Load) -> bool {
        self.current().generation != load.generation
    }

    /// Passes a loaded page to its waiters.
    pub(crate) fn loaded(&self, load: Load, page: Page) {
        let page = Arc::new(page);
        let mut state = self.current();
        if state.generation != load.generation {
            return;
        }
        let Load {
            selection, from, ..
        } = load;
        state.cache.insert(selection.clone(), Arc::clone(&page));
        let forgotten = state.cache.trim(self.encoded.get());
        let key = (selection.clone(), from);
        let waiters = state.forget(&key);
        if waiters.iter().any(|waiter| !waiter.has_left()) {
            state.load_ahead(selection, page.next, self.ring.start());
        }
        drop(state);
        drop(forgotten);
        for waiter in waiters {
            waiter.tell(Ok(Arc::clone(&page)));
        }
    }

    /// Fails the readers that requested the first seq of a load. Readers that joined it further on get their own loads: the
    /// events that they need may be intact.
    pub(crate) fn failed(&self, load: Load, damage: Damage) {
        let mut state = self.current();
        if state.generation != load.generation {
            return;
        }
        let Load {
            selection, from, ..
        } = load;
        let waiters = state.forget(&(selection.clone(), from));
        let (failed, others): (Vec<_>, Vec<_>) =
            waiters.into_iter().partition(|waiter| waiter.seq == from);
        for waiter in others {
            state.wait((selection.clone(), waiter.seq), waiter, Turn::Reader);
        }
        drop(state);
        self.asked.notify_one();
        for waiter in failed {
            waiter.tell(Err(damage));
        }
    }
}

impl Waiter {
    fn has_left(&self) -> bool {
        self.answer.is_closed()
    }

    fn tell(self, loaded: Loaded) {
        // An abandoned reader needs no page.
        let _left = self.answer.send(loaded);
    }
}

impl PageRequests {
    /// The state for the current log. State of a replaced log is dropped with its waiters.
    fn current(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock();
        let generation = self.ring.head().generation;
        if state.generation != generation {
            *state = State::new(generation, self.cache_bytes);
        }
        state
    }
}

impl State {
    fn new(generation: Generation, cache_bytes: usize) -> Self {
        Self {
            generation,
            cache: Cache::new(cache_bytes),
            queue: LoadQueue::default(),
            waiting: BTreeMap::new(),
            readers: 0,
            sweep_at: MIN_SWEEP,
        }
    }

    fn page(&mut self, key: PageKey, turn: Turn) -> PageResponse {
        let (selection, seq) = &key;
        if let Some(page) = self.cache.get(selection, *seq) {
            return PageResponse::Page(page);
        }
        let reach = match selection {
            Selection::All => NEAR,
            Selection::Only(_) => NEAR_SELECTED,
        };
        let begin = (selection.clone(), seq.saturating_sub(reach));
        self.sweep();
        let (answer, wait) = oneshot::channel();
        let waiter = Waiter { seq: *seq, answer };
        let near = self.waiting.range(&begin..=&key).next_back();
        let joined = near.map(|(key, _)| key.clone());
        self.wait(joined.unwrap_or(key), waiter, turn);
        PageResponse::Wait(wait)
    }

    /// Lets a reader wait for a load, which is queued unless it is already running.
    fn wait(&mut self, key: PageKey, waiter: Waiter, turn: Turn) {
        self.readers += 1;
        if let Some(waiting) = self.waiting.get_mut(&key) {
            waiting.push(waiter);
        } else {
            self.waiting.insert(key.clone(), vec![waiter]);
            self.queue.push(key.clone());
        }
        if turn == Turn::Search {
            self.queue.prefer(&key);
        }
    }

    /// Removes a load; returns its waiters.
    fn forget(&mut self, key: &PageKey) -> Vec<Waiter> {
        let waiters = self.waiting.remove(key).unwrap_or_default();
        self.readers -= waiters.len();
        waiters
    }

    /// Removes abandoned readers when they may be half of all: while the log is unavailable no load ends.
    fn sweep(&mut self) {
        if self.readers < self.sweep_at {
            return;
        }
        let mut queue = std::mem::take(&mut self.queue);
        queue.retain(|key| {
            let is_abandoned = self.is_abandoned(key);
            if is_abandoned {
                self.forget(key);
            }
            !is_abandoned
        });
        self.queue = queue;
        for waiters in self.waiting.values_mut() {
            waiters.retain(|waiter| !waiter.has_left());
        }
        self.readers = self.waiting.values().map(Vec::len).sum();
        self.sweep_at = (2 * self.readers).max(MIN_SWEEP);
    }

    /// Loads the page that a reader will request next, unless other requests are queued. Selected loads are not run ahead: the
    /// next match may be far away.
    fn load_ahead(&mut self, selection: Selection, from: Seq, ring_start: Seq) {
        if selection != Selection::All || from >= ring_start || !self.queue.is_empty() {
            return;
        }
        let key = (selection, from);
        if !self.cache.covers(&key.0, from) && !self.waiting.contains_key(&key) {
            self.waiting.insert(key.clone(), Vec::new());
            self.queue.push(key);
        }
    }

    /// Whether all waiters have left. Read-ahead never had any.
    fn is_abandoned(&self, key: &PageKey) -> bool {
        self.waiting
            .get(key)
            .is_none_or(|waiting| !waiting.is_empty() && waiting.iter().all(Waiter::has_left))
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
