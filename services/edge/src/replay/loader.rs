//! The task that loads pages: a bounded number at once, in request order.

use std::sync::Arc;

use fanjet_log::{EventLog, LogError, ReadLimit, Selection, Seq};
use fanjet_runtime::{Backoff, Stop};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use parking_lot::Mutex;
use tracing::{debug, error};

use super::page_requests::Load;
use super::{LocalTier, Page, PageRequests};
use crate::EdgeError;
use crate::config::{ReplayConfig, TailConfig};
use crate::damage::DamageReports;
use crate::metrics::{DamageSource, Metrics, PageSource};
use crate::tail::Collections;

/// After this many consecutive gaps a missing event counts as deleted, which is damage: readers must not wait forever.
const MAX_GAPS: u32 = 10;
/// Maximum events per page.
pub(crate) const MAX_ENTRIES: usize = 1000;

/// Reads pages from the log.
pub(crate) struct Loader {
    pub(crate) log: Arc<dyn EventLog>,
    /// Read first, if there is one.
    pub(crate) tier: Option<LocalTier>,
    pub(crate) page_requests: Arc<PageRequests>,
    pub(crate) collections: Arc<Mutex<Collections>>,
    pub(crate) damage_reports: DamageReports,
    pub(crate) metrics: Metrics,
    pub(crate) config: ReplayConfig,
    /// How to retry while the log is unavailable.
    pub(crate) retry: TailConfig,
}

impl Loader {
    /// Runs until stopped. Waits for an unavailable log; a damaged seq fails the readers that wait for it.
    ///
    /// # Errors
    /// [`EdgeError::Log`] when the log is misconfigured.
    pub(crate) async fn run(self, stop: Stop) -> Result<(), EdgeError> {
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < self.config.max_loads
                && let Some(load) = self.page_requests.next_load()
            {
                running.push(self.load(load));
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.page_requests.asked(), if running.len() < self.config.max_loads => {}
                Some((load, source, loaded)) = running.next() => self.answer(load, source, loaded)?,
            }
        }
    }

    fn answer(
        &self,
        load: Load,
        source: PageSource,
        loaded: Result<Page, LogError>,
    ) -> Result<(), EdgeError> {
        self.metrics.cached_pages(self.page_requests.take_hits());
        match loaded {
            Ok(page) => {
                let events = page.entries.len() as u64;
                self.metrics
                    .replay_loaded(source, events, self.page_requests.cached_bytes());
                self.page_requests.loaded(load, page);
            }
            Err(failure) => match self.damage_reports.report(DamageSource::Replay, &failure) {
                Some(damage) => self.page_requests.failed(load, damage),
                None => {
                    error!(error = %failure, "failed to read a replay page, stopping");
                    return Err(EdgeError::Log(failure));
                }
            },
        }
        Ok(())
    }

    async fn load(&self, load: Load) -> (Load, PageSource, Result<Page, LogError>) {
        let limit = self.limit(&load);
        if let Some(page) = self.load_from_disk(&load, limit).await {
            return (load, PageSource::Disk, Ok(page));
        }
        let (load, loaded) = self.load_from_log(load, limit).await;
        (load, PageSource::Log, loaded)
    }

    fn limit(&self, load: &Load) -> ReadLimit {
        let entries = load.until.map_or(MAX_ENTRIES, |until| {
            usize::try_from(until - load.from).map_or(MAX_ENTRIES, |near| near.min(MAX_ENTRIES))
        });
        ReadLimit {
            entries,
            bytes: self.config.page_bytes,
        }
    }

    /// What the local tier has, which is complete from the first seq on.
    async fn load_from_disk(&self, load: &Load, limit: ReadLimit) -> Option<Page> {
        let tier = self.tier.as_ref()?;
        let found = tier
            .read(load.generation, load.from, &load.selection, limit)
            .await?;
        Page::new(&found.entries, load.from, found.next, &self.collections).ok()
    }

    async fn load_from_log(&self, load: Load, limit: ReadLimit) -> (Load, Result<Page, LogError>) {
        let mut gaps_in_a_row = 0;
        let mut backoff = Backoff::new(self.retry.retry_floor, self.retry.retry_ceiling);
        loop {
            match self.intact_part(load.from, &load.selection, limit).await {
                Err(_) if self.page_requests.is_outdated(&load) => {
                    let nothing = Page::new(&[], load.from, load.from, &self.collections);
                    return (load, nothing);
                }
                Err(LogError::Gap { expected, .. }) if gaps_in_a_row >= MAX_GAPS => {
                    return (
                        load,
                        Err(LogError::corrupt(expected, "the event is missing")),
                    );
                }
                // The feeder switches to the new log.
                Err(failure) if failure.is_retryable() || is_replaced(&failure) => {
                    debug!(error = %failure, from = load.from, "failed to read a replay page, retrying");
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

    /// The part before the first damage, if any.
    async fn intact_part(
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
                // Only a read of everything has a known number of events. Reading more than was selected does no harm.
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
            // Asked afterwards: what is kept now was kept during the read. Not every kept message is an event.
            false => self.log.bounds().await?.first.max(from).min(found_from),
        };
        Page::new(&read.entries, complete_from, read.next, &self.collections)
    }
}

fn is_replaced(failure: &LogError) -> bool {
    matches!(failure, LogError::Replaced { .. })
}
