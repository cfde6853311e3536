//! Pages.
//!
//! The first page of a reader is one batch of direct gets: no state on the server, and every replica can respond. A
//! reader that continues where a page ended is replaying, and gets a consumer ([`crate::replay`]), which costs the
//! server a third.
//!
//! The server does the selecting: who selects wants a small part. A direct get knows one subject only, so a selection of
//! several has a consumer from the first page on.
//!
//! Where a message of a stranger's is known that would break the connection, and while one has broken it, messages are read
//! singly ([`crate::careful`]).
//!
//! A replica may lag behind the leader. What it sends is true; that it has no more is not, so the end of the log is
//! where the leader says it is, and what only the leader has is fetched from it.

use fanjet_log::{Entry, LogError, Page, ReadLimit, Selection, Seq};

use crate::careful;
use crate::direct::BatchRequest;
use crate::filling::{BATCH, BATCH_BYTES, Contiguous, Filling, Taken};
use crate::inner::Inner;
use crate::replay::{PageRequest, Replays};
use crate::subject::{Filters, Wanted};

/// Subjects of a selection that the server is asked for. Each costs it something for every message; what has more is
/// read as a whole and selected here.
const MAX_SERVER_FILTERS: usize = 128;
/// Batches that one page asks for. Many are empty only where the oldest entries expire faster than they are read.
const MAX_BATCHES: usize = 16;

pub(crate) async fn page(
    log: &Inner,
    replays: &Replays,
    from: Seq,
    selection: &Selection,
    limit: ReadLimit,
) -> Result<Page, LogError> {
    if let Some(known) = log.reads.unreadable_from(from)
        && known.start == from
    {
        return careful::page(log, from..known.end, &[], selection, limit).await;
    }
    // The second time if this page, or another one, broke the connection.
    for _ in 0..2 {
        let Some(link) = log.reads.link().await? else {
            break;
        };
        let page = fast_page(log, replays, from, selection, limit).await;
        let is_retryable = page.as_ref().is_err_and(LogError::is_retryable);
        if !is_retryable || !link.has_broken().await {
            return page;
        }
    }
    let filters = match log.subjects.filters(selection) {
        Filters::All => Vec::new(),
        Filters::Only(wanted) => wanted.all(),
    };
    careful::page(log, from..Seq::MAX, &filters, selection, limit).await
}

async fn fast_page(
    log: &Inner,
    replays: &Replays,
    from: Seq,
    selection: &Selection,
    limit: ReadLimit,
) -> Result<Page, LogError> {
    if log.reads.is_unreadable_near(from) {
        // Up to there, which takes no longer than a few messages.
        return scanned(log, Filling::new(from, selection, limit)).await;
    }
    let wanted = match log.subjects.filters(selection) {
        Filters::Only(wanted) if wanted.len() > 1 && limit.entries == 1 => {
            return next(log, from, &wanted, selection).await;
        }
        Filters::Only(wanted) if wanted.len() <= MAX_SERVER_FILTERS => wanted,
        Filters::All | Filters::Only(_) => Wanted::default(),
    };
    let filters = wanted.all();
    let asked = || PageRequest {
        from,
        filters: filters.clone(),
        selection,
        limit,
    };
    if let Some(page) = replays.page(log, asked()).await? {
        return Ok(page);
    }
    let filling = Filling::new(from, selection, limit);
    let page = match &wanted.own[..] {
        [] => Some(scanned(log, filling).await?),
        [own] => filtered(log, filling, own, &wanted.shared).await?,
        [..] => None,
    };
    let Some(page) = page else {
        return match replays.begin(log, asked()).await? {
            Some(page) => Ok(page),
            None => next(log, from, &wanted, selection).await,
        };
    };
    // Who asks for one entry is looking something up.
    if !page.at_end && limit.entries > 1 {
        replays.expect(page.next, filters);
    }
    Ok(page)
}

/// Looks for one entry only: the server finds the next of each own subject without looking at the others; what is on shared
/// ones is looked through.
async fn next(
    log: &Inner,
    from: Seq,
    wanted: &Wanted,
    selection: &Selection,
) -> Result<Page, LogError> {
    // Known before, so that whatever is appended meanwhile is not skipped.
    let (bounds, is_shared_used) = log.bounds_and_use(&wanted.shared).await?;
    let from = from.max(bounds.first);
    let own = wanted
        .own
        .iter()
        .map(|filter| log.leaders_next(from, filter));
    let own = futures::future::try_join_all(own).await?;
    let mut first = own.into_iter().flatten().min_by_key(|entry| entry.seq);
    // Nothing that is wanted stands before here, but for `first`.
    let mut known = match wanted.shared.is_empty() {
        true => Seq::MAX,
        false => bounds.last + 1,
    };
    if is_shared_used {
        for filter in &wanted.shared {
            let (found, looked_through) = look_through(log, from, filter, selection).await?;
            known = looked_through.map_or(known, |behind| known.min(behind));
            let earlier = first.into_iter().chain(found);
            first = earlier.min_by_key(|entry| entry.seq);
        }
    }
    let first = first.filter(|entry| entry.seq < known);
    let next = match &first {
        Some(entry) => entry.seq + 1,
        None => known.min(bounds.last + 1).max(from),
    };
    Ok(Page {
        at_end: next > bounds.last,
        entries: first.into_iter().collect(),
        next,
    })
}

/// The first message of a filter that is an entry of the selection, and behind which of its messages everything is unknown:
/// `None` when all were looked at.
async fn look_through(
    log: &Inner,
    from: Seq,
    filter: &str,
    selection: &Selection,
) -> Result<(Option<Entry>, Option<Seq>), LogError> {
    let request = BatchRequest {
        from,
        filter: Some(filter),
        count: BATCH,
        bytes: BATCH_BYTES,
    };
    let batch = log.direct.batch(request).await?;
    let is_last = batch.is_last || batch.messages.is_empty();
    let mut behind = from;
    for message in batch.messages {
        behind = message.seq + 1;
        let found = log.stored(message)?;
        if let Some(entry) = found.filter(|entry| selection.matches(&entry.topic)) {
            return Ok((Some(entry), None));
        }
    }
    if !is_last {
        return Ok((None, Some(behind)));
    }
    // A copy that lags may have answered.
    match log.leaders_next(behind, filter).await? {
        None => Ok((None, None)),
        Some(entry) if selection.matches(&entry.topic) => Ok((Some(entry), None)),
        Some(entry) => Ok((None, Some(entry.seq + 1))),
    }
}

/// Looks at every message.
async fn scanned(log: &Inner, mut page: Filling<'_>) -> Result<Page, LogError> {
    let mut reader = log.reader();
    for _ in 0..MAX_BATCHES {
        let known = log.reads.unreadable_from(page.next);
        let before = known.map_or(BATCH as u64, |known| known.start - page.next);
        if before == 0 && page.next > page.from {
            return Ok(page.finish(false));
        }
        let request = page.request(None, before.max(1) as usize);
        let batch = log.direct.batch(request).await?;
        let Some(first) = batch.messages.first().map(|message| message.seq) else {
            let bounds = log.bounds().await?;
            page.next = page.next.max(bounds.first);
            if page.next > bounds.last {
                return Ok(page.finish(true));
            }
            // A copy that lags may have answered; or nothing stands there any more, of which the leader knows.
            let next = log.leaders_message(page.next).await?;
            let first = next.as_ref().map_or(bounds.last + 1, |next| next.seq);
            if first != page.next {
                log.check_gone(page.next, first).await?;
                page.next = first;
            }
            if let Some(message) = next {
                match log.entry_of(message) {
                    Ok(Some(entry)) => {
                        page.push_entry(entry);
                        return Ok(page.finish_before(bounds));
                    }
                    Ok(None) => page.next += 1,
                    Err(LogError::Corrupt { .. }) if page.next > page.from => {
                        return Ok(page.finish(false));
                    }
                    Err(error) => return Err(error),
                }
            }
            continue;
        };
        if first != page.next {
            log.check_gone(page.next, first).await?;
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

/// Lets the server look at one subject. `None` when what is wanted may stand on others too.
async fn filtered(
    log: &Inner,
    mut page: Filling<'_>,
    filter: &str,
    shared: &[String],
) -> Result<Option<Page>, LogError> {
    // Known before, so that whatever is appended meanwhile is not skipped.
    let (bounds, is_shared_used) = log.bounds_and_use(shared).await?;
    if is_shared_used {
        return Ok(None);
    }
    if !shared.is_empty() {
        // What comes later may stand there.
        page.last = bounds.last;
    }
    page.next = page.next.max(bounds.first);
    if page.next > bounds.last {
        return Ok(Some(page.finish(true)));
    }
    let batch = log.direct.batch(page.request(Some(filter), BATCH)).await?;
    let mut reader = log.reader();
    if !matches!(
        page.take(&mut reader, batch, Contiguous::No)?,
        Taken::All { is_last: true }
    ) {
        return Ok(Some(page.finish(false)));
    }
    Ok(Some(match log.leaders_next(page.next, filter).await? {
        None => {
            page.next = page.next.max(bounds.last + 1);
            page.finish(true)
        }
        Some(entry) if entry.seq > page.last => {
            page.next = page.last + 1;
            page.finish(true)
        }
        Some(entry) => {
            page.push_entry(entry);
            page.finish(false)
        }
    }))
}
