//! Where to resume. The log is the only truth: its last event holds the position, and the newest few show how certain
//! it is. A log without events still has an end, and the [bookmark](crate::bookmark) beside it holds the upstream
//! position.

use std::time::Duration;

use fanjet_event::{TimeUs, Topic};
use fanjet_log::{Bookmarks, Entry, EventLog, LogError, Origin, Seq, UpstreamId, first_seq};
use fanjet_runtime::Backoff;
use futures::future::BoxFuture;
use tracing::warn;

use crate::bookmark::Bookmark;
use crate::frame_time::{FrameTime, RecentTimes};
use crate::log_tail::each_entry;
use crate::read_position::{FramePosition, Reached};
use crate::recent_commits::RecentCommits;
use crate::status::Status;
use crate::subject::subject_of;

/// This many events after a switch to another upstream, the upstream has certainly caught up with the log: what it
/// sends from then on is new.
const SETTLED: Seq = 10_000;

/// The state that a leader starts from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resume {
    /// The identity of the log.
    pub(crate) log: String,
    /// The log's last seq, whether or not it is retained and whether or not it is an event.
    pub(crate) seq: Seq,
    /// The last seq that is, or may have been, an event's: any later entries are not events.
    pub(crate) newest: Seq,
    /// Its log time, if known.
    pub(crate) time: Option<TimeUs>,
    /// The number of the newest frame of a raw log, if it is retained.
    pub(crate) wire_seq: Option<u64>,
    /// Its origin, if it is retained.
    pub(crate) origin: Option<Origin>,
    /// The bookmark of this log; used only without an origin.
    pub(crate) bookmark: Option<Bookmark>,
    /// The times of its newest events.
    pub(crate) recent: RecentTimes,
    /// The newest events do not all have one upstream's numbering: what the last event's upstream sends next may be in
    /// the log under other seqs.
    pub(crate) is_mixed: bool,
    /// The newest commits.
    pub(crate) commits: RecentCommits,
}

impl Resume {
    /// Reads the state. With a single upstream, a switch happened only if the settings changed or the upstream
    /// restarted its sequence: then the first and the last of the newest events differ. Several upstreams may have
    /// taken turns in between.
    ///
    /// # Errors
    /// [`LogError`]; [`LogError::Corrupt`] when an entry is damaged.
    pub(crate) async fn read(
        log: &dyn EventLog,
        positions: &dyn Bookmarks,
        has_fallbacks: bool,
    ) -> Result<Self, LogError> {
        // Only this leader writes, so whichever log exists now is the one to continue.
        let log_id = log.adopt().await?.to_string();
        let End { seq, first, last } = end_of(log).await?;
        let bookmark = match Bookmark::load(positions).await {
            Ok(bookmark) => bookmark.filter(|bookmark| bookmark.log == log_id),
            // Then the log holds everything that is needed.
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
        if let Topic::Frame(stamp) = &last.topic {
            resume.wire_seq = Some(stamp.wire_seq);
        }
        let first = (last.seq + 1).saturating_sub(SETTLED).max(1);
        let few = (last.seq + 1)
            .saturating_sub(RecentTimes::KEPT as Seq)
            .max(1);
        let mut note = |entry: &Entry| {
            resume.note(&entry.origin);
            if let Some((_, subject)) = subject_of(&entry.topic, &entry.body) {
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
        // It does not matter if the event expired during the read: it existed.
        resume.origin.get_or_insert(last.origin);
        Ok(resume)
    }

    /// The bookmark, unless the log retains a newer event.
    pub(crate) fn recorded(&self) -> Option<&Bookmark> {
        self.bookmark.as_ref().filter(|_| self.origin.is_none())
    }

    /// How many events the log gained since the bookmark was written. The upstream sends them first, and they must not
    /// be logged again.
    pub(crate) fn taken_since_recorded(&self) -> u64 {
        self.recorded()
            .map_or(0, |bookmark| self.newest.saturating_sub(bookmark.end))
    }

    /// How many acknowledged events are missing from the end of the log, judging by the bookmark and by what this
    /// process saw acknowledged.
    pub(crate) fn lost(&self, seen: Seq) -> u64 {
        let recorded = self.bookmark.as_ref().map_or(0, |bookmark| bookmark.end);
        let recorded = recorded.saturating_sub(self.seq);
        recorded.max(seen.saturating_sub(self.newest))
    }

    /// The newest operation known to be in the log: its upstream, frame and index.
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

    /// Whether the log seems to have contained events of unknown origin.
    pub(crate) fn is_origin_unknown(&self) -> bool {
        self.origin.is_none() && self.bookmark.is_none() && !is_new(self.seq)
    }

    /// Adds the next one of the newest events.
    fn note(&mut self, origin: &Origin) {
        if let Some(before) = &self.origin {
            let is_behind =
                before.upstream == origin.upstream && before.relay_seq <= origin.relay_seq;
            self.is_mixed |= !is_behind;
        }
        self.recent.add_of(origin);
        self.origin = Some(origin.clone());
    }

    /// The newest frame of `upstream` that is in the log, at least in part, or in the bookmark.
    pub(crate) fn place_in(&self, upstream: &UpstreamId) -> Option<FramePosition> {
        if let Some(recorded) = self.recorded() {
            let is_its = recorded.upstream == upstream.as_str();
            return match recorded.reached() {
                Reached::Frame { seq, time } if is_its => Some(FramePosition { seq, time }),
                _ => None,
            };
        }
        let origin = self
            .origin
            .as_ref()
            .filter(|origin| origin.upstream == *upstream)?;
        Some(FramePosition {
            seq: origin.relay_seq,
            time: FrameTime::of(&origin.time).unwrap_or(FrameTime::MIN),
        })
    }
}

/// The end of a log.
pub(crate) struct End {
    /// Appends continue after this seq.
    pub(crate) seq: Seq,
    /// The oldest retained seq; the last seq plus one when nothing is retained.
    pub(crate) first: Seq,
    /// The newest retained entry, if any. Entries after it are not events.
    pub(crate) last: Option<Entry>,
}

/// Reads the end of a log.
///
/// # Errors
/// [`LogError`].
pub(crate) async fn end_of(log: &dyn EventLog) -> Result<End, LogError> {
    // The order matters: an append in between makes the end too low, and then no append after it can succeed.
    let bounds = log.bounds().await?;
    let last = log.last().await?;
    let newest = last.as_ref().map_or(0, |last| last.seq);
    Ok(End {
        seq: bounds.last.max(newest),
        first: bounds.first,
        last,
    })
}

/// Whether the log may recover. Damage also counts as recoverable: an operator can remove it, and exiting helps no one.
pub(crate) fn can_be_waited_for(error: &LogError) -> bool {
    error.is_retryable() || matches!(error, LogError::Corrupt { .. })
}

/// Whether an empty log with this end was just created: a log in use is unlikely to reach this first seq.
fn is_new(end: Seq) -> bool {
    const SECOND_US: u64 = 1_000_000;
    let seconds = (end + 1) / first_seq(SECOND_US);
    end == 0 || first_seq(seconds * SECOND_US) == end + 1
}

/// Retries until the log responds, however long that takes.
///
/// # Errors
/// [`LogError`] when a retry cannot help.
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
                warn!(%error, ?pause, "failed to read the log, retrying");
                tokio::time::sleep(pause).await;
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
