//! A filter between a connection and the HTTP server that passes one request.
//!
//! The HTTP server decodes everything it can read, even while a response is in progress, and keeps what it has decoded.
//! So it may read only the bytes of the one request that is served. Bytes behind it are dropped, so that the end of the
//! connection is still detected; a client that sends many of them is cut off.
//!
//! A connection that is [handed over](Gate::hand_over) looks closed by the client as soon as the head of its response is written. The
//! server then shuts it down, and that call leaves it to its next owner instead.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_http::Extensions;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use crate::gate::{Gate, Opening};
use crate::head::HeadEnd;

/// Bytes behind a request that are dropped before the connection is closed.
const MAX_DROPPED: usize = 64 << 10;
/// Bytes dropped per read.
const DROPPED_AT_ONCE: usize = 4096;
/// Kept for another protocol while its request is looked at. What is more stays in the system.
const MAX_AHEAD: usize = 4096;

/// A connection that carries one request.
#[derive(Debug)]
pub struct Wire<T> {
    /// `None`: it was handed over.
    io: Option<T>,
    gate: Rc<Gate>,
    head: HeadEnd,
    has_head: bool,
    /// Bytes that arrived in one piece with the head.
    early: Bytes,
    dropped: usize,
    /// Something of the answer was written after it was decided to hand the connection over.
    has_answered: bool,
    left: Rc<RefCell<Option<Left<T>>>>,
    data: RefCell<Extensions>,
}

/// What the server leaves of a connection that is handed over.
#[derive(Debug)]
pub(crate) struct Left<T> {
    pub(crate) io: T,
    /// What came behind the head already.
    pub(crate) early: Bytes,
}

impl<T> Wire<T> {
    /// A fresh connection with the connection data of its request.
    pub fn new(io: T, data: Extensions) -> Self {
        Self {
            io: Some(io),
            gate: Rc::default(),
            head: HeadEnd::default(),
            has_head: false,
            early: Bytes::new(),
            dropped: 0,
            has_answered: false,
            left: Rc::default(),
            data: RefCell::new(data),
        }
    }

    /// Controls how much is read.
    pub fn gate(&self) -> &Rc<Gate> {
        &self.gate
    }

    /// Where the server leaves a connection that is handed over.
    pub(crate) fn left(&self) -> &Rc<RefCell<Option<Left<T>>>> {
        &self.left
    }

    /// Takes the connection data; `None` the second time.
    pub(crate) fn take_data(&self) -> Extensions {
        self.data.take()
    }
}

/// Of a connection that was handed over already.
fn handed_over() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

impl<T: AsyncRead + Unpin> Wire<T> {
    fn poll_io(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Some(io) => Pin::new(io).poll_read(cx, buf),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_head(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.has_head {
            self.gate.wake_later(cx.waker());
            return Poll::Pending;
        }
        let before = buf.filled().len();
        ready!(self.poll_io(cx, buf))?;
        let read = buf.filled().get(before..).unwrap_or_default();
        if let Some(end) = self.head.find(read) {
            self.has_head = true;
            self.early = Bytes::copy_from_slice(read.get(end..).unwrap_or_default());
            buf.set_filled(before + end);
        }
        Poll::Ready(Ok(()))
    }

    /// Reads at most this much of what may be read.
    fn poll_some(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
        most: u64,
    ) -> Poll<io::Result<()>> {
        if self.early.is_empty() {
            let Some(io) = &mut self.io else {
                return Poll::Ready(Ok(()));
            };
            return Pin::new(&mut io.take(most)).poll_read(cx, buf);
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let most = most.min(buf.remaining()).min(self.early.len());
        buf.put_slice(&self.early.split_to(most));
        Poll::Ready(Ok(()))
    }

    /// Keeps early bytes, up to the limit; ready when the connection has ended.
    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; MAX_AHEAD];
        while let Some(room @ 1..) = MAX_AHEAD.checked_sub(self.early.len()) {
            let mut buf = ReadBuf::new(bytes.get_mut(..room).unwrap_or_default());
            ready!(self.poll_io(cx, &mut buf))?;
            if buf.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.early = [&self.early, buf.filled()].concat().into();
        }
        self.gate.wake_later(cx.waker());
        Poll::Pending
    }

    /// Ready when the connection has ended, or must end.
    fn poll_drop(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.dropped += self.early.len();
        self.early = Bytes::new();
        let mut bytes = [0; DROPPED_AT_ONCE];
        while self.dropped <= MAX_DROPPED {
            let mut buf = ReadBuf::new(&mut bytes);
            ready!(self.poll_io(cx, &mut buf))?;
            match buf.filled().len() {
                0 => return Poll::Ready(Ok(())),
                read => self.dropped += read,
            }
        }
        self.gate.overrun();
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Wire<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.gate.opening() {
            Opening::Head => this.poll_head(cx, buf),
            Opening::Body(0) => this.poll_drop(cx),
            Opening::Body(left) => {
                let before = buf.filled().len();
                ready!(this.poll_some(cx, buf, left))?;
                this.gate.passed((buf.filled().len() - before) as u64);
                Poll::Ready(Ok(()))
            }
            Opening::Ahead => this.poll_ahead(cx),
            Opening::End => Poll::Ready(Ok(())),
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let io = this.io.as_mut().ok_or_else(handed_over)?;
        let written = ready!(Pin::new(io).poll_write(cx, buf))?;
        this.has_answered = this.gate.is_to_be_handed_over();
        Poll::Ready(Ok(written))
    }

    /// The server asks for this when it has written all that it has.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let io = this.io.as_mut().ok_or_else(handed_over)?;
        ready!(Pin::new(io).poll_flush(cx))?;
        if this.has_answered && this.gate.opening() != Opening::End {
            this.gate.end();
            // It has looked for more to read already in this turn.
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    /// Reads pending input first: closing a socket with unread input resets the connection, and the client may lose
    /// data that it has not read yet.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.has_answered
            && this.gate.is_to_be_handed_over()
            && let Some(io) = this.io.take()
        {
            let early = std::mem::take(&mut this.early);
            this.left.replace(Some(Left { io, early }));
            return Poll::Ready(Ok(()));
        }
        if this.io.is_some() {
            // The connection ends in any case, so an error makes no difference.
            let _is_over = this.poll_drop(cx).is_ready();
        }
        match &mut this.io {
            Some(io) => Pin::new(io).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests;
