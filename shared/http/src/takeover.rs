//! A connection that was HTTP.

use std::cell::Cell;
use std::rc::Rc;

use bytes::Bytes;
use futures::future::LocalBoxFuture;

use crate::Io;

/// Takes a connection over; what it returns runs on the connection's own task until the connection has ended.
pub type Takeover = Box<dyn FnOnce(Upgraded) -> LocalBoxFuture<'static, ()>>;

/// A connection behind the head of its one answer.
#[derive(Debug)]
pub struct Upgraded<S = Io> {
    /// The connection itself.
    pub stream: S,
    /// The bytes that the client sent in one piece with its request. They precede everything that is read.
    pub early: Bytes,
    /// Set when the client is cut off because it sends too many unrequested bytes.
    pub is_overrun: Rc<Cell<bool>>,
}
