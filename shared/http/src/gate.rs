//! Limits what the server reads of a client's bytes behind the request head, and hands the connection over behind the head of
//! its response.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Debug, Formatter};
use std::rc::Rc;
use std::task::Waker;

use crate::takeover::Takeover;

/// What the server may read of a connection. [`semantics`](crate::semantics) decides it once the head is complete.
#[derive(Debug, Default)]
pub struct Gate {
    opening: Cell<Opening>,
    reader: RefCell<Option<Waker>>,
    is_overrun: Rc<Cell<bool>>,
    takeover: RefCell<Pending>,
}

/// What takes the connection over from the server.
#[derive(Default)]
struct Pending(Option<Takeover>);

/// What may be read now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Opening {
    /// The head, and nothing behind it.
    #[default]
    Head,
    /// This many bytes of a body, and nothing behind it.
    Body(u64),
    /// Nothing yet: another protocol may follow, whose bytes are kept up to a limit.
    Ahead,
    /// Nothing, and the connection reports its end.
    End,
}

impl Gate {
    /// The head is complete, and this many bytes of body follow.
    pub(crate) fn body(&self, bytes: u64) {
        self.open(Opening::Body(bytes));
    }

    /// The head is complete, and another protocol follows if the request is granted.
    pub(crate) fn ahead(&self) {
        self.open(Opening::Ahead);
    }

    /// Nothing more is expected of the client: to the server the connection looks closed by the client.
    pub(crate) fn end(&self) {
        self.open(Opening::End);
    }

    /// Hands the connection to `takeover` once the server has written the response that is given now. It runs until the connection
    /// ends.
    pub fn hand_over(&self, takeover: Takeover) {
        self.takeover.replace(Pending(Some(takeover)));
    }

    /// Keeps the connection with the server.
    pub(crate) fn keep(&self) {
        self.takeover.take();
    }

    pub(crate) fn is_to_be_handed_over(&self) -> bool {
        self.takeover.borrow().0.is_some()
    }

    pub(crate) fn take_takeover(&self) -> Option<Takeover> {
        self.takeover.take().0
    }

    /// Whether the client was cut off because it sent too many unrequested bytes.
    pub fn is_overrun(&self) -> bool {
        self.is_overrun.get()
    }

    pub(crate) fn overrun(&self) {
        if self.opening.get() != Opening::End {
            self.is_overrun.set(true);
            self.opening.set(Opening::End);
        }
    }

    /// What shows that the client was cut off so.
    pub(crate) fn overrun_mark(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.is_overrun)
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

impl Debug for Pending {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pending").field(&self.0.is_some()).finish()
    }
}
