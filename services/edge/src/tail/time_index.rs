//! When the events of the past were, sparsely: from a time to a short stretch of seqs without asking the log.
//!
//! Filled from the tail, so it reaches back as far as the node has been running, and from what the log was asked about the
//! time before. Its memory is bounded: when it is full every other sample of the tail goes, and from then on half as many are
//! taken; of what was asked the oldest goes.

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
    /// In the order of the log.
    taken: VecDeque<(TimeUs, Seq)>,
    /// The least distance between two.
    stride: u64,
    /// By time: the first event that is not earlier.
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

/// The seqs between which a time was passed: the event at `before` is earlier, the one at `reached` is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The last sample before the time.
    pub before: Seq,
    /// The first that is not.
    pub reached: Seq,
}

impl TimeIndex {
    /// The distance of samples at first.
    const STRIDE: u64 = 512;
    /// How many answers of the log are kept, at about 50 bytes.
    const ANSWERS: usize = 4096;

    /// An index of at most `max_samples` samples, at least 4.
    pub fn new(max_samples: usize) -> Self {
        Self {
            samples: Mutex::default(),
            max_samples: max_samples.max(4),
        }
    }

    /// Forgets a log in whose place there is another one.
    pub(super) fn begin_anew(&self) {
        *self.samples.lock() = Samples::default();
    }

    /// Notes an event. They come in the order of the log; most are left out.
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

    /// Notes the log's answer: the first event that is not earlier than a time.
    pub fn learn(&self, time: TimeUs, first: Seq) {
        let mut samples = self.samples.lock();
        samples.asked.insert(time, first);
        if samples.asked.len() > Self::ANSWERS {
            samples.asked.pop_first();
        }
    }

    /// Where a time was passed; `None` when it is outside of what was sampled and asked.
    pub fn stretch(&self, time: u64) -> Option<Stretch> {
        let samples = self.samples.lock();
        let at = samples
            .taken
            .partition_point(|(sampled, _)| sampled.get() < time);
        let sampled = |at: Option<usize>| Some(samples.taken.get(at?)?.1);
        let asked = TimeUs::new(time).unwrap_or(TimeUs::MAX);
        let before = samples.asked.range(..=asked).next_back();
        let before = before.map(|(_, first)| first.saturating_sub(1));
        let reached = samples.asked.range(asked..).next().map(|(_, first)| *first);
        Some(Stretch {
            before: before.max(sampled(at.checked_sub(1)))?,
            reached: [reached, sampled(Some(at))].into_iter().flatten().min()?,
        })
    }
}

#[cfg(test)]
mod tests;
