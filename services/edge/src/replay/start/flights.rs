//! Questions that many ask at the same time: each is under way once, and only so many are at one time.

use std::hash::Hash;
use std::sync::Arc;

use fanjet_log::LogError;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

/// An answer, or why there is none.
pub(super) type Answered<V> = Result<V, Arc<LogError>>;
type Asking<V> = BoxFuture<'static, Answered<V>>;

/// Whom a question is shared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// All who come before it is answered.
    UntilAnswered,
    /// Those who come before it is asked: later it may be too old an answer for them.
    UntilAsked,
}

/// Questions by what they ask for.
///
/// Invariant: who drops out takes nothing from the others, and when all have, the question is dropped and its turn is free.
pub(super) struct Flights<K, V> {
    under_way: Arc<Mutex<UnderWay<K, V>>>,
    /// Questions that may be asked now.
    turns: Arc<Semaphore>,
    sharing: Sharing,
}

struct UnderWay<K, V> {
    flights: HashMap<K, (u64, WeakShared<Asking<V>>)>,
    last_id: u64,
}

/// A question that others may join, until this is dropped.
struct Joinable<K: Eq + Hash, V> {
    under_way: Arc<Mutex<UnderWay<K, V>>>,
    key: K,
    id: u64,
}

impl<K, V> Flights<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new(turns: Arc<Semaphore>, sharing: Sharing) -> Self {
        Self {
            under_way: Arc::new(Mutex::new(UnderWay {
                flights: HashMap::new(),
                last_id: 0,
            })),
            turns,
            sharing,
        }
    }

    /// Asks, or waits for the answer that somebody else waits for.
    pub(super) async fn ask<F>(&self, key: K, question: impl FnOnce() -> F) -> Answered<V>
    where
        F: Future<Output = Result<V, LogError>> + Send + 'static,
    {
        let flight = self.join(key, question);
        flight.await
    }

    fn join<F>(&self, key: K, question: impl FnOnce() -> F) -> Shared<Asking<V>>
    where
        F: Future<Output = Result<V, LogError>> + Send + 'static,
    {
        let mut under_way = self.under_way.lock();
        let found = under_way.flights.get(&key);
        if let Some(flight) = found.and_then(|(_, flight)| flight.upgrade()) {
            return flight;
        }
        under_way.last_id += 1;
        let id = under_way.last_id;
        let joinable = Joinable {
            under_way: Arc::clone(&self.under_way),
            key: key.clone(),
            id,
        };
        let (turns, sharing, question) = (Arc::clone(&self.turns), self.sharing, question());
        let flight = async move {
            let mut joinable = Some(joinable);
            // It is never closed.
            let _turn = turns.acquire().await.ok();
            if sharing == Sharing::UntilAsked {
                joinable.take();
            }
            question.await.map_err(Arc::new)
        };
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            under_way.flights.insert(key, (id, weak));
        }
        flight
    }

    /// Questions that somebody can join.
    #[cfg(test)]
    pub(super) fn joinable(&self) -> usize {
        self.under_way.lock().flights.len()
    }
}

impl<K: Eq + Hash, V> Drop for Joinable<K, V> {
    fn drop(&mut self) {
        let mut under_way = self.under_way.lock();
        let is_this = |(id, _): &(u64, _)| *id == self.id;
        if under_way.flights.get(&self.key).is_some_and(is_this) {
            under_way.flights.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests;
