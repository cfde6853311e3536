//! From which seq a session reads, given what is known of the position and what the log holds.

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

/// What is known of the position.
#[derive(Debug)]
pub(super) struct Known<'a> {
    /// What Kafka keeps.
    pub(super) written: Option<Position>,
    /// Up to where an earlier session of this process got.
    pub(super) acked: Option<Position>,
    /// What stands beside the log.
    pub(super) bookmark: Result<Option<Bookmark>, LogError>,
    /// `kafka.position.anew`.
    pub(super) anew: &'a str,
    /// Whether what was sent and not committed is undone.
    pub(super) is_transactional: bool,
}

/// Where to begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// Where `kafka.position.start` says: there never was a position, or an operator wants it.
    Start,
    /// Behind what was produced.
    At(Position),
}

/// Decides where to begin.
///
/// # Errors
/// [`KafkaError::PositionGone`] when there was a position and nobody knows it any more; the log's, when only the bookmark
/// could tell and it cannot be read.
pub(super) fn begin(known: Known<'_>) -> Result<Begin, KafkaError> {
    let Known {
        written,
        acked,
        bookmark,
        anew,
        is_transactional,
    } = known;
    let bookmark = match anew {
        "" => bookmark,
        anew => {
            let bookmark = bookmark?;
            if bookmark
                .as_ref()
                .is_none_or(|bookmark| bookmark.anew != anew)
            {
                return Ok(Begin::Start);
            }
            Ok(bookmark)
        }
    };
    match (written, acked) {
        // An earlier session got further than it could write down.
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

/// The mark in front of the first event of a start.
pub(super) async fn start(log: &dyn EventLog, start: Start) -> Result<Mark, LogError> {
    let next = start.seq(log).await?;
    info!(next, ?start, "no position yet");
    Ok(Mark {
        seq: next.saturating_sub(1),
        time_us: 0,
    })
}

/// Of two logs, the own session's counts.
fn is_further(acked: Position, written: Position) -> bool {
    let is_comparable = written.log.is_none() || written.log == acked.log;
    !is_comparable || acked.next > written.next
}

/// Where a session goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resumed {
    /// Everything up to here is done; the next event is the first one to produce.
    pub(super) mark: Mark,
    /// Whether the position belongs to another log, so that it is not known what is missing.
    pub(super) is_replaced: bool,
}

/// Goes on in the log that is there.
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
    // Its seqs mean nothing here, but its times go on. Without a time nothing was produced: all of this log is new.
    let next = match position.time_us.and_then(TimeUs::new) {
        Some(time) => log.seq_at(time).await?,
        None => log.bounds().await?.first,
    };
    error!(
        position = mark.seq,
        time_us = mark.time_us,
        next,
        "the log was replaced since the position was written: going on by its time"
    );
    Ok(Resumed {
        mark: Mark {
            seq: next.saturating_sub(1),
            time_us: mark.time_us,
        },
        is_replaced: true,
    })
}

/// Whether the event of the position is still what it was. One that the log has dropped by now proves nothing.
async fn is_this_log(log: &dyn EventLog, mark: Mark) -> Result<bool, LogError> {
    // The numbering goes on, unless it has begun anew, also when nothing is kept.
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
