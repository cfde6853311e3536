//! Pages.
//!
//! The first page of a reader is one batch of direct gets: no state on the server, and every replica can answer. A
//! reader that goes on where a page ended is replaying, and gets a consumer ([`crate::replay`]), which costs the
//! server a third.
//!
//! The server does the selecting: who selects wants a small part. A direct get knows one subject only, so a selection of
//! several has a consumer from the first page on.
//!
//! A replica may lag behind the leader. What it sends is true; that it has no more is not, so the end of the log is
//! where the leader says it is, and what only the leader has is fetched from it.

use async_nats::HeaderMap;
use bytes::Bytes;
use fanjet_log::{Bounds, Entry, LogError, Page, ReadLimit, Selection, Seq};

use crate::direct::{Batch, BatchRequest};
use crate::entry::EntryReader;
use crate::log::Inner;
use crate::subject::Filters;

/// Messages of one batch.
const BATCH: usize = 1000;
/// Bytes of one batch: what a page holds in memory beyond its last entry.
const BATCH_BYTES: usize = 8 << 20;
/// Subjects of a selection that the server is asked for. Each costs it something for every message; what has more is
/// read as a whole and selected here.
const MAX_SERVER_FILTERS: usize = 128;
/// Messages that one page looks at in search of matches, before it says how far it came.
const SCAN: usize = 8 * BATCH;
/// Batches that one page asks for. Many are empty only where the oldest entries expire faster than they are read.
const MAX_BATCHES: usize = 16;

pub(crate) async fn page(
    log: &Inner,
    from: Seq,
    selection: &Selection,
    limit: ReadLimit,
) -> Result<Page, LogError> {
    let filters = match log.subjects.filters(selection) {
        Filters::Only(filters) if filters.len() > 1 && limit.entries == 1 => {
            return next(log, from, &filters).await;
        }
        Filters::Only(filters) if filters.len() <= MAX_SERVER_FILTERS => filters,
        Filters::All | Filters::Only(_) => Vec::new(),
    };
    let (replays, wanted) = (&log.replays, &filters);
    if let Some(page) = replays.page(log, from, wanted, selection, limit).await? {
        return Ok(page);
    }
    let filling = Filling::new(from, selection, limit);
    let page = match &filters[..] {
        [] => scanned(log, filling).await?,
        [filter] => filtered(log, filling, filter).await?,
        several => {
            let several = several.to_vec();
            return match replays.begin(log, from, several, selection, limit).await? {
                Some(page) => Ok(page),
                None => next(log, from, &filters).await,
            };
        }
    };
    // Who asks for one entry is looking something up.
    if !page.at_end && limit.entries > 1 {
        log.replays.expect(page.next, filters);
    }
    Ok(page)
}

/// Looks for one entry only: the server finds the next of each subject without looking at the others.
async fn next(log: &Inner, from: Seq, filters: &[String]) -> Result<Page, LogError> {
    // Known before, so that whatever is appended meanwhile is not skipped.
    let bounds = log.bounds().await?;
    let found = filters.iter().map(|filter| log.leaders_next(from, filter));
    let found = futures::future::try_join_all(found).await?;
    let first = found.into_iter().flatten().min_by_key(|entry| entry.seq);
    let next = first.as_ref().map_or(bounds.last, |entry| entry.seq) + 1;
    Ok(Page {
        at_end: first.is_none() || next > bounds.last,
        entries: first.into_iter().collect(),
        next: next.max(from),
    })
}

/// Looks at every message.
async fn scanned(log: &Inner, mut page: Filling<'_>) -> Result<Page, LogError> {
    let mut reader = EntryReader::new(log.subjects.clone());
    for _ in 0..MAX_BATCHES {
        let batch = log.direct.batch(page.request(None)).await?;
        let Some(first) = batch.messages.first().map(|message| message.seq) else {
            let bounds = log.bounds().await?;
            page.next = page.next.max(bounds.first);
            if page.next > bounds.last {
                return Ok(page.finish(true));
            }
            if let Some(entry) = log.leaders(page.next).await? {
                page.push_entry(entry);
                return Ok(page.finish_before(bounds));
            }
            // It expired a moment ago.
            continue;
        };
        if first != page.next {
            log.check_expired(page.next, first).await?;
            page.next = first;
        }
        match page.take(&mut reader, batch, Contiguous::Yes)? {
            Taken::All { is_last: true } => {
                let bounds = log.bounds().await?;
                return Ok(page.finish_before(bounds));
            }
            Taken::All { is_last: false } if !page.is_enough() => {}
            Taken::All { .. } | Taken::Part => return Ok(page.finish(false)),
        }
    }
    Ok(page.finish(false))
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
    let mut reader = EntryReader::new(log.subjects.clone());
    if !matches!(
        page.take(&mut reader, batch, Contiguous::No)?,
        Taken::All { is_last: true }
    ) {
        return Ok(page.finish(false));
    }
    match log.leaders_next(page.next, filter).await? {
        None => {
            page.next = page.next.max(bounds.last + 1);
            Ok(page.finish(true))
        }
        Some(entry) => {
            page.push_entry(entry);
            Ok(page.finish(false))
        }
    }
}

/// A page on its way.
pub(crate) struct Filling<'a> {
    pub(crate) next: Seq,
    selection: &'a Selection,
    limit: ReadLimit,
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
    pub(crate) fn new(from: Seq, selection: &'a Selection, limit: ReadLimit) -> Self {
        Self {
            next: from,
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

    /// Adds a message if it is wanted, and moves behind it; `false`, and nothing happens, when it does not fit.
    pub(crate) fn push(
        &mut self,
        reader: &mut EntryReader,
        seq: Seq,
        subject: &str,
        headers: Option<&HeaderMap>,
        body: Bytes,
    ) -> Result<bool, LogError> {
        let entry = reader.entry(self.selection, seq, subject, headers, body)?;
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
    fn push_entry(&mut self, entry: Entry) {
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

    fn request<'f>(&self, filter: Option<&'f str>) -> BatchRequest<'f> {
        BatchRequest {
            from: self.next,
            filter,
            count: self.batch_size(filter),
            bytes: self.batch_bytes(),
        }
    }

    fn take(
        &mut self,
        reader: &mut EntryReader,
        batch: Batch,
        contiguous: Contiguous,
    ) -> Result<Taken, LogError> {
        // An empty batch is the answer "not found".
        let is_last = batch.is_last || batch.messages.is_empty();
        for message in batch.messages {
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
