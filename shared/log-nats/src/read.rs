//! Pages.
//!
//! A page is one batch of direct gets: no state on the server, and every replica can answer. Filtering is done here,
//! except for selections of exactly one subject: the server walks a list of filters for every message, which costs it
//! more than sending them all.

use fanjet_log::{Entry, LogError, Page, ReadLimit, Selection, Seq};

use crate::direct::{Batch, BatchRequest, Stored};
use crate::entry::EntryReader;
use crate::error::Unavailable;
use crate::log::Inner;
use crate::subject::Filters;

/// Messages of one batch.
const BATCH: usize = 1000;
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
    let filling = Filling {
        selection,
        limit,
        reader: EntryReader::new(log.subjects.clone()),
        entries: Vec::new(),
        bytes: 0,
        next: from.max(1),
    };
    match log.subjects.filters(selection) {
        Filters::Only(filters) if filters.len() == 1 => filtered(log, filling, &filters[0]).await,
        Filters::All | Filters::Only(_) => scanned(log, filling).await,
    }
}

/// Looks at every message.
async fn scanned(log: &Inner, mut page: Filling<'_>) -> Result<Page, LogError> {
    let (mut looked_at, mut denials) = (0, 0);
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
        looked_at += batch.messages.len();
        match page.take(batch, Contiguous::Yes)? {
            Taken::All { is_last: true } => return Ok(page.finish(true)),
            Taken::All { is_last: false } => {}
            Taken::Part => return Ok(page.finish(false)),
        }
        if *page.selection == Selection::All || looked_at >= SCAN {
            return Ok(page.finish(false));
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
struct Filling<'a> {
    selection: &'a Selection,
    limit: ReadLimit,
    reader: EntryReader,
    entries: Vec<Entry>,
    bytes: usize,
    next: Seq,
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

impl Filling<'_> {
    fn request<'f>(&self, filter: Option<&'f str>) -> BatchRequest<'f> {
        let count = match self.selection {
            Selection::Only(_) if filter.is_none() => BATCH,
            _ => self.limit.entries.clamp(1, BATCH),
        };
        BatchRequest {
            from: self.next,
            filter,
            count,
            bytes: self.limit.bytes.clamp(1, BATCH_BYTES),
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
            let seq = message.seq;
            if !self.push(message)? {
                self.next = seq;
                return Ok(Taken::Part);
            }
            self.next = seq + 1;
        }
        Ok(Taken::All { is_last })
    }

    /// Adds a message if it is wanted; `false` when it does not fit.
    fn push(&mut self, message: Stored) -> Result<bool, LogError> {
        let subject = message.subject();
        let headers = Some(&message.headers);
        let body = message.body.clone();
        let entry = self
            .reader
            .entry(self.selection, message.seq, subject, headers, body)?;
        let Some(entry) = entry else {
            return Ok(true);
        };
        let bytes = self.bytes + entry.body.len();
        let is_full = self.entries.len() >= self.limit.entries.max(1)
            || (!self.entries.is_empty() && bytes > self.limit.bytes);
        if !is_full {
            self.bytes = bytes;
            self.entries.push(entry);
        }
        Ok(!is_full)
    }

    fn finish(self, at_end: bool) -> Page {
        Page {
            entries: self.entries,
            next: self.next,
            at_end,
        }
    }
}
