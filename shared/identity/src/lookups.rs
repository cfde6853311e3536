//! One kind of lookup: cached, rate-limited, and at most one at a time per key.

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
use crate::kind::{Ended, Kind, Limits, Looking};
use crate::memory::{Answered, Learned, Memory, Remembered};
use crate::rate::Budget;
use crate::site_limits::{Denied, SiteLimits};

/// Overhead of a cached result, in addition to its own bytes.
const BYTES_AROUND: usize = 128;

/// When a lookup starts.
#[derive(Debug)]
pub enum Admission {
    /// Immediately, or not at all.
    AtOnce(Mutex<SiteLimits>),
    /// In turn, at a given rate.
    InTurn(Arc<Budget>),
}

impl Admission {
    /// Immediately, within the limits of its site.
    pub fn at_once(site_limits: SiteLimits) -> Self {
        Self::AtOnce(Mutex::new(site_limits))
    }
}

/// The state of a key.
#[derive(Debug)]
pub enum Asked<T> {
    /// A cached result; no newer one is available.
    Known(Remembered<T>),
    /// A lookup is in progress.
    Waiting(LookUp<T>),
    /// The limits permit no lookup now.
    Denied(Denied),
    /// No lookup is possible for this key.
    Forbidden,
}

/// A lookup in progress.
#[derive(Debug, Clone)]
pub struct LookUp<T>(Shared<oneshot::Receiver<Remembered<T>>>);

impl<T: Clone> LookUp<T> {
    /// Waits for the result; `None` if the lookup is dropped.
    pub async fn ended(self) -> Option<Remembered<T>> {
        self.0.await.ok()
    }
}

struct State<T> {
    memories: Cache<Box<str>, Memory<T>>,
    /// At most as many as are queued and in progress.
    under_way: HashMap<Box<str>, UnderWay<T>>,
    orders: Fair<Order<T>>,
}

struct UnderWay<T> {
    look_up: LookUp<T>,
    /// Whether its result may be outdated when it arrives.
    is_doubted: bool,
}

struct Order<T> {
    key: Box<str>,
    site: String,
    done: oneshot::Sender<Remembered<T>>,
}

/// One kind of lookup.
pub struct Lookups<T, K> {
    kind: K,
    limits: Limits,
    admission: Admission,
    state: Mutex<State<T>>,
    ordered: Notify,
}

impl<T: Clone, K: Kind<T>> Lookups<T, K> {
    /// Starts with an empty cache.
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

    /// The kind of lookup.
    pub fn kind(&self) -> &K {
        &self.kind
    }

    /// Returns the cached result, or a lookup to wait for.
    pub fn ask(&self, key: &str) -> Asked<T> {
        let now = Instant::now();
        let mut state = self.state.lock();
        match state.memories.get(key) {
            Some(memory) if !memory.is_due(now) => Asked::Known(memory.seen(now)),
            _ => self.join_or_order(&mut state, key, now),
        }
    }

    /// As [`Lookups::ask`], when the cached result turned out to be wrong, however new it is. Rate-limited per key.
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

    /// The cached result, even if it is outdated: better than nothing while lookups fail.
    pub fn remembered(&self, key: &str) -> Remembered<T> {
        let mut state = self.state.lock();
        let memory = state.memories.get(key);
        memory.map_or_else(Remembered::nothing, |memory| memory.seen(Instant::now()))
    }

    /// Marks the cached result as doubtful after an event that may have changed it. The result is kept until a new one
    /// arrives, and the next caller starts a lookup, if the rate of the key permits it.
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

    /// Lookups that are queued or in progress.
    pub fn under_way(&self) -> usize {
        self.state.lock().under_way.len()
    }

    fn join_or_order(&self, state: &mut State<T>, key: &str, now: Instant) -> Asked<T> {
        if let Some(under_way) = state.under_way.get(key) {
            return Asked::Waiting(under_way.look_up.clone());
        }
        let Some(site) = self.kind.site(key) else {
            return Asked::Forbidden;
        };
        if let Admission::AtOnce(site_limits) = &self.admission {
            if state.under_way.len() >= self.limits.shares.under_way {
                return Asked::Denied(Denied::RateLimited);
            }
            if let Err(denied) = site_limits.lock().admit(&site, now) {
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

    /// Runs lookups, forever.
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
                    // A panic in a parser of foreign bytes fails this lookup only.
                    Ok(Err(_panicked)) => Err(NoAnswer::Crashed),
                    Ok(Ok(found)) => found,
                };
                (found, order)
            });
        }
    }

    /// When the next lookup may start.
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
        if let Admission::AtOnce(site_limits) = &self.admission {
            site_limits.lock().ended(&site, ended.has_answered(), now);
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
        // The receivers may be gone.
        let _gone = done.send(known);
    }
}

#[cfg(test)]
mod tests;
