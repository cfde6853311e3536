//! How much of what a client sends behind its request head the server gets to read.

use std::cell::{Cell, RefCell};
use std::task::Waker;

/// What may come behind the head of a connection's request. [`semantics`](crate::semantics) decides it once the head is known.
#[derive(Debug, Default)]
pub struct Gate {
    opening: Cell<Opening>,
    reader: RefCell<Option<Waker>>,
    is_overrun: Cell<bool>,
}

/// What is let through now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Opening {
    /// The head, and nothing behind it.
    #[default]
    Head,
    /// So many bytes of a body, and nothing behind it.
    Body(u64),
    /// Everything: the connection is no longer HTTP.
    All,
    /// Nothing, and nothing is read: the end.
    End,
}

impl Gate {
    /// The head is known, and this many bytes belong to the body behind it.
    pub(crate) fn body(&self, bytes: u64) {
        self.open(Opening::Body(bytes));
    }

    /// The head is known, and what comes behind it is another protocol.
    pub(crate) fn all(&self) {
        self.open(Opening::All);
    }

    /// Nothing more is expected of the client: to the server the connection looks as if the client had ended it.
    pub fn end(&self) {
        self.open(Opening::End);
    }

    /// Whether the client was cut off because it sent too much that nobody had asked for.
    pub fn is_overrun(&self) -> bool {
        self.is_overrun.get()
    }

    pub(crate) fn overrun(&self) {
        if self.opening.get() != Opening::End {
            self.is_overrun.set(true);
            self.opening.set(Opening::End);
        }
    }

    pub(crate) fn opening(&self) -> Opening {
        self.opening.get()
    }

    /// Notes that so many bytes of the body were read.
    pub(crate) fn passed(&self, bytes: u64) {
        if let Opening::Body(left) = self.opening.get() {
            self.opening.set(Opening::Body(left.saturating_sub(bytes)));
        }
    }

    /// Wakes this reader when the opening changes.
    pub(crate) fn wake_later(&self, waker: &Waker) {
        self.reader.replace(Some(waker.clone()));
    }

    fn open(&self, opening: Opening) {
        if self.opening.get() != Opening::End {
            self.opening.set(opening);
        }
        let reader = self.reader.take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}
