//! What the threads of a swarm know of each other.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// How far the run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The reference connects, nobody else does.
    Reference,
    /// The others connect, and caches become warm.
    WarmUp,
    /// It counts.
    Window,
    /// It does not count any more.
    Behind,
    /// All but the reference hang up.
    End,
}

const PHASES: [Phase; 5] = [
    Phase::Reference,
    Phase::WarmUp,
    Phase::Window,
    Phase::Behind,
    Phase::End,
];

/// One for all threads.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    phase: AtomicU8,
    /// The reference has its first event, or there is none.
    pub(crate) has_reference: AtomicBool,
    /// Attempts to connect that have succeeded or failed, without the churning ones.
    pub(crate) decided: AtomicU64,
    pub(crate) open: AtomicU64,
    pub(crate) churned: AtomicU64,
    pub(crate) events: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) unexplained: AtomicU64,
    /// Threads that have hung up.
    pub(crate) finished: AtomicU64,
    /// The newest event that a sampled stream has: so far must the reference go.
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
