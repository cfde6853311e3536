//! Whether the stream that is followed keeps up with the log: one that hangs says nothing, so the log is asked.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use fanjet_event::TimeUs;
use fanjet_log::{Bounds, EventLog, LogError, LogIdentity, ReadLimit, Selection, Seq};

use super::Window;

const ONE: ReadLimit = ReadLimit {
    entries: 1,
    bytes: usize::MAX,
};

/// What the log holds at one moment.
pub(super) struct Checked {
    pub(super) first: Seq,
    /// The oldest entry and its time, unless that is known already, or the entry cannot be read.
    pub(super) oldest: Option<(Seq, TimeUs)>,
    /// A selected event, the newest that is known to be there.
    pub(super) newest: Seq,
    /// Whether it is certain that there is no newer one.
    pub(super) is_all: bool,
    /// Nothing is selected from where the check began up to here.
    pub(super) clear_to: Seq,
}

/// What that says about the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Everything that there is was read.
    Fresh,
    /// There is, or may be, more; it may be on its way.
    Moving,
    /// There was more at the last check already, and nothing has come since.
    Hanging,
}

impl Checked {
    /// `next` is the position that is read next, now and at the last check.
    pub(super) fn verdict(&self, next: Seq, next_at_last_check: Option<Seq>) -> Verdict {
        match self.newest < next {
            true if self.is_all => Verdict::Fresh,
            false if next_at_last_check == Some(next) => Verdict::Hanging,
            _ => Verdict::Moving,
        }
    }
}

/// Asks for what the log holds after a while; `from` is a position up to which everything selected was read.
pub(super) async fn check_later(
    log: Arc<dyn EventLog>,
    identity: LogIdentity,
    window: Arc<Window>,
    selection: Selection,
    from: Seq,
    interval: Duration,
) -> Result<Checked, LogError> {
    tokio::time::sleep(interval).await;
    let bounds = in_time(interval, own_bounds(&*log, identity)).await?;
    let known = window.oldest();
    let oldest = if known.seq == bounds.first && known.time.is_some() {
        None
    } else {
        match in_time(interval, log.read(bounds.first, &Selection::All, ONE)).await {
            // Damage costs those who read it.
            Err(LogError::Corrupt { .. }) => None,
            page => page?
                .entries
                .first()
                .and_then(|entry| Some((entry.seq, entry.time().ok()?))),
        }
    };
    let mut checked = Checked {
        first: bounds.first,
        oldest,
        newest: bounds.last,
        is_all: true,
        clear_to: from,
    };
    if selection == Selection::All {
        // What stands at the log's end may be no event.
        if bounds.last >= from {
            let page = in_time(interval, log.read(from, &Selection::All, ONE)).await?;
            if page.entries.is_empty() {
                checked.clear_to = page.next;
            }
        }
        if bounds.last < checked.clear_to {
            checked.newest = 0;
        }
        return Ok(checked);
    }
    loop {
        let read = log.read(checked.clear_to, &selection, ONE);
        let page = in_time(interval, read).await?;
        checked.newest = page.entries.first().map_or(0, |entry| entry.seq);
        checked.is_all = page.entries.is_empty();
        if !checked.is_all {
            return Ok(checked);
        }
        checked.clear_to = page.next;
        if page.at_end {
            return Ok(checked);
        }
    }
}

/// Whether the log has no event in these places, by a second way to read it.
pub(super) async fn is_void(
    log: &dyn EventLog,
    mut places: Range<Seq>,
    patience: Duration,
) -> Result<bool, LogError> {
    while !places.is_empty() {
        let read = log.read(places.start, &Selection::All, ONE);
        let page = in_time(patience, read).await?;
        if let Some(first) = page.entries.first() {
            return Ok(first.seq >= places.end);
        }
        if page.next <= places.start {
            return Ok(false);
        }
        places.start = page.next;
    }
    Ok(true)
}

/// What a log holds, and not another one in its place.
pub(super) async fn own_bounds(
    log: &dyn EventLog,
    identity: LogIdentity,
) -> Result<Bounds, LogError> {
    let bounds = log.bounds().await?;
    // Asked afterwards: what is there now was there before.
    let found = log.identity().await?;
    if found != identity {
        return Err(LogError::Replaced {
            expected: identity,
            found,
        });
    }
    Ok(bounds)
}

pub(super) async fn in_time<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, LogError>>,
) -> Result<T, LogError> {
    tokio::time::timeout(patience, answer)
        .await
        .unwrap_or_else(|_| Err(LogError::unavailable("no answer in time")))
}

#[cfg(test)]
mod tests;
