//! All subscribers of one worker with the same filter, and what a flush gathers for them.

use std::rc::Rc;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use fanjet_filter::Filter;
use fanjet_log::Selection;

use super::Member;
use crate::subscriber::Chunk;
use crate::tail::Entry;

/// A lane's place in its shard. Reused after the lane's last holder has left.
pub type LaneId = u32;

/// One lane.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) filter: Arc<Filter>,
    /// Those who get what is gathered.
    pub(crate) members: Vec<Rc<Member>>,
    /// Members, and those who are behind and will come back.
    pub(crate) holders: usize,
    /// What is read from the log for those who replay, once that was decided.
    pub(crate) replay: Option<Selection>,
    /// Which events of the current batch are wanted.
    picked: Vec<u32>,
    picked_bytes: usize,
}

impl Lane {
    pub(crate) fn new(filter: Arc<Filter>) -> Self {
        Self {
            filter,
            members: Vec::new(),
            holders: 0,
            replay: None,
            picked: Vec::new(),
            picked_bytes: 0,
        }
    }

    /// Notes that an event of the batch is wanted; returns whether it is the first.
    pub(crate) fn pick(&mut self, index: u32, entry: &Entry) -> bool {
        self.picked.push(index);
        self.picked_bytes += entry.frame().len();
        self.picked.len() == 1
    }

    /// Joins what was picked from the batch and forgets it; returns the number of events, too. A single frame is
    /// shared as it is.
    pub(crate) fn gather(&mut self, batch: &[Arc<Entry>]) -> Option<(Chunk, u64)> {
        let chunk = join(
            self.picked.iter().map(|&index| &batch[index as usize]),
            self.picked_bytes,
        )
        .map(|chunk| (chunk, self.picked.len() as u64));
        self.picked.clear();
        self.picked_bytes = 0;
        chunk
    }
}

/// One piece of bytes with the frames of all entries. `total` is their length.
pub(crate) fn join<'a>(
    mut entries: impl ExactSizeIterator<Item = &'a Arc<Entry>>,
    total: usize,
) -> Option<Chunk> {
    let is_single = entries.len() == 1;
    let mut last = entries.next()?;
    let bytes: Bytes = if is_single {
        last.frame().clone()
    } else {
        let mut joined = BytesMut::with_capacity(total);
        joined.extend_from_slice(last.frame());
        for entry in entries {
            joined.extend_from_slice(entry.frame());
            last = entry;
        }
        joined.freeze()
    };
    Some(Chunk {
        bytes,
        last: last.time(),
    })
}
