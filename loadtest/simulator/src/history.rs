//! Everything published so far, as a log that each client reads at its own position.
//!
//! Bounded by bytes and frames: the oldest frames are dropped. Clients are independent of each other; one that falls
//! behind the oldest kept frame is notified.

mod repos;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::faults::FaultCounts;
use crate::renumber;
use crate::{CursorHabit, ExpectedEvent, FaultKind, ProducedFrame};

pub(crate) use repos::KnownRepo;

/// One published frame.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) bytes: Bytes,
    pub(crate) seq: u64,
    expected: Vec<ExpectedEvent>,
    /// What happens to the first connection that reaches this frame.
    fault: Option<FaultKind>,
    fault_spent: AtomicBool,
}

/// The log. Positions count frames from 0 and never change.
#[derive(Debug)]
pub(crate) struct History {
    kept: RwLock<Kept>,
    /// How many frames have been published.
    published: watch::Sender<u64>,
    faults: FaultCounts,
    /// What correct consumers drop because of them.
    drops: FaultCounts,
    limits: Limits,
}

/// Limits of what is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) bytes: usize,
    pub(crate) frames: usize,
    pub(crate) keep_expected: bool,
}

#[derive(Debug)]
struct Kept {
    entries: VecDeque<Arc<Entry>>,
    /// The position of the first entry.
    first: u64,
    bytes: usize,
    last_seq: u64,
    forgotten_seq: Option<u64>,
    /// The offset of the seqs of frames, wrapping, since the server was renumbered.
    shift: u64,
    /// The expected events of earlier frames.
    retired: Vec<ExpectedEvent>,
}

/// Where a client starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    At {
        position: u64,
        /// Frames after the cursor have been dropped.
        outdated: bool,
    },
    /// The cursor is after the newest frame.
    InTheFuture,
}

/// The requested position has been dropped.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Forgotten;

impl History {
    pub(crate) fn new(limits: Limits, seq_base: u64) -> Self {
        Self {
            kept: RwLock::new(Kept {
                entries: VecDeque::new(),
                first: 0,
                bytes: 0,
                last_seq: seq_base,
                forgotten_seq: None,
                shift: 0,
                retired: Vec::new(),
            }),
            published: watch::Sender::new(0),
            faults: FaultCounts::default(),
            drops: FaultCounts::default(),
            limits,
        }
    }

    /// Publishes frames, in order.
    pub(crate) fn append(&self, frames: impl IntoIterator<Item = ProducedFrame>) {
        let mut kept = self.kept.write();
        for frame in frames {
            let frame = frame.shifted_by(kept.shift);
            if let Some(fault) = frame.fault
                && !fault.is_of_connection()
            {
                self.faults.add(fault, 1);
                self.drops.add(fault, frame.drops);
            }
            kept.last_seq = kept.last_seq.max(frame.seq);
            kept.bytes += frame.bytes.len();
            let entry = Entry {
                seq: kept.last_seq,
                bytes: frame.bytes,
                expected: if self.limits.keep_expected {
                    frame.expected
                } else {
                    Vec::new()
                },
                fault: frame.fault.filter(|fault| fault.is_of_connection()),
                fault_spent: AtomicBool::new(false),
            };
            kept.entries.push_back(Arc::new(entry));
        }
        while kept.bytes > self.limits.bytes || kept.entries.len() > self.limits.frames {
            let Some(oldest) = kept.entries.pop_front() else {
                break;
            };
            kept.bytes -= oldest.bytes.len();
            kept.first += 1;
            kept.forgotten_seq = Some(oldest.seq);
        }
        let published = kept.first + kept.entries.len() as u64;
        drop(kept);
        self.published.send_replace(published);
    }

    /// At most `limit` frames from a position on; none if nothing was published there yet.
    pub(crate) fn read(&self, position: u64, limit: usize) -> Result<Vec<Arc<Entry>>, Forgotten> {
        let kept = self.kept.read();
        let at = position.checked_sub(kept.first).ok_or(Forgotten)? as usize;
        Ok(kept.entries.iter().skip(at).take(limit).cloned().collect())
    }

    /// Translates a cursor, the last seq that a client has seen. Without a cursor the client starts with the next
    /// frame.
    pub(crate) fn start(
        &self,
        cursor: Option<u64>,
        promised_seq: u64,
        habit: CursorHabit,
    ) -> Start {
        let kept = self.kept.read();
        let live = Start::At {
            position: kept.first + kept.entries.len() as u64,
            outdated: false,
        };
        let Some(cursor) = cursor else {
            return live;
        };
        let behind = |is_before: &dyn Fn(u64) -> bool| {
            let skipped = kept.entries.partition_point(|entry| is_before(entry.seq));
            kept.first + skipped as u64
        };
        let is_future = cursor > kept.last_seq.max(promised_seq);
        match habit {
            CursorHabit::Spec if is_future => Start::InTheFuture,
            CursorHabit::Spec => Start::At {
                position: behind(&|seq| seq <= cursor),
                outdated: kept
                    .forgotten_seq
                    .is_some_and(|forgotten| cursor < forgotten),
            },
            CursorHabit::Relay | CursorHabit::Rainbow if is_future => live,
            CursorHabit::Relay => Start::At {
                position: behind(&|seq| seq <= cursor),
                outdated: false,
            },
            CursorHabit::Rainbow => Start::At {
                position: behind(&|seq| seq < cursor),
                outdated: false,
            },
        }
    }

    /// Continues the numbering at `base`, like a server that was re-created under the same name: only the last
    /// `repeated` frames are kept, under new seqs.
    pub(crate) fn renumber(&self, base: u64, repeated: usize) {
        let mut kept = self.kept.write();
        let old: Vec<_> = kept.entries.drain(..).collect();
        let (forgotten, again) = old.split_at(old.len().saturating_sub(repeated));
        let before = match (forgotten.last(), again.first()) {
            (Some(last), _) => last.seq,
            (None, Some(first)) => first.seq - 1,
            (None, None) => kept.last_seq,
        };
        let shift = base.wrapping_sub(before);
        kept.retired
            .extend(old.iter().flat_map(|entry| entry.expected.iter().cloned()));
        kept.first += old.len() as u64;
        kept.shift = kept.shift.wrapping_add(shift);
        kept.forgotten_seq = None;
        let repeated = again.iter().map(|entry| {
            Arc::new(Entry {
                seq: entry.seq.wrapping_add(shift),
                bytes: renumber::bytes(&entry.bytes, entry.seq, entry.seq.wrapping_add(shift)),
                expected: Vec::new(),
                fault: None,
                fault_spent: AtomicBool::new(true),
            })
        });
        kept.entries = repeated.collect();
        kept.bytes = kept.entries.iter().map(|entry| entry.bytes.len()).sum();
        kept.last_seq = kept.entries.back().map_or(base, |entry| entry.seq);
        let published = kept.first + kept.entries.len() as u64;
        drop(kept);
        self.published.send_replace(published);
    }

    /// Follows the number of published frames.
    pub(crate) fn published(&self) -> watch::Receiver<u64> {
        self.published.subscribe()
    }

    pub(crate) fn last_seq(&self) -> u64 {
        self.kept.read().last_seq
    }

    pub(crate) fn bytes(&self) -> usize {
        self.kept.read().bytes
    }

    pub(crate) fn expected(&self) -> Vec<ExpectedEvent> {
        let kept = self.kept.read();
        let newest = kept.entries.iter().flat_map(|entry| &entry.expected);
        kept.retired.iter().chain(newest).cloned().collect()
    }

    /// The fault for the connection at this frame. Each is injected once.
    pub(crate) fn spend_fault(&self, entry: &Entry) -> Option<FaultKind> {
        let fault = entry.fault?;
        if entry.fault_spent.swap(true, Ordering::Relaxed) {
            return None;
        }
        self.faults.add(fault, 1);
        Some(fault)
    }

    pub(crate) fn faults(&self) -> &FaultCounts {
        &self.faults
    }

    pub(crate) fn drops(&self) -> &FaultCounts {
        &self.drops
    }
}

#[cfg(test)]
mod tests;
