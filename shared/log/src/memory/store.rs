//! A store in memory: for tests, and for a process that has no other to share values with.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::store::{ExpiringStore, StoreError, check_key, check_put, still_fresh};

/// How much a [`MemoryStore`] keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryStoreOptions {
    /// How long a value is kept.
    pub time_to_live: Duration,
    /// How many values are kept.
    pub max_entries: usize,
    /// Bytes of all values together.
    pub max_bytes: usize,
}

impl Default for MemoryStoreOptions {
    fn default() -> Self {
        Self {
            time_to_live: Duration::from_secs(24 * 3600),
            max_entries: 10_000,
            max_bytes: 64 << 20,
        }
    }
}

/// A store in memory. What is full refuses more rather than forget what it promised to keep.
#[derive(Debug, Default)]
pub struct MemoryStore {
    options: MemoryStoreOptions,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<String, Kept>,
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    value: Bytes,
    since: Instant,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(options: MemoryStoreOptions) -> Self {
        Self {
            options,
            state: Mutex::default(),
        }
    }

    fn is_full(&self, state: &State, more: usize) -> bool {
        state.entries.len() >= self.options.max_entries
            || state.bytes + more > self.options.max_bytes
    }
}

impl State {
    /// What is kept under a key; its time begins anew when half of it is over. With what is left of it.
    fn used(&mut self, key: &str, time_to_live: Duration) -> Option<(Bytes, Duration)> {
        let kept = self.entries.get_mut(key)?;
        let age = kept.since.elapsed();
        if age >= time_to_live {
            return None;
        }
        let left = still_fresh(age, time_to_live).unwrap_or_else(|| {
            kept.since = Instant::now();
            time_to_live
        });
        Some((kept.value.clone(), left))
    }

    fn forget_expired(&mut self, time_to_live: Duration) {
        let mut bytes = self.bytes;
        self.entries.retain(|_, kept| {
            let is_kept = kept.since.elapsed() < time_to_live;
            if !is_kept {
                bytes -= kept.value.len();
            }
            is_kept
        });
        self.bytes = bytes;
    }
}

#[async_trait]
impl ExpiringStore for MemoryStore {
    async fn put(&self, key: &str, value: Bytes) -> Result<Duration, StoreError> {
        check_put(key, &value)?;
        let time_to_live = self.options.time_to_live;
        let mut state = self.state.lock();
        if let Some((_, left)) = state.used(key, time_to_live) {
            return Ok(left);
        }
        if self.is_full(&state, value.len()) || state.entries.contains_key(key) {
            state.forget_expired(time_to_live);
        }
        if self.is_full(&state, value.len()) {
            return Err(StoreError::Full);
        }
        state.bytes += value.len();
        let since = Instant::now();
        state.entries.insert(key.to_owned(), Kept { value, since });
        Ok(time_to_live)
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        check_key(key)?;
        let mut state = self.state.lock();
        Ok(state
            .used(key, self.options.time_to_live)
            .map(|(value, _)| value))
    }
}

#[cfg(test)]
mod tests;
