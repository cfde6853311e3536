//! State that the threads of a run share.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// The phase of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Only the reference connects.
    Reference,
    /// The others connect, and caches warm up.
    WarmUp,
    /// The measured window.
    Window,
    /// After the window.
    Behind,
    /// All connections except the reference close.
    End,
}

const PHASES: [Phase; 5] = [
    Phase::Reference,
    Phase::WarmUp,
    Phase::Window,
    Phase::Behind,
    Phase::End,
];

/// One instance for all threads.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    phase: AtomicU8,
    /// The reference has its first event, or there is none.
    pub(crate) has_reference: AtomicBool,
    /// Attempts to connect that have succeeded or failed, without the short-lived ones.
    pub(crate) decided: AtomicU64,
    pub(crate) open: AtomicU64,
    pub(crate) churned: AtomicU64,
    pub(crate) events: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) unexplained: AtomicU64,
    /// Threads that have closed their connections.
    pub(crate) finished: AtomicU64,
    /// The newest event of a sampled stream: the reference must reach it.
    pub(crate) newest: AtomicU64,
}

impl Shared {
    pub(crate) fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(Ordering::Acquire))]
    }

    pub(crate) fn begin(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    pub(crate) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Acquire)
    }
}
