//! Where to go on. The log is the only truth: its last event says everything, the newest few say how sure that is. Where
//! it keeps none, it still says where it ends, and what was [recorded](crate::bookmark) beside it says how far the upstream
//! was read.

use std::time::Duration;

use fanjet_event::TimeUs;
use fanjet_log::{Bookmarks, Entry, EventLog, LogError, Origin, Seq, UpstreamId, first_seq};
use fanjet_runtime::Backoff;
use fanjet_wire::envelope::Subject;
use futures::future::BoxFuture;
use tracing::warn;

use crate::bookmark::Bookmark;
use crate::frame_time::{FrameTime, RecentTimes};
use crate::log_tail::each_entry;
use crate::place::{Place, Reached};
use crate::recent_commits::RecentCommits;
use crate::status::Status;

/// So many events after another upstream began to be read, it has certainly caught up with the log: what it sends then is
/// new.
const SETTLED: Seq = 10_000;

/// The state that a leader starts from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resume {
    /// Which log it is.
    pub(crate) log: String,
    /// The log's last seq, whether it is kept or not, and whether or not an event stands there.
    pub(crate) seq: Seq,
    /// The last seq that is certain to have been an event's, or may have been: what stands behind it is none.
    pub(crate) newest: Seq,
    /// Its log time, if that is known.
    pub(crate) time: Option<TimeUs>,
    /// Its origin, if it is kept.
    pub(crate) origin: Option<Origin>,
    /// What is recorded of this log; used only without an origin.
    pub(crate) bookmark: Option<Bookmark>,
    /// When its newest events happened.
    pub(crate) recent: RecentTimes,
    /// Not all of its newest events have one upstream's numbers: what the last one's upstream sends next may be there
    /// in other numbers.
    pub(crate) is_mixed: bool,
    /// What its newest commits are.
    pub(crate) commits: RecentCommits,
}

impl Resume {
    /// Reads the state. With one upstream there was a switch only when the settings were changed, or it began to number
    /// anew: then the newest events end otherwise than they begin. Several may have taken turns in between.
    ///
    /// # Errors
    /// [`LogError`]; [`LogError::Corrupt`] when an entry is damaged.
    pub(crate) async fn read(
        log: &dyn EventLog,
        positions: &dyn Bookmarks,
        has_fallbacks: bool,
    ) -> Result<Self, LogError> {
        // Only this leader writes: whichever log is there now is the one to go on in.
        let log_id = log.adopt().await?.to_string();
        let End { seq, first, last } = end_of(log).await?;
        let bookmark = match Bookmark::load(positions).await {
            Ok(bookmark) => bookmark.filter(|bookmark| bookmark.log == log_id),
            // Then the log says everything.
            Err(_) if last.is_some() => None,
            Err(error) => return Err(error),
        };
        let mut resume = Self {
            log: log_id,
            seq,
            newest: last
                .as_ref()
                .map_or(first.saturating_sub(1), |last| last.seq),
            bookmark,
            ..Self::default()
        };
        let Some(last) = last else {
            let time = resume.bookmark.as_ref().and_then(|it| it.log_time_us);
            resume.time = time.and_then(TimeUs::new);
            return Ok(resume);
        };
        resume.time = Some(last.time()?);
        let first = (last.seq + 1).saturating_sub(SETTLED).max(1);
        let few = (last.seq + 1)
            .saturating_sub(RecentTimes::KEPT as Seq)
            .max(1);
        let mut note = |entry: &Entry| {
            resume.note(&entry.origin);
            if let Some(subject) = Subject::of(&entry.body) {
                resume.commits.note(subject, entry.origin.op_index);
            }
            Ok(())
        };
        if has_fallbacks {
            each_entry(log, first, last.seq, &mut note).await?;
        } else {
            each_entry(log, first, first, &mut note).await?;
            each_entry(log, few, last.seq, &mut note).await?;
        }
        // What expired while it was read does not matter: this one was there.
        resume.origin.get_or_insert(last.origin);
        Ok(resume)
    }

    /// The record, where the log keeps no event that says more.
    pub(crate) fn recorded(&self) -> Option<&Bookmark> {
        self.bookmark.as_ref().filter(|_| self.origin.is_none())
    }

    /// How many events the log has taken since the record was written: the upstream will send them first, and they must
    /// not be logged again.
    pub(crate) fn taken_since_recorded(&self) -> u64 {
        self.recorded()
            .map_or(0, |bookmark| self.newest.saturating_sub(bookmark.end))
    }

    /// How many events that the log had acknowledged it does not hold any more, although they were its newest: by the
    /// record, and by what this process saw acknowledged.
    pub(crate) fn lost(&self, seen: Seq) -> u64 {
        let recorded = self.bookmark.as_ref().map_or(0, |bookmark| bookmark.end);
        let recorded = recorded.saturating_sub(self.seq);
        recorded.max(seen.saturating_sub(self.newest))
    }

    /// The newest operation that is known to be in the log: its upstream, frame and index.
    pub(crate) fn last_operation(&self) -> Option<(UpstreamId, (u64, u32))> {
        if let Some(origin) = &self.origin {
            let operation = (origin.relay_seq, origin.op_index);
            return Some((origin.upstream.clone(), operation));
        }
        let recorded = self.recorded()?;
        // All of its operations.
        let operation = (recorded.relay_seq?, u32::MAX);
        Some((UpstreamId::new(&recorded.upstream)?, operation))
    }

    /// Whether the log seems to have held events that nobody knows the origin of.
    pub(crate) fn is_origin_unknown(&self) -> bool {
        self.origin.is_none() && self.bookmark.is_none() && !is_new(self.seq)
    }

    /// Takes note of the next one of the newest events.
    fn note(&mut self, origin: &Origin) {
        if let Some(before) = &self.origin {
            let is_behind =
                before.upstream == origin.upstream && before.relay_seq <= origin.relay_seq;
            self.is_mixed |= !is_behind;
        }
        self.recent.add_of(origin);
        self.origin = Some(origin.clone());
    }

    /// The newest frame of `upstream` that is in the log, perhaps in part, or that is recorded.
    pub(crate) fn place_in(&self, upstream: &UpstreamId) -> Option<Place> {
        if let Some(recorded) = self.recorded() {
            let is_its = recorded.upstream == upstream.as_str();
            return match recorded.reached() {
                Reached::Frame { seq, time } if is_its => Some(Place { seq, time }),
                _ => None,
            };
        }
        let origin = self
            .origin
            .as_ref()
            .filter(|origin| origin.upstream == *upstream)?;
        Some(Place {
            seq: origin.relay_seq,
            time: FrameTime::of(&origin.time).unwrap_or(FrameTime::MIN),
        })
    }
}

/// How a log ends.
pub(crate) struct End {
    /// The seq behind which it is written on.
    pub(crate) seq: Seq,
    /// The oldest seq that is kept; one above the last when nothing is.
    pub(crate) first: Seq,
    /// The newest entry, if one is kept: what stands behind it is no event.
    pub(crate) last: Option<Entry>,
}

/// Where a log ends.
///
/// # Errors
/// [`LogError`].
pub(crate) async fn end_of(log: &dyn EventLog) -> Result<End, LogError> {
    // In this order: what is written in between makes this end too low, and nothing can be written behind it then.
    let bounds = log.bounds().await?;
    let last = log.last().await?;
    let newest = last.as_ref().map_or(0, |last| last.seq);
    Ok(End {
        seq: bounds.last.max(newest),
        first: bounds.first,
        last,
    })
}

/// Whether the log may answer later. What is damaged can be waited for, too: an operator can take it out, and nobody is helped
/// by a process that ends.
pub(crate) fn can_be_waited_for(error: &LogError) -> bool {
    error.is_retryable() || matches!(error, LogError::Corrupt { .. })
}

/// Whether a log that ends here and keeps nothing was just made: its first seq is none that a log in use is likely to
/// have come to.
fn is_new(end: Seq) -> bool {
    const SECOND_US: u64 = 1_000_000;
    let seconds = (end + 1) / first_seq(SECOND_US);
    end == 0 || first_seq(seconds * SECOND_US) == end + 1
}

/// Asks the log until it answers, however long that takes.
///
/// # Errors
/// [`LogError`] when asking again cannot help.
pub(crate) async fn patiently<'a, T>(
    status: &Status,
    read: impl Fn() -> BoxFuture<'a, Result<T, LogError>>,
) -> Result<T, LogError> {
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
    loop {
        match read().await {
            Ok(answer) => {
                status.set_log_reachable();
                return Ok(answer);
            }
            Err(error) if can_be_waited_for(&error) => {
                status.set_log_away(&error);
                let pause = backoff.next_pause();
                warn!(%error, ?pause, "the log cannot be read, trying again");
                tokio::time::sleep(pause).await;
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
