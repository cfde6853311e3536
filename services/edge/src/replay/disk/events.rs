//! Events as the copy takes them, and the pages of the log that they come from.

use std::sync::Arc;

use fanjet_log::{EventLog, LogError, Page, ReadLimit, Selection, Seq};
use fanjet_log_embedded::Copied;

use crate::tail::Entry;

/// An event of the ring.
pub(super) fn from_ring(entry: &Arc<Entry>) -> Copied {
    Copied {
        seq: entry.seq(),
        time: entry.time(),
        topic: entry.topic().clone(),
        body: entry.json(),
    }
}

/// Events of a page of the log, without those at or behind `until`.
pub(super) fn from_page(page: Page, until: Seq) -> Result<Vec<Copied>, LogError> {
    let wanted = page
        .entries
        .into_iter()
        .take_while(|entry| entry.seq < until);
    wanted
        .map(|entry| {
            Ok(Copied {
                time: entry.time()?,
                seq: entry.seq,
                topic: entry.topic,
                body: entry.body,
            })
        })
        .collect()
}

/// A page of the log that is known to be complete from `from` on; `None` if the log no longer has all of it.
pub(super) async fn complete_page(
    log: &dyn EventLog,
    from: Seq,
    limit: ReadLimit,
) -> Result<Option<Page>, LogError> {
    let page = log.read(from, &Selection::All, limit).await?;
    if page.next <= from {
        return Err(LogError::unavailable("the log ends before the ring starts"));
    }
    let is_first_there = page.entries.first().is_some_and(|entry| entry.seq == from);
    // Asked afterwards: what is kept now was kept during the read, so what is missing holds no event.
    let is_complete = is_first_there || log.bounds().await?.first <= from;
    Ok(is_complete.then_some(page))
}
