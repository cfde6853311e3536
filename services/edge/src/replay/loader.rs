//! The task that loads pages: a bounded number at a time, in the order in which they were asked for.

use std::sync::Arc;

use fanjet_actors::Stop;
use fanjet_log::{EventLog, LogError, ReadLimit, Selection, Seq};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use parking_lot::Mutex;
use tracing::{debug, error};

use super::desk::Load;
use super::{Desk, Page};
use crate::EdgeError;
use crate::config::{ReplayConfig, TailConfig};
use crate::metrics::Metrics;
use crate::tail::{Collections, pause_after};

/// Most events of one page.
const MAX_ENTRIES: usize = 1000;

/// Reads pages from the log.
pub(crate) struct Loader {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) collections: Arc<Mutex<Collections>>,
    pub(crate) metrics: Metrics,
    pub(crate) config: ReplayConfig,
    /// How to wait for a log that is away.
    pub(crate) retry: TailConfig,
}

impl Loader {
    /// Runs until stopped. A log that is away is waited for.
    ///
    /// # Errors
    /// [`EdgeError::Log`] when the log is damaged or set up wrongly.
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
                Some((load, loaded)) = running.next() => {
                    let page = loaded.map_err(|failure| {
                        error!(error = %failure, "a replay cannot be read, stopping");
                        EdgeError::Log(failure)
                    })?;
                    self.metrics.replay_loaded(page.entries.len() as u64, self.desk.cached_bytes());
                    self.desk.loaded(load, page);
                }
            }
        }
    }

    async fn load(&self, load: Load) -> (Load, Result<Page, LogError>) {
        let entries = load.until.map_or(MAX_ENTRIES, |until| {
            usize::try_from(until - load.from).map_or(MAX_ENTRIES, |near| near.min(MAX_ENTRIES))
        });
        let limit = ReadLimit {
            entries,
            bytes: self.config.page_bytes,
        };
        let mut failures_in_a_row = 0;
        loop {
            match self.read(load.from, &load.selection, limit).await {
                Err(_) if self.desk.is_outdated(&load) => {
                    let nothing = Page::new(&[], load.from, load.from, &self.collections);
                    return (load, nothing);
                }
                // Whoever follows the log sees to it that another one is read.
                Err(failure) if failure.is_retryable() || is_replaced(&failure) => {
                    debug!(error = %failure, from = load.from, "reading a page again");
                    tokio::time::sleep(pause_after(failures_in_a_row, &self.retry)).await;
                    failures_in_a_row = failures_in_a_row.saturating_add(1);
                }
                outcome => return (load, outcome),
            }
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
        let complete_from = match selection {
            Selection::All => read.entries.first().map_or(read.next, |first| first.seq),
            // Asked afterwards: what is kept now was kept while it was read.
            Selection::Only(_) => self.log.bounds().await?.first.max(from).min(read.next),
        };
        Page::new(&read.entries, complete_from, read.next, &self.collections)
    }
}

fn is_replaced(failure: &LogError) -> bool {
    matches!(failure, LogError::Replaced { .. })
}
