//! The number of connections by kind. All changes go through [`Metrics`](crate::metrics::Metrics), so that the page and the
//! metrics agree.

use std::sync::atomic::{AtomicI64, Ordering};

use fanjet_filter::Encoding;

/// Counts of all workers.
#[derive(Debug, Default)]
pub(crate) struct ConnectionCounts {
    by_encoding: [AtomicI64; Encoding::COUNT],
    /// Subscribers that read the log or the ring at their own pace.
    pub(crate) behind: Number,
    /// Those of them that read the log.
    pub(crate) replaying: Number,
    /// Subscribers that have not sent their hello.
    pub(crate) waiting: Number,
}

/// One count.
#[derive(Debug, Default)]
pub(crate) struct Number(AtomicI64);

impl Number {
    pub(crate) fn add(&self, change: i64) {
        self.0.fetch_add(change, Ordering::Relaxed);
    }

    /// Threads update the counts independently, so two counts may disagree for a moment; none is shown below zero.
    pub(crate) fn get(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(0)
    }
}

impl ConnectionCounts {
    pub(crate) fn connected(&self, encoding: Encoding, change: i64) {
        self.by_encoding[encoding.index()].fetch_add(change, Ordering::Relaxed);
    }

    /// Whether any subscriber is connected.
    pub(crate) fn is_any(&self) -> bool {
        let mut counts = self.by_encoding.iter();
        counts.any(|count| count.load(Ordering::Relaxed) > 0)
    }

    pub(crate) fn of(&self, encoding: Encoding) -> u64 {
        let count = self.by_encoding[encoding.index()].load(Ordering::Relaxed);
        u64::try_from(count).unwrap_or(0)
    }
}
