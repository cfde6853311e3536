//! When the events of the past were, sparsely: from a time to a short stretch of seqs without asking the log.
//!
//! Filled from the tail, so it reaches back as far as the node has been running. Its memory is bounded: when it is
//! full every other sample goes, and from then on half as many are taken.

use std::collections::VecDeque;

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

    /// An index of at most `max_samples` samples, at least 4.
    pub fn new(max_samples: usize) -> Self {
        Self {
            samples: Mutex::new(Samples {
                taken: VecDeque::new(),
                stride: Self::STRIDE,
            }),
            max_samples: max_samples.max(4),
        }
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

    /// Where a time was passed; `None` when it is outside of what was sampled.
    pub fn stretch(&self, time: u64) -> Option<Stretch> {
        let samples = self.samples.lock();
        let at = samples
            .taken
            .partition_point(|(sampled, _)| sampled.get() < time);
        Some(Stretch {
            before: samples.taken.get(at.checked_sub(1)?)?.1,
            reached: samples.taken.get(at)?.1,
        })
    }
}

#[cfg(test)]
mod tests;
