//! Metrics about the collections' subjects.

use std::sync::atomic::{AtomicU64, Ordering};

/// How the collections that this process writes are spread over subjects. Updated by its appender.
#[derive(Debug, Default)]
pub struct Spread {
    own: AtomicU64,
    shared: AtomicU64,
}

impl Spread {
    /// Collections with their own subject; 0 before the first write.
    pub fn own(&self) -> u64 {
        self.own.load(Ordering::Relaxed)
    }

    /// Events written to shared subjects since the start.
    pub fn shared(&self) -> u64 {
        self.shared.load(Ordering::Relaxed)
    }

    pub(crate) fn set_own(&self, collections: usize) {
        self.own.store(collections as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_shared(&self) {
        self.shared.fetch_add(1, Ordering::Relaxed);
    }
}
