//! From which seq a session reads, given what is known about the position and what the log contains.

use fanjet_event::TimeUs;
use fanjet_log::{EventLog, LogError, LogIdentity, ReadLimit, Selection};
use tracing::{error, info};

use super::bookmark::Bookmark;
use crate::KafkaError;
use crate::broker::Position;
use crate::start::Start;
use crate::window::Mark;

const ONE: ReadLimit = ReadLimit {
    entries: 1,
    bytes: 1,
};

/// What is known about the position.
#[derive(Debug)]
pub(super) struct Known<'a> {
    /// What Kafka stores.
    pub(super) written: Option<Position>,
    /// How far an earlier session of this process got.
    pub(super) acked: Option<Position>,
    /// The bookmark beside the log.
    pub(super) bookmark: Result<Option<Bookmark>, LogError>,
    /// `kafka.position.reset`.
    pub(super) reset: &'a str,
    /// Whether uncommitted messages are aborted.
    pub(super) is_transactional: bool,
}

/// Where to start.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// At `kafka.position.start`: no position ever existed, or an operator requests it.
    Start,
    /// After what was produced.
    At(Position),
}

/// Decides where to start.
///
/// # Errors
/// [`KafkaError::PositionGone`] when a position existed and is lost; the log's error, when only the bookmark could tell
/// and it cannot be read.
pub(super) fn begin(known: Known<'_>) -> Result<Begin, KafkaError> {
    let Known {
        written,
        acked,
        bookmark,
        reset,
        is_transactional,
    } = known;
    let bookmark = match reset {
        "" => bookmark,
        reset => {
            let bookmark = bookmark?;
            if bookmark
                .as_ref()
                .is_none_or(|bookmark| bookmark.reset != reset)
            {
                return Ok(Begin::Start);
            }
            Ok(bookmark)
        }
    };
    match (written, acked) {
        // An earlier session got further than it could store.
        (Some(written), Some(acked)) if !is_transactional && is_further(acked, written) => {
            Ok(Begin::At(acked))
        }
        (Some(written), _) => Ok(Begin::At(written)),
        (None, Some(acked)) => Ok(Begin::At(acked)),
        (None, None) => match bookmark? {
            None => Ok(Begin::Start),
            Some(bookmark) => Err(KafkaError::PositionGone {
                group: bookmark.group,
                topic: bookmark.topic,
                produced: bookmark.seq,
                time_us: bookmark.time_us,
            }),
        },
    }
}

/// The mark before the first event of a start.
pub(super) async fn start(log: &dyn EventLog, start: Start) -> Result<Mark, LogError> {
    let next = start.seq(log).await?;
    info!(next, ?start, "no position yet");
    Ok(Mark {
        seq: next.saturating_sub(1),
        time_us: 0,
    })
}

/// Of two logs, the one of this process' own session counts.
fn is_further(acked: Position, written: Position) -> bool {
    let is_comparable = written.log.is_none() || written.log == acked.log;
    !is_comparable || acked.next > written.next
}

/// Where a session continues.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resumed {
    /// Everything up to here is complete; the next event is the first one to produce.
    pub(super) mark: Mark,
    /// Whether the position belongs to another log, so that what is missing is unknown.
    pub(super) is_replaced: bool,
}

/// Continues in the current log.
pub(super) async fn resume(
    log: &dyn EventLog,
    identity: LogIdentity,
    position: Position,
) -> Result<Resumed, LogError> {
    let mark = Mark {
        seq: position.next.saturating_sub(1),
        time_us: position.time_us.unwrap_or(0),
    };
    let is_named = position.log.is_none_or(|log| log == identity);
    if is_named && is_this_log(log, mark).await? {
        return Ok(Resumed {
            mark,
            is_replaced: false,
        });
    }
    // Its seqs are meaningless here, but its times continue. Without a time nothing was produced: all of this log is
    // new.
    let next = match position.time_us.and_then(TimeUs::new) {
        Some(time) => log.seq_at(time).await?,
        None => log.bounds().await?.first,
    };
    error!(
        position = mark.seq,
        time_us = mark.time_us,
        next,
        "the log was replaced since the position was written, resuming by its time"
    );
    Ok(Resumed {
        mark: Mark {
            seq: next.saturating_sub(1),
            time_us: mark.time_us,
        },
        is_replaced: true,
    })
}

/// Whether the event at the position is unchanged. An event that the log has since dropped proves nothing.
async fn is_this_log(log: &dyn EventLog, mark: Mark) -> Result<bool, LogError> {
    // The seqs continue, unless the log restarted them, even when nothing is retained.
    let bounds = log.bounds().await?;
    // Or nothing was produced yet, so there is nothing to compare.
    if bounds.last < mark.seq || bounds.is_empty() || mark.seq == 0 || mark.time_us == 0 {
        return Ok(bounds.last >= mark.seq);
    }
    let page = log.read(mark.seq, &Selection::All, ONE).await?;
    match page.entries.first() {
        Some(entry) if entry.seq == mark.seq => Ok(entry.time()?.get() == mark.time_us),
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests;
