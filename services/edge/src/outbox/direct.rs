//! Writing straight to the socket, past the HTTP server: the hub writes what it has just queued, without waking the
//! connection's task and without the server's copy.
//!
//! Two write to one socket then, the hub here and the server what the body gives to it, so it is never the turn of both.
//! The turn is the hub's from the moment at which the body is asked for more and has nothing: the server asks only when
//! everything that it was given is in the system's hands (`Server::bind` sees to that), the head of the response
//! first of all. The turn ends as soon as something has to wait, be it because the socket takes no more, or because it
//! is no chunk: the body is woken, and gives it to the server. Whatever way bytes go, they are taken out of one queue in
//! one order; the rest of a chunk that was written in part goes before everything else.

use std::sync::Arc;

use super::turn::{Line, Turn};
use super::{Outbox, State, wake};

/// What became of a chunk that was written past the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The socket took everything that was queued.
    Whole,
    /// Not everything; the server writes the rest.
    InPart,
    /// Nothing was queued any more, or it was not this one's turn.
    Nothing,
}

impl Outbox {
    /// Lets the hub write to this socket, whenever it is its turn.
    pub fn write_to(&self, line: Arc<dyn Line>) {
        self.state.borrow_mut().turn.line = Some(line);
    }

    /// The socket is nobody's any more.
    pub fn detach(&self) {
        self.state.borrow_mut().turn = Turn::default();
    }

    /// The server asked the body for more, having written everything before, and got something or not.
    pub fn asked(&self, is_given_something: bool) {
        self.state.borrow_mut().turn.is_hubs = !is_given_something;
    }

    /// Writes what is queued, as far as the socket takes it; the rest is the body's.
    pub fn write_out(&self) -> Written {
        let mut state = self.state.borrow_mut();
        if state.queue.is_empty() || !state.turn.is_hubs {
            return Written::Nothing;
        }
        let Some(line) = state.turn.line.clone() else {
            return Written::Nothing;
        };
        while !state.has_control()
            && let Some(chunk) = state.queue.pop_front()
        {
            // A socket that is broken is found so by the server.
            let taken = line.write_now(&chunk.bytes).unwrap_or_default();
            if taken == 0 && !chunk.bytes.is_empty() {
                state.queue.push_front(chunk);
                break;
            }
            state.note_taken(&chunk);
            if taken < chunk.bytes.len() {
                state.rest = Some(chunk.bytes.slice(taken..));
                break;
            }
        }
        if state.has_unwritten() {
            state.turn.is_hubs = false;
            wake(state);
            return Written::InPart;
        }
        Written::Whole
    }
}

impl State {
    /// Whether what is queued now may be written at once.
    pub(super) fn is_hubs_turn(&self) -> bool {
        self.turn.is_hubs && self.turn.line.is_some() && !self.has_unwritten()
    }

    pub(super) fn has_control(&self) -> bool {
        self.ping.is_some() || self.pong.is_some()
    }
}

#[cfg(test)]
mod tests;
