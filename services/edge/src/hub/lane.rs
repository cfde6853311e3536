//! All subscribers of one worker with the same filter and encoding, and the events that a flush gathers for them.

use std::rc::Rc;
use std::sync::Arc;

use fanjet_filter::{Encoding, Filter};
use fanjet_log::Selection;

use super::Member;
use crate::outbox::Chunk;
use crate::tail::{Encoder, Entry};

/// Up to this many frames are passed on one by one instead of joined.
const MAX_LISTED: usize = 16;

/// One lane.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) filter: Arc<Filter>,
    /// The filter's hash, computed once because filters may be long.
    pub(crate) hash: u64,
    pub(crate) encoding: Encoding,
    /// The live members.
    pub(crate) members: Vec<Rc<Member>>,
    /// Number of members, including those that are catching up.
    pub(crate) holders: usize,
    /// What replaying members read from the log, when it has been decided.
    pub(crate) replay: Option<Selection>,
    /// Indices of the matching events in the current batch.
    picked: Vec<u32>,
}

impl Lane {
    pub(crate) fn new(filter: Arc<Filter>, hash: u64, encoding: Encoding) -> Self {
        Self {
            filter,
            hash,
            encoding,
            members: Vec::new(),
            holders: 0,
            replay: None,
            picked: Vec::new(),
        }
    }

    /// Notes a matching event of the batch; returns whether it is the first.
    pub(crate) fn pick(&mut self, index: u32) -> bool {
        self.picked.push(index);
        self.picked.len() == 1
    }

    /// Moves the picked events of the batch into `chunks`; returns their number. Several members share one joined chunk; for a
    /// single member, joining costs more than a short list of the ring's own frames.
    pub(crate) fn gather(
        &mut self,
        batch: &[Arc<Entry>],
        encoder: &mut Encoder,
        chunks: &mut Vec<Chunk>,
    ) -> u64 {
        let picked = self.picked.iter().map(|&index| &*batch[index as usize]);
        let events = picked.len();
        if self.encoding == Encoding::Json && self.members.len() == 1 && events <= MAX_LISTED {
            chunks.extend(picked.map(|entry| Chunk {
                bytes: entry.frame().clone(),
                last: entry.time(),
                last_seq: entry.seq(),
            }));
        } else {
            chunks.extend(join(picked, self.encoding, encoder));
        }
        self.picked.clear();
        events as u64
    }
}

/// One chunk with the frames of all entries. A single text frame is shared; frames encoded on demand are copied, so that they
/// are freed together with the entries that account for them.
pub(crate) fn join<'a>(
    entries: impl ExactSizeIterator<Item = &'a Entry> + Clone,
    encoding: Encoding,
    encoder: &mut Encoder,
) -> Option<Chunk> {
    let last = entries.clone().last()?;
    if encoding == Encoding::Json && entries.len() == 1 {
        return Some(Chunk {
            bytes: last.frame().clone(),
            last: last.time(),
            last_seq: last.seq(),
        });
    }
    if encoding != Encoding::Json {
        for entry in entries.clone() {
            entry.prepare(encoding, encoder);
        }
    }
    let total = entries
        .clone()
        .map(|entry| entry.len_in(encoding, encoder))
        .sum();
    let mut joined = Vec::with_capacity(total);
    for entry in entries {
        entry.put_in(encoding, encoder, &mut joined);
    }
    Some(Chunk {
        bytes: joined.into(),
        last: last.time(),
        last_seq: last.seq(),
    })
}
