//! The newest events, bounded by bytes. Frames that were made on demand count, too, as long as they live.
//!
//! Invariant: the ring covers the seqs from its start up to its end without a hole: whoever reads on from where it
//! stopped sees every event once, in order, or is told that it fell behind.

use std::collections::VecDeque;
use std::sync::Arc;

use fanjet_event::TimeUs;
use fanjet_log::Seq;
use parking_lot::RwLock;
use tokio::sync::watch;

use super::{EncodedBytes, Entry, Generation};

/// Shared by the feeder, which alone writes, and all hubs.
#[derive(Debug)]
pub struct Ring {
    covered: RwLock<Covered>,
    head: watch::Sender<Head>,
    max_bytes: usize,
    encoded: Arc<EncodedBytes>,
}

/// Where the ring ends. Watching it is how hubs learn that there is something to do: wake-ups coalesce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// The seq that comes next; `None` until the log's end is known.
    pub end: Option<Seq>,
    /// The newest event's time.
    pub time: Option<TimeUs>,
    /// Where a new subscriber starts: behind everything that was in the log when the node started, too.
    pub live: Seq,
    /// The log that it is about.
    pub generation: Generation,
}

/// How much one read may return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimit {
    /// Events.
    pub entries: usize,
    /// Bytes of frames. The first event may exceed it alone.
    pub bytes: usize,
}

/// What a reader finds at its position.
#[derive(Debug)]
pub enum Read {
    /// The next events; never none.
    Hot(Vec<Arc<Entry>>),
    /// They are gone.
    Behind {
        /// The oldest position that can still be read.
        oldest: Seq,
    },
    /// Nothing there yet.
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
    /// An empty ring. The newest event is kept even when it alone is larger than `max_bytes`.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            covered: RwLock::default(),
            head: watch::Sender::default(),
            max_bytes,
            encoded: Arc::default(),
        }
    }

    /// Where the frames that are made on demand are counted.
    pub fn encoded(&self) -> &Arc<EncodedBytes> {
        &self.encoded
    }

    /// Forgets everything and begins anew with `start`. New subscribers start at `live`, which may be further on.
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

    /// Forgets a log in whose place there is another one. Until [`Ring::restart`] nothing is known of that.
    ///
    /// Whoever has read something and still finds the same [`Head::generation`] has read it of that log.
    pub fn begin_anew(&self) {
        self.head.send_modify(|head| {
            *head = Head {
                generation: head.generation.next(),
                ..Head::default()
            };
        });
        let forgotten = std::mem::take(&mut *self.covered.write());
        drop(forgotten);
    }

    /// Does something, unless the log has been replaced. If it is replaced meanwhile, whoever forgets what was known of it
    /// does so afterwards.
    pub fn unless_replaced(&self, generation: Generation, act: impl FnOnce()) {
        let _held = self.covered.read();
        if self.head().generation == generation {
            act();
        }
    }

    /// Appends events that directly follow the ring's end. The caller has checked that; positions that the
    /// log's reader did not select may be missing between them.
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
        // Freed outside of the lock.
        drop(forgotten);
        self.head.send_modify(|head| {
            head.end = Some(last.seq() + 1);
            head.time = Some(last.time());
            head.live = head.live.max(last.seq() + 1);
        });
    }

    /// Forgets what is too much after frames were made on demand.
    pub fn trim(&self) {
        let encoded = self.encoded.get();
        if self.covered.read().bytes + encoded > self.max_bytes {
            let forgotten = self.covered.write().trim(self.max_bytes, encoded);
            drop(forgotten);
        }
    }

    /// Reads on at `seq`, up to but without `until`.
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

    /// The position of the first event that is not earlier than `time`, when that is certain: the ring holds it and
    /// an earlier one.
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

    /// The oldest position that can be read.
    pub fn start(&self) -> Seq {
        self.covered.read().start
    }

    /// Bytes that are held.
    pub fn bytes(&self) -> usize {
        self.covered.read().bytes + self.encoded.get()
    }

    /// Where the ring ends.
    pub fn head(&self) -> Head {
        *self.head.borrow()
    }

    /// Watches the end.
    pub fn watch(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }
}

impl Covered {
    /// Takes out the oldest entries until the rest fits beside `encoded` bytes of frames that were made on demand.
    /// The newest one stays.
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
