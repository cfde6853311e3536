//! Where to go on. The log is the only truth: its last event says everything, the newest few say how sure that is.

use std::time::Duration;

use fanjet_actors::Backoff;
use fanjet_event::TimeUs;
use fanjet_log::{Entry, EventLog, LogError, Origin, Seq, UpstreamId};
use futures::future::BoxFuture;
use tracing::warn;

use crate::frame_time::{FrameTime, RecentTimes};
use crate::log_tail::each_entry;
use crate::status::Status;

/// So many events after another upstream began to be read, it has certainly caught up with the log: what it sends then is
/// new.
const SETTLED: Seq = 10_000;

/// The state that a leader starts from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resume {
    /// The log's last seq, of an entry that is kept or not.
    pub(crate) seq: Seq,
    /// Its log time.
    pub(crate) time: Option<TimeUs>,
    /// Its origin.
    pub(crate) origin: Option<Origin>,
    /// When its newest events happened.
    pub(crate) recent: RecentTimes,
    /// Not all of its newest events have one upstream's numbers: what the last one's upstream sends next may be there
    /// in other numbers.
    pub(crate) is_mixed: bool,
}

impl Resume {
    /// Reads the state. With one upstream there was a switch only when the settings were changed, or it began to number
    /// anew: then the newest events end otherwise than they begin. Several may have taken turns in between.
    ///
    /// # Errors
    /// [`LogError`]; [`LogError::Corrupt`] when an entry is damaged.
    pub(crate) async fn read(log: &dyn EventLog, has_fallbacks: bool) -> Result<Self, LogError> {
        // Whatever was there before: what is written goes on from what is there now.
        log.adopt().await?;
        let Some(last) = log.last().await? else {
            return Ok(Self {
                seq: log.bounds().await?.last,
                ..Self::default()
            });
        };
        let mut resume = Self {
            seq: last.seq,
            time: Some(last.time()?),
            ..Self::default()
        };
        let first = (last.seq + 1).saturating_sub(SETTLED).max(1);
        let few = (last.seq + 1)
            .saturating_sub(RecentTimes::KEPT as Seq)
            .max(1);
        let mut note = |entry: &Entry| {
            resume.note(&entry.origin);
            Ok(())
        };
        if has_fallbacks {
            each_entry(log, first, last.seq, &mut note).await?;
        } else {
            each_entry(log, first, first, &mut note).await?;
            each_entry(log, few, last.seq, &mut note).await?;
        }
        Ok(resume)
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

    /// How far the log holds what `upstream` sent: the cursor to give to it, which sends what is *behind* it, and the
    /// time there. The frame before the last one logged, so that a commit that was logged in part comes again.
    pub(crate) fn place_in(&self, upstream: &UpstreamId) -> Option<(u64, FrameTime)> {
        let origin = self
            .origin
            .as_ref()
            .filter(|origin| origin.upstream == *upstream)?;
        let time = FrameTime::of(&origin.time).unwrap_or(FrameTime::MIN);
        Some((cursor_before(origin.relay_seq), time))
    }
}

/// The cursor behind which the frame `relay_seq` is the next.
pub(crate) fn cursor_before(relay_seq: u64) -> u64 {
    relay_seq.saturating_sub(1)
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
                status.set_log_reachable(true);
                return Ok(answer);
            }
            Err(error) if error.is_retryable() => {
                status.set_log_reachable(false);
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
