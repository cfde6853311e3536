//! From which seq a session reads, given what was written down and what the log holds.

use fanjet_event::TimeUs;
use fanjet_log::{EventLog, LogError, ReadLimit, Selection};
use tracing::{info, warn};

use super::Mark;
use crate::broker::Position;
use crate::start::Start;

const ONE: ReadLimit = ReadLimit {
    entries: 1,
    bytes: 1,
};

/// Everything up to here is done; the next event is the first one to produce.
pub(super) async fn resume(
    log: &dyn EventLog,
    position: Option<Position>,
    start: Start,
) -> Result<Mark, LogError> {
    let Some(position) = position else {
        let next = start.seq(log).await?;
        info!(next, ?start, "no position yet");
        return Ok(Mark {
            seq: next.saturating_sub(1),
            time_us: 0,
        });
    };
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
