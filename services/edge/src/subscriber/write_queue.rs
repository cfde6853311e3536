//! The write queue of one socket: chunks of whole frames, the first of which may be partly written.
//!
//! The chunks are the shared bytes: the kernel gets a list of them, and nothing is copied or joined here. After a partial
//! write the rest continues at exactly that byte, so a frame is never interrupted by another one.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

/// Chunks per vectored write.
const MAX_PIECES: usize = 64;
/// With this many bytes queued, no more is taken from the feed: more urgent data would have to wait behind them.
const MAX_BYTES: usize = 64 << 10;
/// Capacity that an empty queue keeps.
const KEPT_PIECES: usize = 4;

/// Pieces to be written, in order.
#[derive(Debug, Default)]
pub(crate) struct WriteQueue {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    /// The stream may still buffer written data, because it encrypts.
    is_unflushed: bool,
    /// The number of partial writes.
    partial_writes: u64,
}

impl WriteQueue {
    /// Whether more may be queued.
    pub(crate) fn has_room(&self) -> bool {
        self.bytes < MAX_BYTES && self.pieces.len() < MAX_PIECES
    }

    /// Whether everything is in the kernel's buffer.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && !self.is_unflushed
    }

    pub(crate) fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.bytes += piece.len();
            self.pieces.push_back(piece);
        }
    }

    /// The number of partial writes since the last call.
    pub(crate) fn take_partial_writes(&mut self) -> u64 {
        std::mem::take(&mut self.partial_writes)
    }

    /// Ready when everything is in the kernel's buffer.
    ///
    /// # Errors
    /// I/O errors of the stream.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        mut stream: Pin<&mut impl AsyncWrite>,
    ) -> Poll<io::Result<()>> {
        while let Some(first) = self.pieces.front() {
            self.is_unflushed = true;
            let written = if self.pieces.len() == 1 {
                ready!(stream.as_mut().poll_write(cx, first))?
            } else {
                let mut slices = [IoSlice::new(&[]); MAX_PIECES];
                for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
                    *slice = IoSlice::new(piece);
                }
                let count = self.pieces.len().min(MAX_PIECES);
                let slices = slices.get(..count).unwrap_or_default();
                ready!(stream.as_mut().poll_write_vectored(cx, slices))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        if self.is_unflushed {
            ready!(stream.as_mut().poll_flush(cx))?;
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Removes this many written bytes.
    fn advance(&mut self, mut written: usize) {
        self.bytes = self.bytes.saturating_sub(written);
        while let Some(first) = self.pieces.front_mut() {
            if written < first.len() {
                first.advance(written);
                self.partial_writes += 1;
                return;
            }
            written -= first.len();
            self.pieces.pop_front();
        }
        if self.pieces.capacity() > KEPT_PIECES {
            self.pieces = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests;
