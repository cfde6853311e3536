//! What waits for one socket.
//!
//! Lives on the worker thread: the hub and the subscriber put in, the feed takes out. It holds handles on bytes
//! that all members of a lane share, and its bound counts those bytes. Each piece is whole frames, so control
//! frames may stand between any two.

mod control;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use fanjet_event::TimeUs;
use fanjet_filter::Encoding;
use fanjet_wire::close::CloseReason;
use fanjet_wire::websocket::pong_frame;

pub(crate) use control::greeting;

/// Whole frames of consecutive events, shared by all that want the same ones.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The frames.
    pub bytes: Bytes,
    /// The time of the last event in it.
    pub last: TimeUs,
}

/// What became of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Push {
    /// It waits for the socket.
    Queued,
    /// Too much waits already; it was not taken.
    Full,
    /// The connection is ending; it was not taken.
    Closed,
}

/// What the writer gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Take {
    /// Write this.
    Bytes(Bytes),
    /// Nothing is queued and the connection is open: more may come.
    Empty,
    /// The close frame was taken, or there is nobody to send one to: end the connection.
    Over,
}

/// Chunks for which an empty queue keeps room.
const KEPT_CHUNKS: usize = 4;

/// The queue of one connection.
#[derive(Debug)]
pub struct Outbox {
    state: RefCell<State>,
    max_pending_bytes: usize,
    encoding: Encoding,
}

/// A finished heartbeat, and the cursor that it names.
#[derive(Debug)]
struct Heartbeat {
    frame: Bytes,
    time: TimeUs,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Chunk>,
    pending_bytes: usize,
    ping: Option<Bytes>,
    /// How many were sent, and the number of the last one that the socket took.
    pings: u64,
    pings_taken: u64,
    pong: Option<Bytes>,
    /// Goes behind everything that is queued, so nothing may be queued behind it.
    heartbeat: Option<Heartbeat>,
    closing: Option<CloseReason>,
    is_close_sent: bool,
    /// The cursor with which a new connection would miss nothing.
    resume: Option<u64>,
    /// Grows whenever the socket takes events.
    taken: u64,
    writer: Option<Waker>,
}

impl Outbox {
    /// An empty outbox. `encoding` is that of the chunks.
    pub fn new(max_pending_bytes: usize, encoding: Encoding) -> Self {
        Self {
            state: RefCell::default(),
            max_pending_bytes,
            encoding,
        }
    }

    /// Queues a chunk, as [`Outbox::push_all`].
    pub fn push(&self, chunk: &Chunk) -> Push {
        self.push_all(std::slice::from_ref(chunk))
    }

    /// Queues chunks, all or none. Where nothing waits they may exceed the bound: their bytes are shared.
    pub fn push_all(&self, chunks: &[Chunk]) -> Push {
        let mut state = self.state.borrow_mut();
        if state.closing.is_some() {
            return Push::Closed;
        }
        let bytes: usize = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
        let pending_bytes = state.pending_bytes + bytes;
        if state.pending_bytes > 0 && pending_bytes > self.max_pending_bytes {
            return Push::Full;
        }
        state.pending_bytes = pending_bytes;
        // It is about what was before, and the silence is over.
        state.heartbeat = None;
        state.queue.extend(chunks.iter().cloned());
        wake(state);
        Push::Queued
    }

    /// Sends a ping before anything that is queued; returns its number.
    pub fn ping(&self) -> u64 {
        let mut state = self.state.borrow_mut();
        state.pings += 1;
        let number = state.pings;
        if let Some(ping) = control::ping(self.encoding) {
            state.ping = Some(ping);
            wake(state);
        }
        number
    }

    /// Answers a ping before anything that is queued. Only the newest unanswered one counts (RFC 6455 section
    /// 5.5.3), so a client that pings faster than it reads costs nothing.
    pub fn pong(&self, payload: &[u8]) {
        let mut state = self.state.borrow_mut();
        state.pong = Some(pong_frame(payload));
        wake(state);
    }

    /// Sends a heartbeat that names this cursor, unless something is queued. It is no sign of life: so few bytes fit into the system's
    /// buffer of a dead connection for a long time.
    pub fn beat(&self, time: TimeUs) {
        let mut state = self.state.borrow_mut();
        if state.is_idle() {
            let frame = control::heartbeat(self.encoding, time);
            state.heartbeat = Some(Heartbeat { frame, time });
            wake(state);
        }
    }

    /// Whether every event that was handed to it has been taken, and the connection is open.
    pub fn is_idle(&self) -> bool {
        self.state.borrow().is_idle()
    }

    /// Whether events wait for the socket, or this ping still does, or the one that took its place. A later ping may wait
    /// without meaning anything: it was handed over just now.
    pub fn is_stuck_at(&self, ping: u64) -> bool {
        let state = self.state.borrow();
        !state.queue.is_empty() || state.pings_taken < ping
    }

    /// Ends the connection once everything queued is written. The first reason counts.
    pub fn close(&self, reason: CloseReason) {
        let mut state = self.state.borrow_mut();
        state.closing.get_or_insert(reason);
        wake(state);
    }

    /// Ends the connection without writing what is queued: the client will not read it.
    pub fn close_now(&self, reason: CloseReason) {
        let mut state = self.state.borrow_mut();
        state.queue.clear();
        state.pending_bytes = 0;
        state.closing.get_or_insert(reason);
        wake(state);
    }

    /// Why the connection is ending, once it is.
    pub fn closing(&self) -> Option<CloseReason> {
        self.state.borrow().closing.clone()
    }

    /// Whether the connection is ending.
    pub fn is_closing(&self) -> bool {
        self.state.borrow().closing.is_some()
    }

    /// Whether the client was sent a close frame, or will be next.
    pub fn is_close_sent(&self) -> bool {
        let state = self.state.borrow();
        state.is_close_sent
            && state
                .closing
                .as_ref()
                .is_some_and(CloseReason::is_deliverable)
    }

    /// Lets the writer look again: there is something to read for it elsewhere.
    pub fn wake(&self) {
        wake(self.state.borrow_mut());
    }

    /// Sets the cursor that stands for its start.
    pub fn start_at(&self, resume: Option<u64>) {
        self.state.borrow_mut().resume = resume;
    }

    /// The cursor with which a new connection would miss nothing, as far as it was taken; `None` before anything is
    /// known.
    pub fn resume(&self) -> Option<u64> {
        self.state.borrow().resume
    }

    /// How often the socket took events: a sign of life. Control frames do not count: they fit into the
    /// system's buffer of a dead connection for a long time.
    pub fn taken(&self) -> u64 {
        self.state.borrow().taken
    }

    /// Bytes of events that wait for the socket.
    pub fn pending_bytes(&self) -> usize {
        self.state.borrow().pending_bytes
    }

    /// Takes what is to be written next.
    pub fn take(&self) -> Take {
        self.state.borrow_mut().take(self.encoding)
    }

    /// Notes that the writer found events elsewhere and writes them now.
    pub fn note_written(&self, last: TimeUs) {
        let mut state = self.state.borrow_mut();
        state.resume = Some(last.get());
        state.taken += 1;
    }

    /// As [`Outbox::take`]; when there is nothing, wakes the caller once there is.
    pub fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Take> {
        let mut state = self.state.borrow_mut();
        match state.take(self.encoding) {
            Take::Empty => {
                let waker = cx.waker();
                if !state
                    .writer
                    .as_ref()
                    .is_some_and(|old| old.will_wake(waker))
                {
                    state.writer = Some(waker.clone());
                }
                Poll::Pending
            }
            taken => Poll::Ready(taken),
        }
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.closing.is_none()
    }

    /// The socket takes a chunk that was queued.
    fn note_taken(&mut self, chunk: &Chunk) {
        if self.queue.is_empty() && self.queue.capacity() > KEPT_CHUNKS {
            self.queue = VecDeque::new();
        }
        self.pending_bytes -= chunk.bytes.len();
        self.resume = Some(chunk.last.get());
        self.taken += 1;
    }

    fn take(&mut self, encoding: Encoding) -> Take {
        if self.is_close_sent {
            return Take::Over;
        }
        if let Some(frame) = self.pong.take() {
            return Take::Bytes(frame);
        }
        if let Some(frame) = self.ping.take() {
            self.pings_taken = self.pings;
            return Take::Bytes(frame);
        }
        if let Some(chunk) = self.queue.pop_front() {
            self.note_taken(&chunk);
            return Take::Bytes(chunk.bytes);
        }
        if let Some(heartbeat) = self.heartbeat.take() {
            self.resume = self.resume.max(Some(heartbeat.time.get()));
            return Take::Bytes(heartbeat.frame);
        }
        let Some(reason) = &self.closing else {
            return Take::Empty;
        };
        let frame = control::close(encoding, reason, self.resume);
        self.is_close_sent = true;
        match frame {
            Some(frame) => Take::Bytes(frame),
            None => Take::Over,
        }
    }
}

/// Wakes the writer after the state is free again.
fn wake(mut state: std::cell::RefMut<'_, State>) {
    let writer = state.writer.take();
    drop(state);
    if let Some(writer) = writer {
        writer.wake();
    }
}

#[cfg(test)]
mod tests;
