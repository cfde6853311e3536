//! A filter between a connection and the HTTP server that passes one request.
//!
//! The HTTP server decodes everything it can read, even while a response is in progress, and keeps what it has decoded.
//! So it may read only the bytes of the one request that is served. Bytes behind it are dropped, so that the end of the
//! connection is still detected; a client that sends many of them is cut off.

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

/// A connection that carries one request.
#[derive(Debug)]
pub struct Wire<T> {
    io: T,
    gate: Rc<Gate>,
    head: HeadEnd,
    has_head: bool,
    /// Bytes that arrived in one piece with the head.
    early: Bytes,
    dropped: usize,
    data: RefCell<Extensions>,
}

impl<T> Wire<T> {
    /// A fresh connection with the connection data of its request.
    pub fn new(io: T, data: Extensions) -> Self {
        Self {
            io,
            gate: Rc::default(),
            head: HeadEnd::default(),
            has_head: false,
            early: Bytes::new(),
            dropped: 0,
            data: RefCell::new(data),
        }
    }

    /// Controls how much is read.
    pub fn gate(&self) -> &Rc<Gate> {
        &self.gate
    }

    /// Takes the connection data; `None` the second time.
    pub(crate) fn take_data(&self) -> Extensions {
        self.data.take()
    }
}

impl<T: AsyncRead + Unpin> Wire<T> {
    fn poll_head(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.has_head {
            self.gate.wake_later(cx.waker());
            return Poll::Pending;
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
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
            let mut some = (&mut self.io).take(most);
            return Pin::new(&mut some).poll_read(cx, buf);
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let most = most.min(buf.remaining()).min(self.early.len());
        buf.put_slice(&self.early.split_to(most));
        Poll::Ready(Ok(()))
    }

    /// Ready when the connection has ended, or must end.
    fn poll_drop(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.dropped += self.early.len();
        self.early = Bytes::new();
        let mut bytes = [0; DROPPED_AT_ONCE];
        while self.dropped <= MAX_DROPPED {
            let mut buf = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf))?;
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
            Opening::All => this.poll_some(cx, buf, u64::MAX),
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
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    /// Reads pending input first: closing a socket with unread input resets the connection, and the client may lose
    /// data that it has not read yet.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // The connection ends in any case, so an error makes no difference.
        let _is_over = this.poll_drop(cx).is_ready();
        Pin::new(&mut this.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
