//! Limits what the server reads of a client's bytes behind the request head.

use std::cell::{Cell, RefCell};
use std::task::Waker;

/// What the server may read of a connection. [`semantics`](crate::semantics) decides it once the head is complete.
#[derive(Debug, Default)]
pub struct Gate {
    opening: Cell<Opening>,
    reader: RefCell<Option<Waker>>,
    is_overrun: Cell<bool>,
}

/// What may be read now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Opening {
    /// The head, and nothing behind it.
    #[default]
    Head,
    /// This many bytes of a body, and nothing behind it.
    Body(u64),
    /// Everything: the connection is no longer HTTP.
    All,
    /// Nothing, and the connection reports its end.
    End,
}

impl Gate {
    /// The head is complete, and this many bytes of body follow.
    pub(crate) fn body(&self, bytes: u64) {
        self.open(Opening::Body(bytes));
    }

    /// The head is complete, and another protocol follows.
    pub(crate) fn all(&self) {
        self.open(Opening::All);
    }

    /// Nothing more is expected of the client: to the server the connection looks closed by the client.
    pub fn end(&self) {
        self.open(Opening::End);
    }

    /// Whether the client was cut off because it sent too many unexpected bytes.
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

    /// Records that this many bytes of the body were read.
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
