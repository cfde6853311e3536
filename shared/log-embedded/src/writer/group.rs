//! A group of events that is written at once.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use fanjet_log::Seq;

use crate::format::covers::Covers;
use crate::format::mark;
use crate::queue::{Chunk, Failure};
use crate::state::Written;
use crate::tail::Piece;

/// A piece of the tail ends with the record that makes it this long.
const PIECE: usize = 64 << 10;

/// Record frames of any number of chunks behind one mark.
pub(super) struct Group {
    /// Where it will start in the file.
    begin: u64,
    bytes: Vec<u8>,
    last: Seq,
    written: Vec<Written>,
    /// The chunks with events in it, and their last seq in it.
    chunks: Vec<(Arc<Chunk>, Seq)>,
}

/// A durable group.
pub(super) struct Shown {
    pub(super) written: Vec<Written>,
    pub(super) pieces: Vec<Piece>,
    pub(super) chunks: Vec<(Arc<Chunk>, Seq)>,
}

impl Group {
    /// An empty group for the offset `at`, behind the seq `last`.
    pub(super) fn behind(at: u64, last: Seq) -> Self {
        Self {
            begin: at,
            bytes: Vec::new(),
            last,
            written: Vec::new(),
            chunks: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// The seq of its last record, or of the one before it.
    pub(super) fn last(&self) -> Seq {
        self.last
    }

    /// Where it will end in the file.
    pub(super) fn end(&self) -> u64 {
        self.begin + self.bytes.len() as u64
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds a frame that accounts for seqs.
    pub(super) fn add(&mut self, chunk: &Arc<Chunk>, frame: &[u8], covers: Covers) {
        if self.bytes.is_empty() {
            self.bytes.reserve(mark::LEN + chunk.frames.len());
            mark::write(&mut self.bytes, self.begin);
        }
        self.written.push(Written {
            offset: self.end(),
            covers,
        });
        self.bytes.extend_from_slice(frame);
        self.last = covers.last;
        match self.chunks.last_mut() {
            Some((last, seq)) if Arc::ptr_eq(last, chunk) => *seq = covers.last,
            _ => self.chunks.push((Arc::clone(chunk), covers.last)),
        }
    }

    /// Reports that nothing of it is in the log.
    pub(super) fn fail(self, error: &Arc<io::Error>) {
        for (chunk, _) in &self.chunks {
            chunk.fail(Failure::Io(Arc::clone(error)));
        }
    }

    /// Splits it into pieces for the tail.
    pub(super) fn show(self) -> Shown {
        let bytes = Bytes::from(self.bytes);
        let offset = |index: usize| match self.written.get(index) {
            Some(record) => (record.offset - self.begin) as usize,
            None => bytes.len(),
        };
        let mut pieces = Vec::new();
        let mut from = 0;
        for to in 1..=self.written.len() {
            if offset(to) - offset(from) >= PIECE || to == self.written.len() {
                pieces.push(Piece {
                    first: self.written[from].covers.first,
                    last: self.written[to - 1].covers.last,
                    frames: bytes.slice(offset(from)..offset(to)),
                });
                from = to;
            }
        }
        Shown {
            written: self.written,
            pieces,
            chunks: self.chunks,
        }
    }
}
