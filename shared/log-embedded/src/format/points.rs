//! The sparse index of one segment: the starts of its blocks. A block is the unit of reading, verifying and caching.

use super::header;

/// A block ends with the record that makes it this long.
const BLOCK: u64 = 128 << 10;

/// The last seq of a segment is at most this far above the first.
pub(crate) const MAX_SPAN: u64 = u32::MAX as u64;

/// The start of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    /// Its offset in the file.
    pub(crate) offset: u32,
    /// The seq of its first record, relative to the segment's first.
    pub(crate) above_first: u32,
    /// The newest log time of all records of the segment before it, 0 for none.
    pub(crate) newest_before: u64,
}

/// The starts of a segment's blocks, and its newest log time.
///
/// Invariant: offsets, seqs and times never decrease, and the first block starts behind the header. Storing the newest
/// time so far, instead of a record's own, makes the search exact even if times were not in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Points {
    list: Vec<Point>,
    newest: u64,
}

impl Points {
    /// Points read from a footer; `None` if they break the invariant.
    pub(crate) fn from_list(list: Vec<Point>, newest: u64) -> Option<Self> {
        let is_first_right = list.first().is_none_or(|point| {
            (point.above_first, point.newest_before) == (0, 0)
                && point.offset as usize >= header::LEN
        });
        let is_sorted = list.is_sorted_by(|a, b| {
            a.offset < b.offset
                && a.above_first < b.above_first
                && a.newest_before <= b.newest_before
        });
        let is_newest = list
            .last()
            .is_none_or(|point| point.newest_before <= newest);
        (is_first_right && is_sorted && is_newest).then_some(Self { list, newest })
    }

    /// Adds the record at `offset`.
    pub(crate) fn add(&mut self, offset: u64, above_first: u64, time: u64) {
        let begun = self.list.last().map(|point| u64::from(point.offset));
        if begun.is_none_or(|begun| offset - begun >= BLOCK) {
            // Both fit: a segment is below 4 GiB, and its span below `MAX_SPAN`.
            self.list.push(Point {
                offset: offset as u32,
                above_first: above_first as u32,
                newest_before: self.newest,
            });
        }
        self.newest = self.newest.max(time);
    }

    /// All points.
    pub(crate) fn list(&self) -> &[Point] {
        &self.list
    }

    /// The newest log time of the segment; 0 if it is empty.
    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// The block with a record.
    pub(crate) fn block_of(&self, above_first: u64) -> Option<usize> {
        self.list
            .partition_point(|point| u64::from(point.above_first) <= above_first)
            .checked_sub(1)
    }

    /// The block with the first record whose log time is at least `time`.
    pub(crate) fn block_at(&self, time: u64) -> Option<usize> {
        if self.newest < time {
            return None;
        }
        // All records before these blocks are older; the last of them contains it.
        self.list
            .partition_point(|point| point.newest_before < time)
            .checked_sub(1)
    }

    /// The starts of a block and of the next one.
    pub(crate) fn extent(&self, block: usize) -> Option<(u64, Option<u64>)> {
        let begin = self.list.get(block)?.offset;
        let end = self.list.get(block + 1).map(|next| u64::from(next.offset));
        Some((u64::from(begin), end))
    }
}

#[cfg(test)]
mod tests;
