//! A page on its way: how much of what is read goes into it.

use async_nats::HeaderMap;
use bytes::Bytes;
use fanjet_log::{Bounds, Entry, LogError, Page, ReadLimit, Selection, Seq};

use crate::direct::{Batch, BatchRequest};
use crate::entry::EntryReader;

/// Messages of one batch.
pub(crate) const BATCH: usize = 1000;
/// Bytes of one batch: what a page holds in memory beyond its last entry.
pub(crate) const BATCH_BYTES: usize = 8 << 20;
/// The most messages that one page scans for matches before it reports its progress.
const SCAN: usize = 8 * BATCH;

/// A page on its way.
pub(crate) struct Filling<'a> {
    pub(crate) from: Seq,
    pub(crate) next: Seq,
    /// Nothing behind it may come in.
    pub(crate) last: Seq,
    pub(crate) selection: &'a Selection,
    limit: ReadLimit,
    entries: Vec<Entry>,
    bytes: usize,
    looked_at: usize,
}

/// Whether the messages of a batch must follow each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contiguous {
    Yes,
    No,
}

/// How much of a batch fitted.
pub(crate) enum Taken {
    /// Everything; and whether nothing stands behind it.
    All { is_last: bool },
    /// The page is full, or a message is missing.
    Part,
}

impl<'a> Filling<'a> {
    pub(crate) fn new(from: Seq, selection: &'a Selection, limit: ReadLimit) -> Self {
        Self {
            from,
            next: from,
            last: Seq::MAX,
            selection,
            limit,
            entries: Vec::new(),
            bytes: 0,
            looked_at: 0,
        }
    }

    /// Whether a body of this size may be added.
    pub(crate) fn has_room(&self, body: usize) -> bool {
        !self.is_full() && (self.is_empty() || self.bytes + body <= self.limit.bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds a message if it is wanted, and moves behind it; `false`, and nothing happens, when it does not fit, or is damaged and
    /// not the first: what lies before damage is whole.
    pub(crate) fn push(
        &mut self,
        reader: &mut EntryReader,
        seq: Seq,
        subject: &str,
        headers: Option<&HeaderMap>,
        body: Bytes,
    ) -> Result<bool, LogError> {
        let entry = reader.entry(self.selection, seq, subject, headers, body);
        self.add(seq, entry)
    }

    /// As [`Filling::push`], when it is known what the message is.
    pub(crate) fn add(
        &mut self,
        seq: Seq,
        entry: Result<Option<Entry>, LogError>,
    ) -> Result<bool, LogError> {
        let entry = match entry {
            Err(LogError::Corrupt { .. }) if self.next > self.from => return Ok(false),
            entry => entry?,
        };
        if let Some(entry) = entry {
            if !self.has_room(entry.body.len()) {
                return Ok(false);
            }
            self.bytes += entry.body.len();
            self.entries.push(entry);
        }
        self.looked_at += 1;
        self.next = seq + 1;
        Ok(true)
    }

    /// Whether to stop although more might fit.
    pub(crate) fn is_enough(&self) -> bool {
        self.is_full() || self.entries.len() >= BATCH || self.looked_at >= SCAN
    }

    /// Adds an entry that was fetched by itself, if it is wanted and fits.
    pub(crate) fn push_entry(&mut self, entry: Entry) {
        if !self.selection.matches(&entry.topic) {
            self.next = entry.seq + 1;
        } else if self.entries.is_empty() {
            self.next = entry.seq + 1;
            self.entries.push(entry);
        }
    }

    /// Finishes a page whose batch was the last one that a replica had.
    pub(crate) fn finish_before(self, bounds: Bounds) -> Page {
        let at_end = self.next > bounds.last;
        self.finish(at_end)
    }

    pub(crate) fn finish(self, at_end: bool) -> Page {
        Page {
            entries: self.entries,
            next: self.next,
            at_end,
        }
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= self.limit.entries.max(1)
    }

    /// How many messages to ask for at once.
    fn batch_size(&self, filter: Option<&str>) -> usize {
        match self.selection {
            Selection::Only(_) if filter.is_none() => BATCH,
            _ => self.limit.entries.clamp(1, BATCH),
        }
    }

    fn batch_bytes(&self) -> usize {
        self.limit.bytes.clamp(1, BATCH_BYTES)
    }

    /// What to ask for; at most so many messages.
    pub(crate) fn request<'f>(&self, filter: Option<&'f str>, most: usize) -> BatchRequest<'f> {
        BatchRequest {
            from: self.next,
            filter,
            count: self.batch_size(filter).min(most),
            bytes: self.batch_bytes(),
        }
    }

    pub(crate) fn take(
        &mut self,
        reader: &mut EntryReader,
        batch: Batch,
        contiguous: Contiguous,
    ) -> Result<Taken, LogError> {
        // An empty batch is the answer "not found".
        let is_last = batch.is_last || batch.messages.is_empty();
        for message in batch.messages {
            if message.seq > self.last {
                self.next = self.last + 1;
                return Ok(Taken::Part);
            }
            // A hole inside is looked at again as the first of the next batch.
            if contiguous == Contiguous::Yes && message.seq != self.next {
                return Ok(Taken::Part);
            }
            let (subject, headers) = (message.subject(), Some(&message.headers));
            let body = message.body.clone();
            if !self.push(reader, message.seq, subject, headers, body)? {
                self.next = message.seq;
                return Ok(Taken::Part);
            }
        }
        Ok(Taken::All { is_last })
    }
}
