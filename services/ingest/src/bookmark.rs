//! The upstream position, stored beside the log for the time when no retained event shows it.
//!
//! Retention, a purge or a filter that removes everything can leave the log empty. The bookmark then says where reading
//! stopped and where the log ended at that time; events appended to the log since then are the first ones that the
//! upstream sends again. It is never trusted if it is ahead of the log, and never written before the log has
//! acknowledged everything that it covers. It is written rarely, and nothing waits for it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanjet_log::{Bookmarks, LogError, Seq};
use fanjet_runtime::Stop;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{debug, warn};

use crate::frame_time::FrameTime;
use crate::read_position::Reached;

/// The record's name among the bookmarks beside the log.
pub(crate) const KEY: &str = "ingest";
/// The pause between two writes.
const PAUSE: Duration = Duration::from_secs(10);
/// How long the last write of a term may take: a successor may be waiting.
const FINAL_WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// The record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bookmark {
    /// The identity of the log that it describes.
    pub(crate) log: String,
    /// The log's end at that time: everything up to here was acknowledged.
    pub(crate) end: Seq,
    /// The log time of the newest event, if any.
    pub(crate) log_time_us: Option<u64>,
    /// The upstream that was read.
    pub(crate) upstream: String,
    /// The frame up to which every frame is in the log or produced no event. `None` before the first frame.
    pub(crate) relay_seq: Option<u64>,
    /// That frame's time; without a frame, the time when reading started. Unix microseconds.
    pub(crate) time_us: i64,
}

impl Bookmark {
    /// The upstream position.
    pub(crate) fn reached(&self) -> Reached {
        let time = FrameTime::from_micros(self.time_us);
        match self.relay_seq {
            Some(seq) => Reached::Frame { seq, time },
            None => Reached::Nothing { since: time },
        }
    }

    /// Reads the record, if a readable one exists.
    ///
    /// # Errors
    /// [`LogError`] when a retry can help.
    pub(crate) async fn load(store: &dyn Bookmarks) -> Result<Option<Self>, LogError> {
        let record = match store.get(KEY).await {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(None),
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) => {
                warn!(%error, "failed to read the recorded upstream position: continuing without it");
                return Ok(None);
            }
        };
        match serde_json::from_slice(&record) {
            Ok(bookmark) => Ok(Some(bookmark)),
            Err(error) => {
                warn!(%error, "the recorded upstream position is not readable: continuing without it");
                Ok(None)
            }
        }
    }
}

/// Holds positions back until the log has acknowledged everything before them.
#[derive(Debug)]
pub(crate) struct PendingBookmarks {
    waiting: Option<Bookmark>,
    settled: watch::Sender<Option<Bookmark>>,
}

impl PendingBookmarks {
    pub(crate) fn new() -> Self {
        Self {
            waiting: None,
            settled: watch::Sender::new(None),
        }
    }

    /// The position for [`save_rarely`] to write.
    pub(crate) fn settled(&self) -> watch::Receiver<Option<Bookmark>> {
        self.settled.subscribe()
    }

    /// The upstream was read up to `next`, and the log has acknowledged everything up to `acked`. While one position
    /// waits, newer ones are skipped, so that positions settle even when the log is always behind.
    pub(crate) fn note(&mut self, next: Bookmark, acked: Seq) {
        self.settle(acked);
        if next.end <= acked {
            self.settled.send_replace(Some(next));
        } else {
            self.waiting.get_or_insert(next);
        }
    }

    /// The log has acknowledged everything up to `acked`.
    pub(crate) fn settle(&mut self, acked: Seq) {
        if let Some(bookmark) = self.waiting.take_if(|waiting| waiting.end <= acked) {
            self.settled.send_replace(Some(bookmark));
        }
    }
}

/// Writes settled positions: a change of kind at once, other changes after a pause, and the last one at the end of the
/// term.
pub(crate) async fn save_rarely(
    store: Arc<dyn Bookmarks>,
    mut settled: watch::Receiver<Option<Bookmark>>,
    stop: Stop,
) {
    let mut saved: Option<Bookmark> = None;
    let mut is_heard = true;
    loop {
        let pause = async {
            let urgent = settled.wait_for(|now| is_urgent(saved.as_ref(), now.as_ref()));
            // An error means that the term is over, and with it the last write.
            if timeout(PAUSE, urgent)
                .await
                .is_ok_and(|urgent| urgent.is_err())
            {
                std::future::pending::<()>().await;
            }
        };
        let is_over = tokio::select! {
            () = stop.cancelled() => true,
            () = pause => false,
        };
        let newest = settled.borrow_and_update().clone();
        let is_missing = |newest: &Bookmark| !is_heard || Some(newest) != saved.as_ref();
        if let Some(bookmark) = newest.filter(is_missing) {
            let saving = save(&*store, &bookmark);
            let outcome = if is_over {
                timeout(FINAL_WRITE_TIMEOUT, saving).await.unwrap_or(Ok(()))
            } else {
                saving.await
            };
            match outcome {
                Ok(()) => is_heard = true,
                Err(error) if is_heard => {
                    warn!(%error, "failed to record the upstream position");
                    is_heard = false;
                }
                Err(error) => debug!(%error, "still failing to record the upstream position"),
            }
            // Pause after a failure too: the write is retried, even if no newer position arrives.
            saved = Some(bookmark);
        }
        if is_over {
            return;
        }
    }
}

/// The first record of a term, and the first that names a frame: without it, a successor has nothing to resume from.
fn is_urgent(saved: Option<&Bookmark>, now: Option<&Bookmark>) -> bool {
    match (saved, now) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(saved), Some(now)) => {
            (&saved.upstream, saved.relay_seq.is_some()) != (&now.upstream, now.relay_seq.is_some())
        }
    }
}

async fn save(store: &dyn Bookmarks, bookmark: &Bookmark) -> Result<(), LogError> {
    let record = serde_json::to_vec(bookmark).map_err(LogError::unavailable)?;
    store.set(KEY, Bytes::from(record)).await
}

#[cfg(test)]
mod tests;
