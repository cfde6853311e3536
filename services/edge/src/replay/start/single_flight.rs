//! Concurrent equal queries share one request, and concurrent requests are limited.

use std::hash::Hash;
use std::sync::Arc;

use fanjet_log::LogError;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

/// The result of a query.
pub(super) type Answered<V> = Result<V, Arc<LogError>>;
type Asking<V> = BoxFuture<'static, Answered<V>>;

/// Which callers share a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// All callers before it is answered.
    UntilAnswered,
    /// Callers before it is sent: the answer may be too old for later ones.
    UntilAsked,
}

/// Queries by key.
///
/// Invariant: a dropped caller does not affect the others. When all callers are dropped, the query is cancelled and frees its
/// permit.
pub(super) struct SingleFlight<K, V> {
    under_way: Arc<Mutex<UnderWay<K, V>>>,
    /// Permits for concurrent queries.
    turns: Arc<Semaphore>,
    sharing: Sharing,
}

struct UnderWay<K, V> {
    flights: HashMap<K, (u64, WeakShared<Asking<V>>)>,
    last_id: u64,
}

/// A query that others may join until this is dropped.
struct Joinable<K: Eq + Hash, V> {
    under_way: Arc<Mutex<UnderWay<K, V>>>,
    key: K,
    id: u64,
}

impl<K, V> SingleFlight<K, V>
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

    /// Sends a query, or waits for the result of an equal one.
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
            // The semaphore is never closed.
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

    /// The number of queries that can be joined.
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
