//! Bounds the output that waits for a server that does not read.
//!
//! Each ping requires a pong, and a WebSocket library buffers what cannot be written: a server that sends pings and
//! reads nothing would fill the memory.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite;

/// Room for many pongs and a close frame, beyond the kernel's send buffer.
const MAX_WAITING: usize = 64 << 10;

/// The server does not read: too many bytes wait to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the server does not read: {waiting} bytes are waiting (allowed: {allowed})")]
pub struct NotReading {
    waiting: usize,
    allowed: usize,
}

/// A stream to a server. A write that would leave more bytes waiting than allowed fails with [`NotReading`].
#[derive(Debug)]
pub struct Outbound<S> {
    inner: S,
    allowed: usize,
}

impl<S> Outbound<S> {
    /// Allows 64 KiB to wait.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            allowed: MAX_WAITING,
        }
    }

    /// Additionally allows a message of this size to wait. Call it before sending the message.
    pub fn allow_message(&mut self, bytes: usize) {
        self.allowed = self.allowed.max(MAX_WAITING.saturating_add(bytes));
    }
}

/// Whether a connection ended because the server does not read.
pub fn is_not_reading(error: &tungstenite::Error) -> bool {
    let tungstenite::Error::Io(error) = error else {
        return false;
    };
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<NotReading>())
}

impl<S: AsyncRead + Unpin> AsyncRead for Outbound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, out)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Outbound<S> {
    /// The library retries with everything that waits.
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let (waiting, allowed) = (bytes.len(), self.allowed);
        match Pin::new(&mut self.inner).poll_write(context, bytes) {
            Poll::Pending if waiting > allowed => {
                Poll::Ready(Err(io::Error::other(NotReading { waiting, allowed })))
            }
            written => written,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
