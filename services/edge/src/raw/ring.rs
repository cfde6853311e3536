//! The newest raw frames, within a byte limit, for all subscribers of the node.

use std::collections::VecDeque;

use bytes::Bytes;
use fanjet_event::Topic;
use fanjet_log::Seq;
use parking_lot::Mutex;
use tokio::sync::watch;

/// Frames that one reader looks at before it makes room for others: most of them may be none that it wants.
const EXAMINED_AT_ONCE: usize = 1024;

/// A frame and the head of its WebSocket message, which may hold the frame's beginning. Both are shared by all subscribers, and nothing is joined.
#[derive(Debug, Clone)]
pub(crate) struct RawFrame {
    pub(crate) seq: Seq,
    pub(crate) wire_seq: u64,
    /// What subscribers can choose it by.
    pub(crate) topic: Topic,
    pub(crate) head: Bytes,
    pub(crate) body: Bytes,
}

impl RawFrame {
    /// The bytes that it takes.
    pub(crate) fn len(&self) -> usize {
        self.head.len() + self.body.len()
    }
}

/// How far the ring reaches. Watched by subscribers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// The seq that the next frame gets; `None` before the end of the log was reached.
    pub(crate) end: Option<Seq>,
    /// Counts the logs: the seqs of another one mean nothing.
    pub(crate) generation: u64,
}

/// What a subscriber finds at its position.
#[derive(Debug)]
pub(crate) enum Found {
    /// These frames, if any is wanted, and the position behind those that were examined.
    Frames(Vec<RawFrame>, Seq),
    /// Nothing yet.
    End,
    /// The ring begins behind it.
    Before,
}

/// The ring of one node.
#[derive(Debug)]
pub(crate) struct Ring {
    state: Mutex<State>,
    head: watch::Sender<Head>,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    /// In the order of their seqs, which may have holes.
    frames: VecDeque<RawFrame>,
    /// From this seq on everything is here.
    first: Seq,
    /// Up to this seq, exclusively.
    end: Option<Seq>,
    bytes: usize,
    generation: u64,
}

impl Ring {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            state: Mutex::default(),
            head: watch::Sender::new(Head {
                end: None,
                generation: 0,
            }),
            max_bytes,
        }
    }

    /// Starts over at a seq, in another log if `is_other`.
    pub(crate) fn restart(&self, at: Seq, is_other: bool) {
        let mut state = self.state.lock();
        *state = State {
            first: at,
            end: Some(at),
            generation: state.generation + u64::from(is_other),
            ..State::default()
        };
    }

    /// Adds frames behind the others. They are shown to subscribers by [`Ring::publish`].
    pub(crate) fn push(&self, frames: impl IntoIterator<Item = RawFrame>) {
        let mut state = self.state.lock();
        for frame in frames {
            state.end = Some(frame.seq + 1);
            state.bytes += frame.len();
            state.frames.push_back(frame);
        }
        // The newest one stays, however large it is.
        while state.bytes > self.max_bytes
            && state.frames.len() > 1
            && let Some(oldest) = state.frames.pop_front()
        {
            state.bytes -= oldest.len();
            state.first = oldest.seq + 1;
        }
    }

    /// Shows the end to subscribers. Until the ring was filled up to the end of the log once (`is_warm`), there is no end to
    /// start at.
    pub(crate) fn publish(&self, is_warm: bool) {
        let (end, generation) = {
            let state = self.state.lock();
            (state.end, state.generation)
        };
        self.head.send_if_modified(|shown| {
            let was_warm = shown.generation == generation && shown.end.is_some();
            let head = Head {
                end: end.filter(|_| is_warm || was_warm),
                generation,
            };
            let is_new = *shown != head;
            *shown = head;
            is_new
        });
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }

    /// How far it reaches now.
    pub(crate) fn head(&self) -> Head {
        *self.head.borrow()
    }

    /// The seq behind its newest frame, whether that is published or not.
    pub(crate) fn end(&self) -> Option<Seq> {
        self.state.lock().end
    }

    pub(crate) fn bytes(&self) -> usize {
        self.state.lock().bytes
    }

    /// The position of the first frame whose wire seq is not below this one, if the ring is certain of it.
    pub(crate) fn seq_at(&self, wire_seq: u64) -> Option<Seq> {
        let state = self.state.lock();
        let oldest = state.frames.front()?;
        let newest = state.frames.back()?;
        if !(oldest.wire_seq..=newest.wire_seq).contains(&wire_seq) {
            return None;
        }
        let at = state
            .frames
            .partition_point(|frame| frame.wire_seq < wire_seq);
        state.frames.get(at).map(|frame| frame.seq)
    }

    /// Everything up to this seq, exclusively, was seen, whether it belongs here or not.
    pub(crate) fn advance(&self, to: Seq) {
        let mut state = self.state.lock();
        state.end = state.end.map(|end| end.max(to));
    }

    /// The newest frame.
    pub(crate) fn newest_frame(&self) -> Option<RawFrame> {
        self.state.lock().frames.back().cloned()
    }

    /// The wire seq of the newest frame.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.state.lock().frames.back().map(|frame| frame.wire_seq)
    }

    /// The wanted frames from a position on, up to so many bytes and at least one. The others are not even cloned.
    pub(crate) fn take(
        &self,
        from: Seq,
        max_bytes: usize,
        wants: impl Fn(&RawFrame) -> bool,
    ) -> Found {
        let state = self.state.lock();
        if from < state.first {
            return Found::Before;
        }
        let at = state.frames.partition_point(|frame| frame.seq < from);
        let (mut frames, mut bytes, mut next) = (Vec::new(), 0, None);
        for frame in state.frames.range(at..).take(EXAMINED_AT_ONCE) {
            if wants(frame) {
                if bytes > 0 && bytes + frame.len() > max_bytes {
                    break;
                }
                bytes += frame.len();
                frames.push(frame.clone());
            }
            next = Some(frame.seq + 1);
        }
        match next {
            Some(next) => Found::Frames(frames, next),
            None => Found::End,
        }
    }
}

#[cfg(test)]
mod tests;
