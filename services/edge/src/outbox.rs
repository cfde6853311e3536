//! The queue of one socket.
//!
//! Lives on the worker thread: the hub and the subscriber push, the feed takes. It holds references to bytes that all members
//! of a lane share, and its limit counts those bytes. Each chunk consists of whole frames, so control frames can be sent
//! between any two chunks.

mod control;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use fanjet_event::TimeUs;
use fanjet_filter::{Encoding, Protocol};
use fanjet_log::Seq;
use fanjet_wire::close::CloseReason;
use fanjet_wire::websocket::pong_frame;

pub(crate) use control::stream_start;

/// Whole frames of consecutive events, shared by all members of a lane.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The frames.
    pub bytes: Bytes,
    /// The time of its last event.
    pub last: TimeUs,
    /// Its position in the log.
    pub last_seq: Seq,
}

impl Chunk {
    /// The cursor that names its last event.
    fn cursor(&self, protocol: Protocol) -> u64 {
        match protocol {
            Protocol::V1 => self.last.get(),
            Protocol::V2 => self.last_seq,
        }
    }
}

/// The result of pushing a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Push {
    /// It is queued.
    Queued,
    /// The queue is full; it was not queued.
    Full,
    /// The connection is closing; it was not queued.
    Closed,
}

/// What the writer takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Take {
    /// Bytes to write.
    Bytes(Bytes),
    /// The queue is empty and the connection is open.
    Empty,
    /// The close frame was taken, or none can be delivered: end the connection.
    Over,
}

/// Capacity that an empty queue keeps.
const KEPT_CHUNKS: usize = 4;

/// The queue of one connection.
#[derive(Debug)]
pub struct Outbox {
    state: RefCell<State>,
    max_pending_bytes: usize,
    encoding: Encoding,
}

/// A finished heartbeat and its cursor.
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
    /// The number of pings sent, and the number of the last one that the socket took.
    pings: u64,
    pings_taken: u64,
    pong: Option<Bytes>,
    /// Sent after everything queued, so a later chunk replaces it.
    heartbeat: Option<Heartbeat>,
    closing: Option<CloseReason>,
    is_close_sent: bool,
    /// The cursor with which a new connection misses nothing.
    resume: Option<u64>,
    /// Incremented when the socket takes events.
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

    /// Queues all chunks or none. An empty queue may exceed the limit, because the bytes are shared.
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
        // The heartbeat describes an earlier moment, and these events replace it.
        state.heartbeat = None;
        state.queue.extend(chunks.iter().cloned());
        wake(state);
        Push::Queued
    }

    /// Sends a ping before the queue; returns its number.
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

    /// Answers a ping before the queue. Only the newest unanswered ping counts (RFC 6455, section 5.5.3), so a client that
    /// pings faster than it reads costs nothing.
    pub fn pong(&self, payload: &[u8]) {
        let mut state = self.state.borrow_mut();
        state.pong = Some(pong_frame(payload));
        wake(state);
    }

    /// Sends a heartbeat with this cursor, unless something is queued. It is no sign of life: the kernel buffers so few bytes
    /// even for a dead connection.
    pub fn beat(&self, time: TimeUs) {
        let mut state = self.state.borrow_mut();
        if state.is_idle() {
            let frame = control::heartbeat(self.encoding, time);
            state.heartbeat = Some(Heartbeat { frame, time });
            wake(state);
        }
    }

    /// Whether everything queued was taken and the connection is open.
    pub fn is_idle(&self) -> bool {
        self.state.borrow().is_idle()
    }

    /// Whether events, or this ping or its replacement, still wait for the socket. A later ping may wait without meaning
    /// anything: it was just queued.
    pub fn is_stuck_at(&self, ping: u64) -> bool {
        let state = self.state.borrow();
        !state.queue.is_empty() || state.pings_taken < ping
    }

    /// Closes the connection after the queue is written. The first reason counts.
    pub fn close(&self, reason: CloseReason) {
        let mut state = self.state.borrow_mut();
        state.closing.get_or_insert(reason);
        wake(state);
    }

    /// Closes the connection without writing the queue: the client will not read it.
    pub fn close_now(&self, reason: CloseReason) {
        let mut state = self.state.borrow_mut();
        state.queue.clear();
        state.pending_bytes = 0;
        state.closing.get_or_insert(reason);
        wake(state);
    }

    /// Why the connection is closing, if it is.
    pub fn closing(&self) -> Option<CloseReason> {
        self.state.borrow().closing.clone()
    }

    /// Whether the connection is closing.
    pub fn is_closing(&self) -> bool {
        self.state.borrow().closing.is_some()
    }

    /// Whether a close frame was sent, or will be next.
    pub fn is_close_sent(&self) -> bool {
        let state = self.state.borrow();
        state.is_close_sent
            && state
                .closing
                .as_ref()
                .is_some_and(CloseReason::is_deliverable)
    }

    /// Wakes the writer to read elsewhere.
    pub fn wake(&self) {
        wake(self.state.borrow_mut());
    }

    /// Sets the resume cursor of the start.
    pub fn start_at(&self, resume: Option<u64>) {
        self.state.borrow_mut().resume = resume;
    }

    /// The cursor with which a new connection misses nothing, given what the socket took; `None` before it is known.
    pub fn resume(&self) -> Option<u64> {
        self.state.borrow().resume
    }

    /// How often the socket took events: a sign of life. Control frames do not count, because the kernel buffers them even for
    /// a dead connection.
    pub fn taken(&self) -> u64 {
        self.state.borrow().taken
    }

    /// Bytes of queued events.
    pub fn pending_bytes(&self) -> usize {
        self.state.borrow().pending_bytes
    }

    /// Takes the next bytes to write.
    pub fn take(&self) -> Take {
        self.state.borrow_mut().take(self.encoding)
    }

    /// Notes that the writer writes events from elsewhere.
    pub fn note_written(&self, chunk: &Chunk) {
        let mut state = self.state.borrow_mut();
        state.resume = Some(chunk.cursor(self.encoding.protocol()));
        state.taken += 1;
    }

    /// As [`Outbox::take`]; wakes the caller when an empty outbox gets something.
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

    /// Accounts for a chunk that the socket takes.
    fn note_taken(&mut self, chunk: &Chunk, protocol: Protocol) {
        if self.queue.is_empty() && self.queue.capacity() > KEPT_CHUNKS {
            self.queue = VecDeque::new();
        }
        self.pending_bytes -= chunk.bytes.len();
        self.resume = Some(chunk.cursor(protocol));
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
            self.note_taken(&chunk, encoding.protocol());
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

/// Wakes the writer after the state is released.
fn wake(mut state: std::cell::RefMut<'_, State>) {
    let writer = state.writer.take();
    drop(state);
    if let Some(writer) = writer {
        writer.wake();
    }
}

#[cfg(test)]
mod tests;
