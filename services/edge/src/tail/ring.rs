//! The newest events, bounded by bytes. Frames encoded on demand count as long as they live.
//!
//! Invariant: the ring covers the seqs from its start to its end without a gap: a reader that continues at its position sees
//! every event once and in order, or learns that it is behind.

use std::collections::VecDeque;
use std::sync::Arc;

use fanjet_event::TimeUs;
use fanjet_log::Seq;
use parking_lot::RwLock;
use tokio::sync::watch;

use super::{EncodedBytes, Entry, Generation};

/// Shared by the feeder, its only writer, and all hubs.
#[derive(Debug)]
pub struct Ring {
    covered: RwLock<Covered>,
    head: watch::Sender<Head>,
    max_bytes: usize,
    encoded: Arc<EncodedBytes>,
}

/// The end of the ring. Hubs watch it to learn of new events: wake-ups coalesce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// The next seq; `None` until the log's end is known.
    pub end: Option<Seq>,
    /// The newest event's time.
    pub time: Option<TimeUs>,
    /// Where a new subscriber starts: after everything that was in the log at startup.
    pub live: Seq,
    /// The log of these positions.
    pub generation: Generation,
}

/// Limits of one read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimit {
    /// Events.
    pub entries: usize,
    /// Bytes of frames. The first event alone may exceed it.
    pub bytes: usize,
}

/// What a reader finds at its position.
#[derive(Debug)]
pub enum Read {
    /// The next events; never empty.
    Hot(Vec<Arc<Entry>>),
    /// They are no longer in the ring.
    Behind {
        /// The oldest seq that can still be read.
        oldest: Seq,
    },
    /// There are none yet.
    CaughtUp,
}

#[derive(Debug, Default)]
struct Covered {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    start: Seq,
    end: Seq,
}

impl Ring {
    /// An empty ring. The newest event is kept even if it alone exceeds `max_bytes`.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            covered: RwLock::default(),
            head: watch::Sender::default(),
            max_bytes,
            encoded: Arc::default(),
        }
    }

    /// The counter for frames encoded on demand.
    pub fn encoded(&self) -> &Arc<EncodedBytes> {
        &self.encoded
    }

    /// Empties the ring and continues at `start`. New subscribers start at `live`, which may be later.
    pub fn restart(&self, start: Seq, live: Seq) {
        let forgotten = std::mem::replace(
            &mut *self.covered.write(),
            Covered {
                start,
                end: start,
                ..Covered::default()
            },
        );
        drop(forgotten);
        self.head.send_modify(|head| {
            *head = Head {
                end: Some(start),
                time: None,
                live,
                generation: head.generation,
            };
        });
    }

    /// Drops the events of a replaced log. Nothing is known of the new log until [`Ring::restart`].
    ///
    /// A reader that finds the same [`Head::generation`] after a read has read from that log.
    pub fn forget_log(&self) {
        self.head.send_modify(|head| {
            *head = Head {
                generation: head.generation.next(),
                ..Head::default()
            };
        });
        let forgotten = std::mem::take(&mut *self.covered.write());
        drop(forgotten);
    }

    /// Runs `act` unless the log was replaced. State that it writes is dropped if the log is replaced meanwhile.
    pub fn unless_replaced(&self, generation: Generation, act: impl FnOnce()) {
        let _held = self.covered.read();
        if self.head().generation == generation {
            act();
        }
    }

    /// Appends events that follow the ring's end. The caller has checked that; seqs that were not selected may be missing
    /// between them.
    pub fn extend(&self, entries: Vec<Arc<Entry>>) {
        let Some(last) = entries.last().cloned() else {
            return;
        };
        let forgotten = {
            let mut covered = self.covered.write();
            covered.bytes += entries.iter().map(|entry| entry.weight()).sum::<usize>();
            covered.entries.extend(entries);
            covered.end = last.seq() + 1;
            covered.trim(self.max_bytes, self.encoded.get())
        };
        // Freed outside the lock.
        drop(forgotten);
        self.head.send_modify(|head| {
            head.end = Some(last.seq() + 1);
            head.time = Some(last.time());
            head.live = head.live.max(last.seq() + 1);
        });
    }

    /// Evicts events after frames were encoded on demand.
    pub fn trim(&self) {
        let encoded = self.encoded.get();
        if self.covered.read().bytes + encoded > self.max_bytes {
            let forgotten = self.covered.write().trim(self.max_bytes, encoded);
            drop(forgotten);
        }
    }

    /// Reads from `seq` up to, but excluding, `until`.
    pub fn read_from(&self, seq: Seq, until: Seq, limit: ReadLimit) -> Read {
        let covered = self.covered.read();
        if seq < covered.start {
            return Read::Behind {
                oldest: covered.start,
            };
        }
        let mut bytes = 0;
        let at = covered.entries.partition_point(|entry| entry.seq() < seq);
        let found: Vec<_> = covered
            .entries
            .range(at..)
            .take(limit.entries)
            .take_while(|entry| {
                let is_first = bytes == 0;
                bytes += entry.frame().len();
                entry.seq() < until && (is_first || bytes <= limit.bytes)
            })
            .cloned()
            .collect();
        if found.is_empty() {
            Read::CaughtUp
        } else {
            Read::Hot(found)
        }
    }

    /// The first event that is not earlier than `time`, if certain: the ring has it and an earlier one.
    pub fn seq_at(&self, time: u64) -> Option<Seq> {
        let covered = self.covered.read();
        let at = covered
            .entries
            .partition_point(|entry| entry.time().get() < time);
        covered
            .entries
            .get(at.checked_sub(1)? + 1)
            .map(|entry| entry.seq())
    }

    /// At most `count` events, evenly spread.
    pub fn sample(&self, count: usize) -> Vec<Arc<Entry>> {
        let covered = self.covered.read();
        let distance = covered.entries.len().div_ceil(count.max(1)).max(1);
        covered.entries.iter().step_by(distance).cloned().collect()
    }

    /// The oldest seq that can be read.
    pub fn start(&self) -> Seq {
        self.covered.read().start
    }

    /// Bytes in the ring.
    pub fn bytes(&self) -> usize {
        self.covered.read().bytes + self.encoded.get()
    }

    /// The end of the ring.
    pub fn head(&self) -> Head {
        *self.head.borrow()
    }

    /// Watches the end.
    pub fn watch(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }
}

impl Covered {
    /// Evicts the oldest entries until the rest fits together with `encoded` bytes of frames encoded on demand. The newest one stays.
    fn trim(&mut self, max_bytes: usize, mut encoded: usize) -> Vec<Arc<Entry>> {
        let mut forgotten = Vec::new();
        while self.bytes + encoded > max_bytes && self.entries.len() > 1 {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= oldest.weight();
            encoded = encoded.saturating_sub(oldest.encoded_weight());
            self.start = oldest.seq() + 1;
            forgotten.push(oldest);
        }
        forgotten
    }
}

#[cfg(test)]
mod tests;
