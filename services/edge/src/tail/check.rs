//! Checks that the followed stream keeps up with the log: a stream that hangs reports nothing, so the log is asked.

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

/// The state of the log at one moment.
pub(super) struct Checked {
    pub(super) first: Seq,
    /// The oldest entry and its time, unless they are known or the entry is unreadable.
    pub(super) oldest: Option<(Seq, TimeUs)>,
    /// The newest selected event that is known.
    pub(super) newest: Seq,
    /// Whether there certainly is no newer one.
    pub(super) is_all: bool,
    /// Nothing is selected from the start of the check up to here.
    pub(super) clear_to: Seq,
}

/// The state of the stream compared with the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamState {
    /// Everything was read.
    Fresh,
    /// The log may have more, which may be on its way.
    Moving,
    /// The log already had more at the last check, and nothing was received since.
    Hanging,
}

impl Checked {
    /// `next` is the next position to read, now and at the last check.
    pub(super) fn stream_state(&self, next: Seq, next_at_last_check: Option<Seq>) -> StreamState {
        match self.newest < next {
            true if self.is_all => StreamState::Fresh,
            false if next_at_last_check == Some(next) => StreamState::Hanging,
            _ => StreamState::Moving,
        }
    }
}

/// Asks for the state of the log after `interval`; everything selected before `from` was read.
pub(super) async fn check_later(
    log: Arc<dyn EventLog>,
    identity: LogIdentity,
    window: Arc<Window>,
    selection: Selection,
    from: Seq,
    interval: Duration,
) -> Result<Checked, LogError> {
    tokio::time::sleep(interval).await;
    let bounds = with_timeout(interval, own_bounds(&*log, identity)).await?;
    let known = window.oldest();
    let oldest = if known.seq == bounds.first && known.time.is_some() {
        None
    } else {
        match with_timeout(interval, log.read(bounds.first, &Selection::All, ONE)).await {
            // Damage affects only clients that read it.
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
        // The last seq of the log may not be an event.
        if bounds.last >= from {
            let page = with_timeout(interval, log.read(from, &Selection::All, ONE)).await?;
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
        let page = with_timeout(interval, read).await?;
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

/// Whether these seqs of the log have no event, by a second way of reading.
pub(super) async fn is_empty_range(
    log: &dyn EventLog,
    mut places: Range<Seq>,
    timeout: Duration,
) -> Result<bool, LogError> {
    while !places.is_empty() {
        let read = log.read(places.start, &Selection::All, ONE);
        let page = with_timeout(timeout, read).await?;
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

/// The bounds of the log with this identity.
pub(super) async fn own_bounds(
    log: &dyn EventLog,
    identity: LogIdentity,
) -> Result<Bounds, LogError> {
    let bounds = log.bounds().await?;
    // Asked afterwards: the same identity now means the same log before.
    let found = log.identity().await?;
    if found != identity {
        return Err(LogError::Replaced {
            expected: identity,
            found,
        });
    }
    Ok(bounds)
}

pub(super) async fn with_timeout<T>(
    timeout: Duration,
    answer: impl Future<Output = Result<T, LogError>>,
) -> Result<T, LogError> {
    tokio::time::timeout(timeout, answer)
        .await
        .unwrap_or_else(|_| Err(LogError::unavailable("the log did not answer in time")))
}

#[cfg(test)]
mod tests;
