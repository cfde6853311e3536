//! Who is connected, in numbers. Every change comes through [`Metrics`](crate::metrics::Metrics), so that the page and
//! the metrics cannot disagree.

use std::sync::atomic::{AtomicI64, Ordering};

use fanjet_filter::Encoding;

/// Counts of all workers.
#[derive(Debug, Default)]
pub(crate) struct Census {
    by_encoding: [AtomicI64; Encoding::COUNT],
    /// Who reads by itself, from the log or from the ring.
    pub(crate) behind: Number,
    /// Who of them reads the log.
    pub(crate) replaying: Number,
    /// Who has not said yet what it wants.
    pub(crate) waiting: Number,
}

/// One count.
#[derive(Debug, Default)]
pub(crate) struct Number(AtomicI64);

impl Number {
    pub(crate) fn add(&self, change: i64) {
        self.0.fetch_add(change, Ordering::Relaxed);
    }

    /// Threads change it without waiting for each other, so two numbers may be out of step for a moment; none is
    /// shown below zero.
    pub(crate) fn get(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(0)
    }
}

impl Census {
    pub(crate) fn connected(&self, encoding: Encoding, change: i64) {
        self.by_encoding[encoding.index()].fetch_add(change, Ordering::Relaxed);
    }

    pub(crate) fn of(&self, encoding: Encoding) -> u64 {
        let count = self.by_encoding[encoding.index()].load(Ordering::Relaxed);
        u64::try_from(count).unwrap_or(0)
    }
}
