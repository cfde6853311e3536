//! Pages without the connection for reading: one message at a time, from the stream's leader.
//!
//! The way past messages that the client library cannot parse ([`crate::reads`]), and through what others read while one of them
//! has broken the connection. It costs the leader more than any other way, so few pages are read so at a time, and each is
//! short.

use std::collections::BTreeMap;
use std::ops::Range;

use fanjet_log::{Bounds, LogError, Page, ReadLimit, Selection, Seq};
use futures::{StreamExt, TryStreamExt};

use crate::filling::Filling;
use crate::inner::Inner;
use crate::raw::RawMessage;

/// Messages of one page.
const MOST: usize = 256;
/// Questions under way for one page, each of which may bring a message of the largest size.
const AT_ONCE: usize = 8;
/// With more filters every message is looked at: one of each is held.
const MAX_FILTERS: usize = 8;

/// A page of these places; `filters` are the subjects of the selection, none for all.
pub(crate) async fn page(
    log: &Inner,
    places: Range<Seq>,
    filters: &[String],
    selection: &Selection,
    limit: ReadLimit,
) -> Result<Page, LogError> {
    let _turn = log.reads.careful_page().await?;
    let bounds = log.bounds().await?;
    let mut page = Filling::new(places.start, selection, limit);
    page.next = places.start.max(bounds.first);
    if page.next > bounds.last {
        return Ok(page.finish(true));
    }
    match filters.len() {
        1..=MAX_FILTERS => filtered(log, page, bounds, filters).await,
        _ => whole(log, page, bounds, places.end).await,
    }
}

/// Looks at every message.
async fn whole(
    log: &Inner,
    mut page: Filling<'_>,
    bounds: Bounds,
    until: Seq,
) -> Result<Page, LogError> {
    let mut reader = log.reader();
    let end = (bounds.last + 1).min(page.next + MOST as u64).min(until);
    let asked = futures::stream::iter(page.next..end).map(|seq| log.leaders(seq));
    let mut answers = asked.buffered(AT_ONCE);
    while let Some(message) = answers.try_next().await? {
        // Nothing may stand there: what that means is known when the next message is.
        let Some(message) = message else {
            continue;
        };
        let seq = message.seq;
        if seq != page.next {
            log.check_gone(page.next, seq).await?;
            page.next = seq;
        }
        let entry = log.entry_from(&mut reader, page.selection, message);
        if !page.add(seq, entry)? || page.is_enough() {
            return Ok(page.finish(false));
        }
    }
    if page.next < end {
        log.check_gone(page.next, end).await?;
        page.next = end;
    }
    Ok(page.finish_before(bounds))
}

/// Looks at what stands on some subjects, one of which each message has.
async fn filtered(
    log: &Inner,
    mut page: Filling<'_>,
    bounds: Bounds,
    filters: &[String],
) -> Result<Page, LogError> {
    let mut reader = log.reader();
    // The next message of each filter.
    let mut ahead: BTreeMap<Seq, (&str, RawMessage)> = BTreeMap::new();
    let mut wanted: Vec<(&str, Seq)> = filters
        .iter()
        .map(|filter| (filter.as_str(), page.next))
        .collect();
    for _ in 0..MOST {
        for (filter, from) in wanted.drain(..) {
            if let Some(message) = log.leaders_first(from, filter).await? {
                ahead.insert(message.seq, (filter, message));
            }
        }
        // Messages appended after the end meanwhile may be on the other subjects too.
        let first = ahead.pop_first().filter(|(seq, _)| *seq <= bounds.last);
        let Some((seq, (filter, message))) = first else {
            page.next = bounds.last + 1;
            return Ok(page.finish(true));
        };
        let entry = log.entry_from(&mut reader, page.selection, message);
        if !page.add(seq, entry)? || page.is_enough() {
            return Ok(page.finish(false));
        }
        wanted.push((filter, seq + 1));
    }
    Ok(page.finish(false))
}
