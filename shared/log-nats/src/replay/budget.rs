//! How much all consumers together may send ahead of their readers.
//!
//! Invariant: data that is requested and not yet delivered never takes more memory than the assigned shares, and these
//! never exceed the total.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Memory of one message in addition to its bytes: the client's structures for subjects and headers.
pub(super) const PER_MESSAGE: usize = 1 << 10;
/// Maximum of one consumer: it is processed in some tens of milliseconds.
const MOST: usize = 4 << 20;
/// A smaller share is not worth a consumer.
const LEAST: usize = 256 << 10;

/// The total.
#[derive(Debug)]
pub(crate) struct Budget {
    whole: usize,
    free: AtomicUsize,
    /// The assigned shares.
    shares: AtomicUsize,
}

/// A share, until it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            whole: bytes,
            free: AtomicUsize::new(bytes),
            shares: AtomicUsize::new(0),
        })
    }

    /// A share: smaller if there are more shares. `None` if it would be too small.
    ///
    /// A server with many readers at distant positions loads and decompresses a block of megabytes for almost every
    /// request, so a request must ask for as much as possible.
    pub(super) fn share(self: &Arc<Self>) -> Option<Share> {
        let fair = self.fair();
        let size = |free: usize| Some(fair.min(free)).filter(|size| *size >= LEAST);
        let take = |free: usize| Some(free - size(free)?);
        let before = self
            .free
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .ok()?;
        self.shares.fetch_add(1, Ordering::Relaxed);
        Some(Share {
            budget: Arc::clone(self),
            bytes: fair.min(before),
        })
    }

    /// Whether one more share can have the maximum size.
    pub(super) fn is_plenty(&self) -> bool {
        self.fair() >= MOST
    }

    /// The size of one more share.
    fn fair(&self) -> usize {
        let others = self.shares.load(Ordering::Relaxed);
        (self.whole / (others + 1)).min(MOST)
    }

    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.free.load(Ordering::Relaxed)
    }
}

impl Share {
    /// How many messages, and bytes of them, fit.
    pub(super) fn fits(&self) -> (usize, usize) {
        let bytes = self.bytes / 2;
        (bytes / PER_MESSAGE, bytes)
    }

    /// Releases what these no longer need.
    pub(super) fn keep_for(&mut self, messages: usize, bytes: usize) {
        let needed = (messages * PER_MESSAGE).saturating_add(bytes);
        let spare = self.bytes.saturating_sub(needed);
        self.bytes -= spare;
        self.budget.free.fetch_add(spare, Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.free.fetch_add(self.bytes, Ordering::Relaxed);
        self.budget.shares.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
