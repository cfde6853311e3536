//! The newest events in memory, in their encoded form.

use std::collections::VecDeque;

use bytes::Bytes;
use fanjet_log::Seq;

/// Frames of one group, or a part of them.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// The seq of the first record.
    pub(crate) first: Seq,
    /// The seq of the last.
    pub(crate) last: Seq,
    /// The frames.
    pub(crate) frames: Bytes,
}

/// The newest pieces, contiguous, bounded by bytes.
#[derive(Debug)]
pub(crate) struct Tail {
    pieces: VecDeque<Piece>,
    bytes: usize,
    max_bytes: usize,
}

impl Tail {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            pieces: VecDeque::new(),
            bytes: 0,
            max_bytes,
        }
    }

    /// Adds the newest frames; the oldest are dropped.
    pub(crate) fn push(&mut self, piece: Piece) {
        self.bytes += piece.frames.len();
        self.pieces.push_back(piece);
        while self.bytes > self.max_bytes
            && let Some(oldest) = self.pieces.pop_front()
        {
            self.bytes -= oldest.frames.len();
        }
    }

    /// The piece with `seq`.
    pub(crate) fn piece_of(&self, seq: Seq) -> Option<&Piece> {
        let behind = self.pieces.partition_point(|piece| piece.first <= seq);
        let piece = self.pieces.get(behind.checked_sub(1)?)?;
        (seq <= piece.last).then_some(piece)
    }
}
