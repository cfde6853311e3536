//! The task that loads pages: a bounded number at a time, in the order in which they were asked for.

use std::sync::Arc;

use fanjet_log::{EventLog, LogError, ReadLimit, Selection, Seq};
use fanjet_runtime::{Backoff, Stop};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use parking_lot::Mutex;
use tracing::{debug, error};

use super::desk::Load;
use super::{Desk, Page};
use crate::EdgeError;
use crate::config::{ReplayConfig, TailConfig};
use crate::damage::Damages;
use crate::metrics::{MetBy, Metrics};
use crate::tail::Collections;

/// So often in a row an event may be missing before it is taken for deleted: damage, at which readers must not wait for ever.
const MAX_GAPS: u32 = 10;
/// Most events of one page.
const MAX_ENTRIES: usize = 1000;

/// Reads pages from the log.
pub(crate) struct Loader {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) collections: Arc<Mutex<Collections>>,
    pub(crate) damages: Damages,
    pub(crate) metrics: Metrics,
    pub(crate) config: ReplayConfig,
    /// How to wait for a log that is away.
    pub(crate) retry: TailConfig,
}

impl Loader {
    /// Runs until stopped. A log that is away is waited for; a place where it is damaged costs those who wait for it.
    ///
    /// # Errors
    /// [`EdgeError::Log`] when the log is set up wrongly.
    pub(crate) async fn run(self, stop: Stop) -> Result<(), EdgeError> {
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < self.config.max_loads
                && let Some(load) = self.desk.next_load()
            {
                running.push(self.load(load));
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.desk.asked(), if running.len() < self.config.max_loads => {}
                Some((load, loaded)) = running.next() => self.answer(load, loaded)?,
            }
        }
    }

    fn answer(&self, load: Load, loaded: Result<Page, LogError>) -> Result<(), EdgeError> {
        match loaded {
            Ok(page) => {
                let events = page.entries.len() as u64;
                self.metrics.replay_loaded(events, self.desk.cached_bytes());
                self.desk.loaded(load, page);
            }
            Err(failure) => match self.damages.met(MetBy::Replay, &failure) {
                Some(damage) => self.desk.failed(load, damage),
                None => {
                    error!(error = %failure, "a replay cannot be read, stopping");
                    return Err(EdgeError::Log(failure));
                }
            },
        }
        Ok(())
    }

    async fn load(&self, load: Load) -> (Load, Result<Page, LogError>) {
        let entries = load.until.map_or(MAX_ENTRIES, |until| {
            usize::try_from(until - load.from).map_or(MAX_ENTRIES, |near| near.min(MAX_ENTRIES))
        });
        let limit = ReadLimit {
            entries,
            bytes: self.config.page_bytes,
        };
        let mut gaps_in_a_row = 0;
        let mut backoff = Backoff::new(self.retry.retry_floor, self.retry.retry_ceiling);
        loop {
            match self.whole(load.from, &load.selection, limit).await {
                Err(_) if self.desk.is_outdated(&load) => {
                    let nothing = Page::new(&[], load.from, load.from, &self.collections);
                    return (load, nothing);
                }
                Err(LogError::Gap { expected, .. }) if gaps_in_a_row >= MAX_GAPS => {
                    return (load, Err(LogError::corrupt(expected, "it is missing")));
                }
                // Whoever follows the log sees to it that another one is read.
                Err(failure) if failure.is_retryable() || is_replaced(&failure) => {
                    debug!(error = %failure, from = load.from, "reading a page again");
                    gaps_in_a_row = match failure {
                        LogError::Gap { .. } => gaps_in_a_row + 1,
                        _ => 0,
                    };
                    tokio::time::sleep(backoff.next_pause()).await;
                }
                outcome => return (load, outcome),
            }
        }
    }

    /// What is whole before the first damage, if anything is.
    async fn whole(
        &self,
        from: Seq,
        selection: &Selection,
        limit: ReadLimit,
    ) -> Result<Page, LogError> {
        match self.read(from, selection, limit).await {
            Err(LogError::Corrupt { seq, .. }) if seq > from => {
                let before = usize::try_from(seq - from).unwrap_or(usize::MAX);
                let limit = ReadLimit {
                    entries: limit.entries.min(before),
                    ..limit
                };
                // Only of everything is it known how many events there are. More than was selected does no harm.
                self.read(from, &Selection::All, limit).await
            }
            outcome => outcome,
        }
    }

    async fn read(
        &self,
        from: Seq,
        selection: &Selection,
        limit: ReadLimit,
    ) -> Result<Page, LogError> {
        let read = self.log.read(from, selection, limit).await?;
        if read.next <= from {
            return Err(LogError::unavailable("the log ends before the ring begins"));
        }
        let found_from = match selection {
            Selection::All => read.entries.first().map_or(read.next, |first| first.seq),
            Selection::Only(_) => read.next,
        };
        let complete_from = match found_from == from {
            true => from,
            // Asked afterwards: what is kept now was kept while it was read. Not everything that is kept is an event.
            false => self.log.bounds().await?.first.max(from).min(found_from),
        };
        Page::new(&read.entries, complete_from, read.next, &self.collections)
    }
}

fn is_replaced(failure: &LogError) -> bool {
    matches!(failure, LogError::Replaced { .. })
}
