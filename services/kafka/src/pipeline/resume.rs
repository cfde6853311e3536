//! From which seq a session reads, given what is known of the position and what the log holds.

use fanjet_event::TimeUs;
use fanjet_log::{EventLog, LogError, ReadLimit, Selection};
use tracing::{info, warn};

use super::Mark;
use super::bookmark::Bookmark;
use crate::KafkaError;
use crate::broker::Position;
use crate::start::Start;

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
    pub(super) acked: Option<Mark>,
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
    let acked = acked.map(|mark| Position {
        next: mark.seq + 1,
        time_us: Some(mark.time_us),
    });
    match (written, acked) {
        // An earlier session got further than it could write down.
        (Some(written), Some(acked)) if !is_transactional && acked.next > written.next => {
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

/// Everything up to here is done; the next event is the first one to produce.
pub(super) async fn resume(log: &dyn EventLog, position: Position) -> Result<Mark, LogError> {
    let mark = Mark {
        seq: position.next.saturating_sub(1),
        time_us: position.time_us.unwrap_or(0),
    };
    let Some(time) = position.time_us.and_then(TimeUs::new) else {
        return Ok(mark);
    };
    if is_this_log(log, mark).await? {
        return Ok(mark);
    }
    // Another log under the same name: its seqs mean nothing, but its times go on.
    let next = log.seq_at(time).await?;
    warn!(
        position = mark.seq,
        next, "the log was replaced since the position was written: going on by its time"
    );
    Ok(Mark {
        seq: next.saturating_sub(1),
        time_us: mark.time_us,
    })
}

/// Whether the event of the position is still what it was. One that the log has dropped by now proves nothing.
async fn is_this_log(log: &dyn EventLog, mark: Mark) -> Result<bool, LogError> {
    if mark.seq == 0 {
        return Ok(true);
    }
    match log.last().await? {
        Some(last) if last.seq >= mark.seq => {}
        Some(_) => return Ok(false),
        // Nothing is kept: the numbering goes on, unless it has begun anew.
        None => return Ok(log.bounds().await?.last >= mark.seq),
    }
    let page = log.read(mark.seq, &Selection::All, ONE).await?;
    match page.entries.first() {
        Some(entry) if entry.seq == mark.seq => Ok(entry.time()?.get() == mark.time_us),
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests;
