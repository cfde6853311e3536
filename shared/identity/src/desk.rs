//! One kind of look-up: remembered, limited, and made once per key at a time.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::future::{FutureExt, Shared};
use futures::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use crate::cache::Cache;
use crate::fair::Fair;
use crate::fetch::NoAnswer;
use crate::gate::{Denied, Gate};
use crate::kind::{Ended, Kind, Limits, Looking};
use crate::memory::{Answered, Learned, Memory, Remembered};
use crate::rate::Budget;

/// What an answer costs beside its own bytes.
const BYTES_AROUND: usize = 128;

/// When a look-up begins.
#[derive(Debug)]
pub enum Admission {
    /// At once, or not at all.
    AtOnce(Mutex<Gate>),
    /// When it is its turn.
    InTurn(Arc<Budget>),
}

impl Admission {
    /// At once, as a gate allows.
    pub fn at_once(gate: Gate) -> Self {
        Self::AtOnce(Mutex::new(gate))
    }
}

/// What is known now, or will be.
#[derive(Debug)]
pub enum Asked<T> {
    /// This, and nothing newer can be known.
    Known(Remembered<T>),
    /// It is being looked up.
    Waiting(LookUp<T>),
    /// Nobody is asked now.
    Denied(Denied),
    /// Nobody may ever be asked.
    Nobody,
}

/// A look-up that is going on.
#[derive(Debug, Clone)]
pub struct LookUp<T>(Shared<oneshot::Receiver<Remembered<T>>>);

impl<T: Clone> LookUp<T> {
    /// What is known when it has ended; `None` when it never will.
    pub async fn ended(self) -> Option<Remembered<T>> {
        self.0.await.ok()
    }
}

struct State<T> {
    memories: Cache<Box<str>, Memory<T>>,
    /// At most as many as wait and are under way.
    under_way: HashMap<Box<str>, UnderWay<T>>,
    orders: Fair<Order<T>>,
}

struct UnderWay<T> {
    look_up: LookUp<T>,
    /// Whether its answer may be older than what has happened meanwhile.
    is_doubted: bool,
}

struct Order<T> {
    key: Box<str>,
    site: String,
    done: oneshot::Sender<Remembered<T>>,
}

/// One kind of look-up.
pub struct Desk<T, K> {
    kind: K,
    limits: Limits,
    admission: Admission,
    state: Mutex<State<T>>,
    ordered: Notify,
}

impl<T: Clone, K: Kind<T>> Desk<T, K> {
    /// Nothing is known yet.
    pub fn new(kind: K, limits: Limits, admission: Admission) -> Self {
        Self {
            kind,
            state: Mutex::new(State {
                memories: Cache::new(limits.cached, limits.cached_bytes),
                under_way: HashMap::new(),
                orders: Fair::new(limits.shares),
            }),
            limits,
            admission,
            ordered: Notify::new(),
        }
    }

    /// What it looks up.
    pub fn kind(&self) -> &K {
        &self.kind
    }

    /// What is known, or what to wait for before it can be known better.
    pub fn ask(&self, key: &str) -> Asked<T> {
        let now = Instant::now();
        let mut state = self.state.lock();
        match state.memories.get(key) {
            Some(memory) if !memory.is_due(now) => Asked::Known(memory.seen(now)),
            _ => self.join_or_order(&mut state, key, now),
        }
    }

    /// As [`Desk::ask`] where what is known turns out to be wrong, however new it is: if that is not too often.
    pub fn ask_again(&self, key: &str) -> Asked<T> {
        let now = Instant::now();
        let mut state = self.state.lock();
        let is_under_way = state.under_way.contains_key(key);
        match state.memories.get(key) {
            Some(memory) if !is_under_way && !memory.is_free(self.limits.of_key, now) => {
                Asked::Known(memory.seen(now))
            }
            _ => self.join_or_order(&mut state, key, now),
        }
    }

    /// What is remembered, also when it is old: better than nothing while nobody answers.
    pub fn remembered(&self, key: &str) -> Remembered<T> {
        let mut state = self.state.lock();
        let memory = state.memories.get(key);
        memory.map_or_else(Remembered::nothing, |memory| memory.seen(Instant::now()))
    }

    /// Something has happened that may have made wrong what is known. It is kept until there is an answer, and whoever asks
    /// next makes it be looked up again, if that is not too often.
    pub fn doubt(&self, key: &str) {
        let now = Instant::now();
        let mut state = self.state.lock();
        if let Some(memory) = state.memories.get(key) {
            memory.doubt(self.limits.of_key, now);
        }
        if let Some(under_way) = state.under_way.get_mut(key) {
            under_way.is_doubted = true;
        }
    }

    /// Look-ups that wait or are under way.
    pub fn under_way(&self) -> usize {
        self.state.lock().under_way.len()
    }

    fn join_or_order(&self, state: &mut State<T>, key: &str, now: Instant) -> Asked<T> {
        if let Some(under_way) = state.under_way.get(key) {
            return Asked::Waiting(under_way.look_up.clone());
        }
        let Some(site) = self.kind.site(key) else {
            return Asked::Nobody;
        };
        if let Admission::AtOnce(gate) = &self.admission {
            if state.under_way.len() >= self.limits.shares.under_way {
                return Asked::Denied(Denied::RateLimited);
            }
            if let Err(denied) = gate.lock().admit(&site, now) {
                return Asked::Denied(denied);
            }
        }
        let (done, ended) = oneshot::channel();
        let order = Order {
            key: key.into(),
            site: site.clone(),
            done,
        };
        if !state.orders.push(&site, order) {
            return Asked::Denied(Denied::RateLimited);
        }
        let look_up = LookUp(ended.shared());
        let under_way = UnderWay {
            look_up: look_up.clone(),
            is_doubted: false,
        };
        state.under_way.insert(key.into(), under_way);
        self.ordered.notify_one();
        Asked::Waiting(look_up)
    }

    /// Makes look-ups, for ever.
    pub async fn run(&self, look: impl Fn(Box<str>) -> Looking<T>) {
        let mut under_way = FuturesUnordered::new();
        loop {
            let order = self.state.lock().orders.pop();
            let Some(order) = order else {
                tokio::select! {
                    Some((found, order)) = under_way.next() => self.learn(order, found),
                    () = self.ordered.notified() => {}
                }
                continue;
            };
            let turn = self.turn();
            while Instant::now() < turn {
                tokio::select! {
                    biased;
                    Some((found, order)) = under_way.next() => self.learn(order, found),
                    () = sleep_until(turn) => {}
                }
            }
            let looking = look(order.key.clone());
            let looking = timeout(
                self.limits.timeout,
                AssertUnwindSafe(looking).catch_unwind(),
            );
            under_way.push(async move {
                let found = match looking.await {
                    Err(_elapsed) => Err(NoAnswer::Timeout),
                    // A stranger's bytes must cost no more than what they say.
                    Ok(Err(_panicked)) => Err(NoAnswer::Crashed),
                    Ok(Ok(found)) => found,
                };
                (found, order)
            });
        }
    }

    /// When the next look-up may begin.
    fn turn(&self) -> Instant {
        let now = Instant::now();
        match &self.admission {
            Admission::AtOnce(_) => now,
            Admission::InTurn(budget) => now + budget.reserve(now),
        }
    }

    fn learn(&self, order: Order<T>, found: Result<Option<T>, NoAnswer>) {
        let Order { key, site, done } = order;
        let now = Instant::now();
        let ended = Ended::of(&found);
        if let Admission::AtOnce(gate) = &self.admission {
            gate.lock().ended(&site, ended.has_answered(), now);
        }
        let time_to_live = self.kind.time_to_live(&found);
        let mut state = self.state.lock();
        state.orders.done(&site);
        let under_way = state.under_way.remove(&key);
        let learned = Learned {
            answer: found.ok().map(|found| match found {
                Some(found) => Answered::Found(Arc::new(found)),
                None => Answered::Nothing,
            }),
            time_to_live,
            is_late: under_way.is_some_and(|under_way| under_way.is_doubted),
        };
        let before = state.memories.get(&key);
        let memory = Memory::after(before.as_deref(), learned, self.limits.of_key, now);
        let found_bytes = memory.found().map_or(0, |found| self.kind.bytes(found));
        let bytes = key.len() + BYTES_AROUND + found_bytes;
        let known = memory.seen(now);
        state.memories.put(key, memory, bytes);
        let remembered = state.memories.len();
        drop(state);
        self.kind.ended(ended, remembered);
        // Nobody may be waiting any more.
        let _gone = done.send(known);
    }
}

#[cfg(test)]
mod tests;
