//! Events in flight to Kafka, and how far everything is acknowledged.
//!
//! Invariant: the mark moves over an event only when Kafka has acknowledged it, or it was skipped, and the same holds
//! for every event before it. Acknowledgements of different partitions arrive in any order.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use fanjet_log::Seq;

use crate::KafkaError;

/// A position in the log: everything up to here is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    pub(crate) seq: Seq,
    pub(crate) time_us: u64,
}

/// A message that Kafka can never accept as it is.
#[derive(Debug)]
pub(crate) struct Refused {
    /// Its index in the window.
    pub(crate) index: usize,
    /// Its event's seq.
    pub(crate) seq: Seq,
    pub(crate) topic: String,
    pub(crate) key: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) error: rdkafka::error::KafkaError,
}

/// The window of one session.
#[derive(Debug)]
pub(crate) struct Window {
    state: Mutex<State>,
    moved: Notify,
    max_events: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct State {
    /// The index of the first slot.
    base: usize,
    slots: VecDeque<Slot>,
    events: usize,
    bytes: usize,
    acked: Mark,
    completed: u64,
    progress_at: Instant,
    refused: Vec<Refused>,
    failure: Option<KafkaError>,
}

#[derive(Debug)]
struct Slot {
    mark: Mark,
    bytes: usize,
    is_done: bool,
}

impl Window {
    pub(crate) fn new(max_events: usize, max_bytes: usize) -> Self {
        Self {
            state: Mutex::new(State {
                base: 0,
                slots: VecDeque::new(),
                events: 0,
                bytes: 0,
                acked: Mark::default(),
                completed: 0,
                progress_at: Instant::now(),
                refused: Vec::new(),
                failure: None,
            }),
            moved: Notify::new(),
            max_events,
            max_bytes,
        }
    }

    /// Everything up to here is complete already.
    pub(crate) fn begin(&self, mark: Mark) {
        self.state.lock().acked = mark;
    }

    /// Adds an event that is being sent; returns the token for its acknowledgement.
    pub(crate) fn send(&self, mark: Mark, bytes: usize) -> usize {
        let mut state = self.state.lock();
        if state.events == 0 {
            state.progress_at = Instant::now();
        }
        state.events += 1;
        state.bytes += bytes;
        state.push(mark, bytes, false)
    }

    /// Adds an event that is not sent.
    pub(crate) fn pass(&self, mark: Mark) {
        let mut state = self.state.lock();
        match state.slots.back_mut() {
            None => state.acked = mark,
            Some(last) if last.is_done => last.mark = mark,
            Some(_) => drop(state.push(mark, 0, true)),
        }
    }

    /// Processes an acknowledgement.
    pub(crate) fn complete(&self, index: usize) {
        let mut state = self.state.lock();
        let State { base, slots, .. } = &mut *state;
        let slot = index.checked_sub(*base).and_then(|at| slots.get_mut(at));
        let Some(slot) = slot.filter(|slot| !slot.is_done) else {
            return;
        };
        slot.is_done = true;
        let bytes = slot.bytes;
        state.events -= 1;
        state.completed += 1;
        state.bytes -= bytes;
        state.advance();
        drop(state);
        self.moved.notify_one();
    }

    /// The seq of an event in flight.
    pub(crate) fn seq(&self, index: usize) -> Option<Seq> {
        let state = self.state.lock();
        let slot = state.slots.get(index.checked_sub(state.base)?)?;
        Some(slot.mark.seq)
    }

    /// Kafka can never accept a message: it needs handling, and stays in flight until then.
    pub(crate) fn refuse(&self, refused: Refused) {
        self.state.lock().refused.push(refused);
        self.moved.notify_one();
    }

    /// Messages that need handling.
    pub(crate) fn take_refused(&self) -> Vec<Refused> {
        std::mem::take(&mut self.state.lock().refused)
    }

    /// An error that ends the session; the first one counts.
    pub(crate) fn fail(&self, failure: KafkaError) {
        self.state.lock().failure.get_or_insert(failure);
        self.moved.notify_one();
    }

    /// Takes the error.
    pub(crate) fn take_failure(&self) -> Option<KafkaError> {
        self.state.lock().failure.take()
    }

    /// The seq up to which everything is complete.
    pub(crate) fn acked(&self) -> Mark {
        self.state.lock().acked
    }

    /// The seq up to which everything is complete or in flight.
    pub(crate) fn newest(&self) -> Mark {
        let state = self.state.lock();
        state.slots.back().map_or(state.acked, |slot| slot.mark)
    }

    /// Events acknowledged since the last call.
    pub(crate) fn take_completed(&self) -> u64 {
        std::mem::take(&mut self.state.lock().completed)
    }

    /// Events without an acknowledgement.
    pub(crate) fn events(&self) -> usize {
        self.state.lock().events
    }

    /// Whether one more event may be sent. A single one is always allowed, whatever its size.
    pub(crate) fn has_room(&self) -> bool {
        let state = self.state.lock();
        state.events < self.max_events && (state.events == 0 || state.bytes < self.max_bytes)
    }

    /// How long nothing has been acknowledged although something is in flight.
    pub(crate) fn stalled_for(&self) -> Duration {
        let state = self.state.lock();
        if state.events == 0 {
            return Duration::ZERO;
        }
        state.progress_at.elapsed()
    }

    /// Waits until something has changed since the last wait. Only one task may wait at a time.
    pub(crate) async fn moved(&self) {
        self.moved.notified().await;
    }
}

impl State {
    fn push(&mut self, mark: Mark, bytes: usize, is_done: bool) -> usize {
        self.slots.push_back(Slot {
            mark,
            bytes,
            is_done,
        });
        self.base + self.slots.len() - 1
    }

    fn advance(&mut self) {
        while self.slots.front().is_some_and(|slot| slot.is_done) {
            if let Some(slot) = self.slots.pop_front() {
                self.acked = slot.mark;
                self.base += 1;
                self.progress_at = Instant::now();
            }
        }
    }
}

#[cfg(test)]
mod tests;
