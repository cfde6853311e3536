//! How much consumers may send ahead of their readers, all together.
//!
//! Invariant: what is asked of the server and not yet handed on never takes more memory than the shares that are out, and
//! those never exceed the whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What one message takes beside its bytes: the client's own structures with its subjects and headers.
pub(super) const PER_MESSAGE: usize = 1 << 10;
/// Most of one consumer: it is worked on for some tens of milliseconds.
const MOST: usize = 4 << 20;
/// Less is not worth a consumer.
const LEAST: usize = 256 << 10;

/// The whole.
#[derive(Debug)]
pub(crate) struct Budget {
    whole: usize,
    free: AtomicUsize,
    /// Shares that are out.
    shares: AtomicUsize,
}

/// A part that is taken, until it is dropped.
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

    /// A part: the less, the more others have one. `None` when it would be too little.
    ///
    /// A server with many readers at places far apart loads and unpacks a block of megabytes for almost every request, so a
    /// request must ask for as much as there is room for.
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

    /// Whether one more may have as much as any.
    pub(super) fn is_plenty(&self) -> bool {
        self.fair() >= MOST
    }

    /// What one more may have.
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

    /// Gives back what these no longer take.
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
