//! The segments, and the location of a seq or a time in them. Pure: no file is opened here.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use fanjet_log::{Bounds, Seq};

use crate::format::covers::Covers;
use crate::format::points::Points;
use crate::tail::{Piece, Tail};

/// The durable part of one segment file.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    /// The file.
    pub(crate) path: Arc<Path>,
    /// The seq of its first record, even if it has none yet.
    pub(crate) first: Seq,
    /// The seq of its last record; one below `first` if it has none.
    pub(crate) last: Seq,
    /// The end of its records in the file.
    pub(crate) end: u64,
    /// Log time of its first record, 0 if it has none.
    pub(crate) oldest: u64,
    /// The starts of its blocks.
    pub(crate) points: Points,
}

/// A written record, or void.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    /// Its offset in the file.
    pub(crate) offset: u64,
    /// The seqs that it accounts for.
    pub(crate) covers: Covers,
}

/// Everything that is durable.
///
/// Invariant: the segments are contiguous, `sealed` oldest first, then `active`; the tail holds the newest records of
/// them, or none.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) sealed: VecDeque<Segment>,
    pub(crate) active: Segment,
    /// Whether the active segment has its footer, and the next one could not be created yet.
    pub(crate) is_finished: bool,
    tail: Tail,
}

/// Where to read.
#[derive(Debug, Clone)]
pub(crate) enum Location {
    /// Nothing is written there yet.
    End,
    /// In memory.
    Memory(Bytes),
    /// In a file.
    Block(BlockAt),
}

/// A block of a file.
#[derive(Debug, Clone)]
pub(crate) struct BlockAt {
    /// The file.
    pub(crate) path: Arc<Path>,
    /// First seq of its segment.
    pub(crate) segment: Seq,
    /// The seq of its first record.
    pub(crate) first: Seq,
    /// Its start.
    pub(crate) begin: u64,
    /// Its end.
    pub(crate) end: u64,
    /// Whether it will never grow.
    pub(crate) is_whole: bool,
}

impl State {
    pub(crate) fn new(sealed: VecDeque<Segment>, active: Segment, tail_bytes: usize) -> Self {
        Self {
            sealed,
            active,
            is_finished: false,
            tail: Tail::new(tail_bytes),
        }
    }

    pub(crate) fn bounds(&self) -> Bounds {
        let oldest = self.sealed.front().unwrap_or(&self.active);
        Bounds {
            first: oldest.first,
            last: self.active.last,
        }
    }

    /// The location of `seq`, which is within the bounds.
    pub(crate) fn place_of(&self, seq: Seq) -> Location {
        if seq > self.active.last {
            return Location::End;
        }
        if let Some(piece) = self.tail.piece_of(seq) {
            return Location::Memory(piece.frames.clone());
        }
        let segment = self.segment_of(seq);
        let block = segment.points.block_of(seq.saturating_sub(segment.first));
        block
            .and_then(|block| self.block(segment, block))
            .map_or(Location::End, Location::Block)
    }

    /// The block with the first record whose log time is at least `time`; `None` if all are older.
    pub(crate) fn block_at(&self, time: u64) -> Option<BlockAt> {
        let segments = self.sealed.iter().chain([&self.active]);
        segments
            .filter_map(|segment| Some((segment, segment.points.block_at(time)?)))
            .find_map(|(segment, block)| self.block(segment, block))
    }

    /// Adds durable records of the active segment.
    pub(crate) fn add(&mut self, written: &[Written], end: u64, pieces: Vec<Piece>) {
        let active = &mut self.active;
        for record in written {
            let Covers { first, last, time } = record.covers;
            active.points.add(record.offset, first - active.first, time);
            active.last = last;
            if active.oldest == 0 {
                active.oldest = time;
            }
        }
        active.end = end;
        for piece in pieces {
            self.tail.push(piece);
        }
    }

    /// Adds a finished segment in front of the oldest; returns whether it ends there.
    pub(crate) fn add_past(&mut self, segment: Segment) -> bool {
        let fits = segment.last + 1 == self.bounds().first;
        if fits {
            self.sealed.push_front(segment);
        }
        fits
    }

    /// Bytes of all records.
    pub(crate) fn bytes(&self) -> u64 {
        self.active.end + self.sealed.iter().map(|segment| segment.end).sum::<u64>()
    }

    /// Nothing more can be added to the active segment.
    pub(crate) fn finish(&mut self) {
        self.is_finished = true;
    }

    /// Seals the active segment and replaces it with an empty one.
    pub(crate) fn roll(&mut self, path: Arc<Path>, end: u64) {
        let next = Segment::empty(path, self.active.last + 1, end);
        self.is_finished = false;
        self.sealed
            .push_back(std::mem::replace(&mut self.active, next));
    }

    fn segment_of(&self, seq: Seq) -> &Segment {
        let behind = self.sealed.partition_point(|segment| segment.last < seq);
        self.sealed.get(behind).unwrap_or(&self.active)
    }

    fn block(&self, segment: &Segment, block: usize) -> Option<BlockAt> {
        let (begin, end) = segment.points.extent(block)?;
        let above = segment.points.list().get(block)?.above_first;
        Some(BlockAt {
            path: Arc::clone(&segment.path),
            segment: segment.first,
            first: segment.first + u64::from(above),
            begin,
            end: end.unwrap_or(segment.end),
            is_whole: end.is_some() || segment.first != self.active.first,
        })
    }
}

impl Segment {
    /// A segment without a record, whose file ends at `end`.
    pub(crate) fn empty(path: Arc<Path>, first: Seq, end: u64) -> Self {
        Self {
            path,
            first,
            last: first - 1,
            end,
            oldest: 0,
            points: Points::default(),
        }
    }

    /// Whether it has no record.
    pub(crate) fn is_empty(&self) -> bool {
        self.last < self.first
    }
}
