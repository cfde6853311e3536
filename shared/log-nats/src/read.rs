//! Pages.
//!
//! The first page of a reader is one batch of direct gets: no state on the server, and every replica can answer. A
//! reader that goes on where a page ended is replaying, and gets a consumer ([`crate::replay`]), which costs the
//! server a third. Filtering is done here, except for selections of exactly one subject: the server walks a list
//! of filters for every message, which costs it more than sending them all.

use async_nats::HeaderMap;
use bytes::Bytes;
use fanjet_log::{Entry, LogError, Page, ReadLimit, Selection, Seq};

use crate::direct::{Batch, BatchRequest};
use crate::entry::EntryReader;
use crate::error::Unavailable;
use crate::log::Inner;
use crate::subject::Filters;

/// Messages of one batch.
pub(crate) const BATCH: usize = 1000;
/// Bytes of one batch: what a page holds in memory beyond its last entry.
const BATCH_BYTES: usize = 8 << 20;
/// Messages that one page looks at in search of matches, before it says how far it came.
const SCAN: usize = 8 * BATCH;
/// How often a replica may deny having what the leader has.
const MAX_DENIALS: usize = 3;

pub(crate) async fn page(
    log: &Inner,
    from: Seq,
    selection: &Selection,
    limit: ReadLimit,
) -> Result<Page, LogError> {
    let filter = match log.subjects.filters(selection) {
        Filters::Only(mut filters) if filters.len() == 1 => filters.pop(),
        Filters::All | Filters::Only(_) => None,
    };
    if let Some(page) = log
        .replays
        .page(log, from, filter.as_deref(), selection, limit)
        .await?
    {
        return Ok(page);
    }
    let filling = Filling::new(log, from, selection, limit);
    let page = match &filter {
        Some(filter) => filtered(log, filling, filter).await?,
        None => scanned(log, filling).await?,
    };
    if !page.at_end {
        log.replays.expect(page.next, filter);
    }
    Ok(page)
}

/// Looks at every message.
async fn scanned(log: &Inner, mut page: Filling<'_>) -> Result<Page, LogError> {
    let mut denials = 0;
    loop {
        let batch = log.direct.batch(page.request(None)).await?;
        let Some(first) = batch.messages.first().map(|message| message.seq) else {
            let bounds = log.bounds().await?;
            page.next = page.next.max(bounds.first);
            if page.next > bounds.last {
                return Ok(page.finish(true));
            }
            // The leader has more: the oldest expired a moment ago, or this replica lags behind.
            denials += 1;
            if denials == MAX_DENIALS {
                return Err(Unavailable::Nonsense("a replica lags behind".to_owned()).into());
            }
            continue;
        };
        if first != page.next {
            log.check_expired(page.next, first).await?;
            page.next = first;
        }
        match page.take(batch, Contiguous::Yes)? {
            Taken::All { is_last: true } => return Ok(page.finish(true)),
            Taken::All { is_last: false } if !page.is_enough() => {}
            Taken::All { .. } | Taken::Part => return Ok(page.finish(false)),
        }
    }
}

/// Lets the server look.
async fn filtered(log: &Inner, mut page: Filling<'_>, filter: &str) -> Result<Page, LogError> {
    // Known before, so that whatever is appended meanwhile is not skipped.
    let bounds = log.bounds().await?;
    page.next = page.next.max(bounds.first);
    if page.next > bounds.last {
        return Ok(page.finish(true));
    }
    let batch = log.direct.batch(page.request(Some(filter))).await?;
    let is_end = match page.take(batch, Contiguous::No)? {
        Taken::All { is_last } => is_last,
        Taken::Part => false,
    };
    if is_end {
        page.next = page.next.max(bounds.last + 1);
    }
    Ok(page.finish(is_end))
}

/// A page on its way.
pub(crate) struct Filling<'a> {
    pub(crate) next: Seq,
    selection: &'a Selection,
    limit: ReadLimit,
    reader: EntryReader,
    entries: Vec<Entry>,
    bytes: usize,
    looked_at: usize,
}

/// Whether the messages of a batch must follow each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Contiguous {
    Yes,
    No,
}

/// How much of a batch fitted.
enum Taken {
    /// Everything; and whether nothing stands behind it.
    All { is_last: bool },
    /// The page is full, or a message is missing.
    Part,
}

impl<'a> Filling<'a> {
    pub(crate) fn new(log: &Inner, from: Seq, selection: &'a Selection, limit: ReadLimit) -> Self {
        Self {
            next: from,
            selection,
            limit,
            reader: EntryReader::new(log.subjects.clone()),
            entries: Vec::new(),
            bytes: 0,
            looked_at: 0,
        }
    }

    /// Adds a message if it is wanted, and moves behind it; `false`, and nothing happens, when it does not fit.
    pub(crate) fn push(
        &mut self,
        seq: Seq,
        subject: &str,
        headers: Option<&HeaderMap>,
        body: Bytes,
    ) -> Result<bool, LogError> {
        let entry = self
            .reader
            .entry(self.selection, seq, subject, headers, body)?;
        if let Some(entry) = entry {
            let bytes = self.bytes + entry.body.len();
            let is_first = self.entries.is_empty();
            if self.is_full() || !is_first && bytes > self.limit.bytes {
                return Ok(false);
            }
            self.bytes = bytes;
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

    fn request<'f>(&self, filter: Option<&'f str>) -> BatchRequest<'f> {
        BatchRequest {
            from: self.next,
            filter,
            count: self.batch_size(filter),
            bytes: self.batch_bytes(),
        }
    }

    fn take(&mut self, batch: Batch, contiguous: Contiguous) -> Result<Taken, LogError> {
        // An empty batch is the answer "not found".
        let is_last = batch.is_last || batch.messages.is_empty();
        for message in batch.messages {
            // A hole inside is looked at again as the first of the next batch.
            if contiguous == Contiguous::Yes && message.seq != self.next {
                return Ok(Taken::Part);
            }
            let (subject, headers) = (message.subject(), Some(&message.headers));
            if !self.push(message.seq, subject, headers, message.body.clone())? {
                self.next = message.seq;
                return Ok(Taken::Part);
            }
        }
        Ok(Taken::All { is_last })
    }
}
