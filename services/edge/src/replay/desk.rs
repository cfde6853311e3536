//! Where readers ask for pages, and the loader finds what to load.
//!
//! Bounded: a reader asks for one page at a time, and of those who left no more are remembered than of those who wait. The
//! memory of pages has one bound, in whatever encodings they are read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use fanjet_log::{Selection, Seq};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, oneshot};

use super::Page;
use super::cache::Cache;
use super::plan::RARE;
use crate::damage::Damage;
use crate::tail::{EncodedBytes, Generation, Ring};

/// How close behind the start of a running load a reader waits for it instead of starting its own.
const NEAR: u64 = 128;
/// The same where the log selects: what is rare is far apart.
const NEAR_SELECTED: u64 = NEAR * RARE as u64;

/// So many readers that left may be remembered, however few wait.
const MIN_SWEEP: usize = 64;

/// Shared by all readers and the loader.
#[derive(Debug)]
pub struct Desk {
    ring: Arc<Ring>,
    /// Frames of pages that were made on demand.
    encoded: Arc<EncodedBytes>,
    cache_bytes: usize,
    state: Mutex<State>,
    /// There may be something to load.
    asked: Notify,
}

/// What a reader gets.
#[derive(Debug)]
pub enum Answer {
    /// It was there.
    Page(Arc<Page>),
    /// It will come. It may end before the asked position, and then asking again helps; when nothing
    /// comes the node is ending, or the log was replaced.
    Wait(oneshot::Receiver<Loaded>),
}

/// What a load brought.
pub type Loaded = Result<Arc<Page>, Damage>;

/// What is to be loaded.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) from: Seq,
    /// Where a page begins that is there already. Where the log selects, how many events lie before that is not known, and
    /// it is not said.
    pub(crate) until: Option<Seq>,
    pub(crate) selection: Selection,
    generation: Generation,
}

/// What a load selects, and from where on.
type Place = (Selection, Seq);

/// A reader that waits for a load.
#[derive(Debug)]
struct Waiter {
    /// What it asked for: at or behind the begin of the load.
    seq: Seq,
    answer: oneshot::Sender<Loaded>,
}

#[derive(Debug)]
struct State {
    /// The log of which everything here is.
    generation: Generation,
    cache: Cache,
    queue: VecDeque<Place>,
    /// Loads, queued or running, and who waits for them.
    waiting: BTreeMap<Place, Vec<Waiter>>,
    /// How many these are, with those who have left.
    readers: usize,
    /// At how many it is looked who has left.
    sweep_at: usize,
}

impl Desk {
    /// A desk whose cache holds at most `cache_bytes`, frames made on demand included.
    pub fn new(ring: Arc<Ring>, cache_bytes: usize) -> Self {
        Self {
            ring,
            encoded: Arc::default(),
            state: Mutex::new(State::new(Generation::default(), cache_bytes)),
            cache_bytes,
            asked: Notify::new(),
        }
    }

    /// Asks for what `selection` matches at `seq` and behind it.
    pub fn page(&self, seq: Seq, selection: Selection) -> Answer {
        let mut state = self.current();
        let answer = state.page((selection.clone(), seq));
        if let Answer::Page(page) = &answer {
            state.load_ahead(selection, page.next, self.ring.start());
        }
        drop(state);
        self.asked.notify_one();
        answer
    }

    /// Bytes of pages that are held, frames made on demand included.
    pub fn cached_bytes(&self) -> usize {
        self.state.lock().cache.bytes() + self.encoded.get()
    }

    /// Where the frames of pages that are made on demand are counted.
    pub fn encoded(&self) -> &Arc<EncodedBytes> {
        &self.encoded
    }

    /// Forgets what is too much after such frames were made.
    pub fn trim(&self) {
        let forgotten = self.state.lock().cache.trim(self.encoded.get());
        // Freed outside of the lock.
        drop(forgotten);
    }

    /// The next load, in the order in which they were asked for; those that nobody waits for any more are left out.
    pub(crate) fn next_load(&self) -> Option<Load> {
        let mut state = self.current();
        while let Some(place) = state.queue.pop_front() {
            if state.is_abandoned(&place) {
                state.forget(&place);
                continue;
            }
            let (selection, from) = place;
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

    /// Waits until something was asked for.
    pub(crate) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// Whether a load is of a log that is not followed any more. Nobody waits for it.
    pub(crate) fn is_outdated(&self, load: &Load) -> bool {
        self.current().generation != load.generation
    }

    /// Hands a loaded page to those who wait for it.
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
        let place = (selection.clone(), from);
        let waiters = state.forget(&place);
        if waiters.iter().any(|waiter| !waiter.has_left()) {
            state.load_ahead(selection, page.next, self.ring.start());
        }
        drop(state);
        drop(forgotten);
        for waiter in waiters {
            waiter.tell(Ok(Arc::clone(&page)));
        }
    }

    /// Tells those who asked for the place where a load begins that it cannot be read. Those who had joined it from
    /// further on get loads of their own: what they need may be whole.
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
            state.wait((selection.clone(), waiter.seq), waiter);
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
        // A reader that has left needs nothing.
        let _left = self.answer.send(loaded);
    }
}

impl Desk {
    /// What is here of the log that is followed. Of another one nothing is kept, and nobody waits for it.
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
            queue: VecDeque::new(),
            waiting: BTreeMap::new(),
            readers: 0,
            sweep_at: MIN_SWEEP,
        }
    }

    fn page(&mut self, place: Place) -> Answer {
        let (selection, seq) = &place;
        if let Some(page) = self.cache.get(selection, *seq) {
            return Answer::Page(page);
        }
        let reach = match selection {
            Selection::All => NEAR,
            Selection::Only(_) => NEAR_SELECTED,
        };
        let begin = (selection.clone(), seq.saturating_sub(reach));
        self.sweep();
        let (answer, wait) = oneshot::channel();
        let waiter = Waiter { seq: *seq, answer };
        let near = self.waiting.range(&begin..=&place).next_back();
        let joined = near.map(|(place, _)| place.clone());
        self.wait(joined.unwrap_or(place), waiter);
        Answer::Wait(wait)
    }

    /// Lets a reader wait for the load of a place, which is queued if it is not under way.
    fn wait(&mut self, place: Place, waiter: Waiter) {
        self.readers += 1;
        if let Some(waiting) = self.waiting.get_mut(&place) {
            waiting.push(waiter);
        } else {
            self.waiting.insert(place.clone(), vec![waiter]);
            self.queue.push_back(place);
        }
    }

    /// Takes out who waits for a load.
    fn forget(&mut self, place: &Place) -> Vec<Waiter> {
        let waiters = self.waiting.remove(place).unwrap_or_default();
        self.readers -= waiters.len();
        waiters
    }

    /// Forgets those who have left when they may be half of all: while the log is away nobody else does.
    fn sweep(&mut self) {
        if self.readers < self.sweep_at {
            return;
        }
        let queue = std::mem::take(&mut self.queue);
        for place in queue {
            if self.is_abandoned(&place) {
                self.forget(&place);
            } else {
                self.queue.push_back(place);
            }
        }
        for waiters in self.waiting.values_mut() {
            waiters.retain(|waiter| !waiter.has_left());
        }
        self.readers = self.waiting.values().map(Vec::len).sum();
        self.sweep_at = (2 * self.readers).max(MIN_SWEEP);
    }

    /// Loads what a reader will ask for next, unless somebody waits for something else. Where the log selects the next
    /// match may be far away: it is not looked for before somebody wants it.
    fn load_ahead(&mut self, selection: Selection, from: Seq, ring_start: Seq) {
        if selection != Selection::All || from >= ring_start || !self.queue.is_empty() {
            return;
        }
        let place = (selection, from);
        if !self.cache.covers(&place.0, from) && !self.waiting.contains_key(&place) {
            self.waiting.insert(place.clone(), Vec::new());
            self.queue.push_back(place);
        }
    }

    /// Whether everybody who waited has left. What is loaded ahead was never waited for.
    fn is_abandoned(&self, place: &Place) -> bool {
        self.waiting
            .get(place)
            .is_none_or(|waiting| !waiting.is_empty() && waiting.iter().all(Waiter::has_left))
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
