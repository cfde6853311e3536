//! What is on its way to one socket: pieces of whole frames, the first of which may be written in part.
//!
//! The pieces are the shared bytes themselves: the system gets a list of them, and nothing is copied or joined here. Whatever part of
//! them a socket takes, the rest goes on from exactly that byte, so a frame is never interrupted by another one.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

/// Pieces in one list for the system.
const MAX_PIECES: usize = 64;
/// Above so many bytes nothing more is taken before they are written: what comes later and is more urgent waits behind them.
const MAX_BYTES: usize = 64 << 10;
/// Pieces for which room is kept while there are none.
const KEPT_PIECES: usize = 4;

/// Pieces to be written, in order.
#[derive(Debug, Default)]
pub(super) struct Sending {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    /// Something was written that the stream may still hold itself: it encrypts.
    is_unflushed: bool,
    /// How often the socket took only a part of what it was given.
    partial_writes: u64,
}

impl Sending {
    /// Whether more may be taken.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < MAX_BYTES && self.pieces.len() < MAX_PIECES
    }

    /// Whether everything is in the system's hands.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && !self.is_unflushed
    }

    pub(super) fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.bytes += piece.len();
            self.pieces.push_back(piece);
        }
    }

    /// How often the socket took only a part of what it was given, since this was asked last.
    pub(super) fn take_partial_writes(&mut self) -> u64 {
        std::mem::take(&mut self.partial_writes)
    }

    /// Ready when everything is in the system's hands.
    ///
    /// # Errors
    /// Those of the stream.
    pub(super) fn poll_write(
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

    /// The socket took so many bytes.
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
