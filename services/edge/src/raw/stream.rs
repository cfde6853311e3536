//! What all raw subscribers of a node share, and the positions of their cursors.

use std::sync::{Arc, OnceLock};

use fanjet_log::{EventLog, LogError, Selection, Seq};
use tokio::sync::Semaphore;

use super::cursor::{Ends, Start, start};
use super::pages::{Page, Pages};
use super::ring::{RawFrame, Ring};
use super::search::{frame_at, newest_from, seq_at};
use super::view::View;
use crate::config::RawServeConfig;

/// One per node and view.
pub(crate) struct RawStream {
    pub(crate) view: View,
    pub(crate) ring: Ring,
    /// Once the log was reached.
    pub(crate) opened: OnceLock<Opened>,
    pub(crate) config: RawServeConfig,
    /// Reads of the log at one time, of all streams that share it.
    reads: Arc<Semaphore>,
}

pub(crate) struct Opened {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) pages: Pages,
}

/// A position that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawStart {
    /// The next seq of the log.
    pub(crate) seq: Seq,
    /// Of the log that it is in.
    pub(crate) generation: u64,
    /// Frames below this wire seq are not sent.
    pub(crate) not_below: u64,
    /// Frames between the client's cursor and this position are gone.
    pub(crate) is_outdated: bool,
    /// Frames at this position may expire before they are sent: the client requested whatever is retained.
    pub(crate) may_expire: bool,
}

/// Why there is no position.
#[derive(Debug)]
pub(crate) enum NoRawStart {
    /// The log was not reached yet.
    NotReady,
    /// The cursor is far above everything in the log.
    Future {
        /// The newest frame.
        newest: u64,
    },
    /// The log cannot be read.
    Log(LogError),
}

/// What is behind a position in the log.
#[derive(Debug)]
pub(crate) enum Read {
    Page(Arc<Page>),
    /// The frame at the position has expired.
    Expired,
}

impl RawStream {
    pub(crate) fn new(config: RawServeConfig) -> Self {
        let reads = Arc::new(Semaphore::new(config.max_loads));
        Self::of(View::Firehose, config, reads)
    }

    /// A stream of a log that others are streams of, too.
    pub(crate) fn of(view: View, config: RawServeConfig, reads: Arc<Semaphore>) -> Self {
        Self {
            view,
            reads,
            ring: Ring::new(config.ring_bytes),
            opened: OnceLock::new(),
            config,
        }
    }

    /// The log was reached.
    pub(crate) fn open(&self, log: &Arc<dyn EventLog>) {
        self.opened.get_or_init(|| Opened {
            pages: Pages::new(
                Arc::clone(log),
                self.view.clone(),
                self.config.cache_bytes,
                Arc::clone(&self.reads),
            ),
            log: Arc::clone(log),
        });
    }

    /// The position of a cursor: from the ring if it knows, else from the log.
    ///
    /// # Errors
    /// [`NoRawStart`].
    pub(crate) async fn position(&self, cursor: Option<u64>) -> Result<RawStart, NoRawStart> {
        let head = self.ring.head();
        let (Some(opened), Some(end)) = (self.opened.get(), head.end) else {
            return Err(NoRawStart::NotReady);
        };
        let at = |seq, not_below, is_outdated| RawStart {
            seq,
            generation: head.generation,
            not_below,
            is_outdated,
            may_expire: is_outdated || cursor == Some(0),
        };
        let Some(wanted) = cursor else {
            return Ok(at(end, 0, false));
        };
        if let Some(seq) = self.ring.seq_at(wanted) {
            return Ok(at(seq, wanted, false));
        }
        let log = &*opened.log;
        let bounds = log.bounds().await.map_err(NoRawStart::Log)?;
        let oldest = frame_at(log, &self.view, bounds.first).await;
        let oldest = oldest.map_err(NoRawStart::Log)?;
        let newest = self.newest(log).await.map_err(NoRawStart::Log)?;
        let ends = oldest.as_ref().zip(newest.as_ref());
        let ends = ends.map(|(oldest, newest)| Ends {
            oldest: oldest.wire_seq,
            newest: newest.wire_seq,
        });
        let first = oldest.map_or(bounds.last + 1, |frame| frame.seq);
        Ok(match start(cursor, ends, self.config.future_slack) {
            Start::Live { not_below } => {
                let newest = newest.map(|frame| frame.seq);
                at(live_at(ends.is_some(), newest, first), not_below, false)
            }
            Start::Oldest => at(first, 0, false),
            Start::Outdated => at(first, 0, true),
            Start::At(wire_seq) => {
                let seq = seq_at(log, &self.view, bounds, wire_seq).await;
                at(seq.map_err(NoRawStart::Log)?, wire_seq, false)
            }
            Start::Future => {
                let newest = ends.map_or(0, |ends| ends.newest);
                return Err(NoRawStart::Future { newest });
            }
        })
    }

    /// The newest frame in the log, which may be ahead of the ring.
    async fn newest(&self, log: &dyn EventLog) -> Result<Option<RawFrame>, LogError> {
        if self.view.selection() == Selection::All {
            let last = log.last().await?;
            return last.map(|entry| self.view.frame(entry)).transpose();
        }
        // The ring has the newest frame up to its end.
        let (known, end) = (self.ring.newest_frame(), self.ring.end().unwrap_or(0));
        Ok(newest_from(log, &self.view, end).await?.or(known))
    }

    /// Reads frames that the ring no longer has.
    ///
    /// # Errors
    /// [`LogError`].
    pub(crate) async fn read(self: Arc<Self>, seq: Seq) -> Result<Read, Arc<LogError>> {
        let Some(opened) = self.opened.get() else {
            return Err(Arc::new(LogError::unavailable("not reached yet")));
        };
        let page = opened.pages.clone().get(seq).await?;
        let first = page.frames.iter().find(|frame| frame.seq >= seq);
        if first.is_none_or(|frame| frame.seq > seq) {
            // A place without a frame, or one that is gone.
            let bounds = opened.log.bounds().await.map_err(Arc::new)?;
            if bounds.first > seq {
                return Ok(Read::Expired);
            }
        }
        Ok(Read::Page(page))
    }
}

/// Behind the newest frame in the log: the ring may lag behind it. If the log had none when it was asked first, its end of then: a frame
/// that has arrived since follows.
fn live_at(had_frames: bool, newest: Option<Seq>, first: Seq) -> Seq {
    newest
        .filter(|_| had_frames)
        .map_or(first, |newest| newest + 1)
}

#[cfg(test)]
mod tests;
