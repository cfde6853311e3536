//! A sparse index of event times: resolves a time to a short range of seqs without asking the log.
//!
//! Filled from the tail, so it covers the uptime of the node, and from the log's answers for earlier times. Its memory is
//! bounded: when it is full, every other sample is dropped and the sampling distance doubles; of the answers the oldest is
//! dropped.

use std::collections::{BTreeMap, VecDeque};

use fanjet_event::TimeUs;
use fanjet_log::Seq;
use parking_lot::Mutex;

/// Written by the feeder.
#[derive(Debug)]
pub struct TimeIndex {
    samples: Mutex<Samples>,
    max_samples: usize,
}

#[derive(Debug)]
struct Samples {
    /// In log order.
    taken: VecDeque<(TimeUs, Seq)>,
    /// The minimum distance between two samples.
    stride: u64,
    /// The log's answers: by time, the first event that is not earlier.
    asked: BTreeMap<TimeUs, Seq>,
}

impl Default for Samples {
    fn default() -> Self {
        Self {
            taken: VecDeque::new(),
            stride: TimeIndex::STRIDE,
            asked: BTreeMap::new(),
        }
    }
}

/// The seqs around a time: the event at `before` is earlier, the one at `reached` is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeqRange {
    /// The last known seq before the time.
    pub before: Seq,
    /// The first known seq that is not earlier.
    pub reached: Seq,
}

impl TimeIndex {
    /// The initial distance of samples.
    const STRIDE: u64 = 512;
    /// Maximum number of the log's answers kept, at about 50 bytes each.
    const ANSWERS: usize = 4096;

    /// An index of at most `max_samples` samples, at least 4.
    pub fn new(max_samples: usize) -> Self {
        Self {
            samples: Mutex::default(),
            max_samples: max_samples.max(4),
        }
    }

    /// Drops the state of a replaced log.
    pub(super) fn forget_log(&self) {
        *self.samples.lock() = Samples::default();
    }

    /// Offers an event as a sample, in log order; most are skipped.
    pub fn note(&self, seq: Seq, time: TimeUs) {
        let mut samples = self.samples.lock();
        let is_due = samples
            .taken
            .back()
            .is_none_or(|&(_, last)| seq >= last + samples.stride);
        if !is_due {
            return;
        }
        if samples.taken.len() == self.max_samples {
            let mut index = 0;
            samples.taken.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            samples.stride *= 2;
        }
        samples.taken.push_back((time, seq));
    }

    /// Records the log's answer: the first event that is not earlier than a time.
    pub fn learn(&self, time: TimeUs, first: Seq) {
        let mut samples = self.samples.lock();
        samples.asked.insert(time, first);
        if samples.asked.len() > Self::ANSWERS {
            samples.asked.pop_first();
        }
    }

    /// The seqs around a time; `None` outside the known times.
    pub fn seq_range(&self, time: u64) -> Option<SeqRange> {
        let samples = self.samples.lock();
        let at = samples
            .taken
            .partition_point(|(sampled, _)| sampled.get() < time);
        let sampled = |at: Option<usize>| Some(samples.taken.get(at?)?.1);
        let asked = TimeUs::new(time).unwrap_or(TimeUs::MAX);
        let before = samples.asked.range(..=asked).next_back();
        let before = before.map(|(_, first)| first.saturating_sub(1));
        let reached = samples.asked.range(asked..).next().map(|(_, first)| *first);
        Some(SeqRange {
            before: before.max(sampled(at.checked_sub(1)))?,
            reached: [reached, sampled(Some(at))].into_iter().flatten().min()?,
        })
    }
}

#[cfg(test)]
mod tests;
