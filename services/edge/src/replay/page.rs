//! A short range of the log, ready to be sent.

use std::ops::Range;

use bytes::Bytes;
use fanjet_filter::EventKind;
use fanjet_log::{LogError, Seq};
use fanjet_wire::websocket::{header_len, put_text_frame};
use parking_lot::Mutex;

use crate::tail::{Collections, Entry};

/// Consecutive events, shared by all readers that replay them.
#[derive(Debug)]
pub struct Page {
    /// The selected events in order, complete from `complete_from` on.
    pub entries: Vec<Entry>,
    /// The first seq that the page is complete from; earlier events had expired when it was read.
    pub complete_from: Seq,
    /// The seq after the page.
    pub next: Seq,
    /// The entries' frames, one after another.
    frames: Bytes,
    /// Whether all entries are of kinds that every client without a filter gets, in any protocol.
    is_plain: bool,
}

impl Page {
    /// Builds a page from entries that were read. All frames are one allocation, so readers of everything get it unchanged.
    ///
    /// # Errors
    /// [`LogError::Corrupt`], as [`Entry::new`].
    pub fn new(
        found: &[fanjet_log::Entry],
        complete_from: Seq,
        next: Seq,
        collections: &Mutex<Collections>,
    ) -> Result<Self, LogError> {
        let length = |entry: &fanjet_log::Entry| header_len(entry.body.len()) + entry.body.len();
        let mut frames = Vec::with_capacity(found.iter().map(length).sum());
        for entry in found {
            put_text_frame(&mut frames, &entry.body);
        }
        let frames = Bytes::from(frames);
        let mut at = 0;
        let mut collections = collections.lock();
        let entries = found.iter().map(|entry| {
            let begin = at;
            at += length(entry);
            Entry::paged(entry, frames.slice(begin..at), &mut collections)
        });
        let entries = entries.collect::<Result<Vec<_>, LogError>>()?;
        let kind = |entry: &Entry| EventKind::of(entry.topic(), entry.action());
        let is_plain = |entry| kind(entry).is_some_and(|kind| kind != EventKind::Sync);
        Ok(Self {
            is_plain: entries.iter().all(is_plain),
            entries,
            complete_from,
            next,
            frames,
        })
    }

    /// The frames of a range of entries in one piece.
    pub fn frames(&self, entries: Range<usize>) -> Bytes {
        let entries = self.entries.get(entries).unwrap_or_default();
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Bytes::new();
        };
        let offset = |entry: &Entry| entry.frame().as_ptr().addr() - self.frames.as_ptr().addr();
        self.frames
            .slice(offset(first)..offset(last) + last.frame().len())
    }

    /// Whether a client without a filter gets every entry.
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Bytes of all frames.
    pub fn frame_bytes(&self) -> usize {
        self.frames.len()
    }

    /// Whether it has everything at `seq`.
    pub fn covers(&self, seq: Seq) -> bool {
        (self.complete_from..self.next).contains(&seq)
    }

    /// The memory in bytes of frames encoded on demand. It may grow at any time.
    pub fn encoded_weight(&self) -> usize {
        self.entries.iter().map(Entry::encoded_weight).sum()
    }

    /// The memory in bytes, without [`Page::encoded_weight`].
    pub fn weight(&self) -> usize {
        self.entries.iter().map(Entry::weight).sum()
    }
}

#[cfg(test)]
mod tests;
