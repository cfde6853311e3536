//! How fresh each collection is: tracked while this process leads, and published to the cluster every few seconds.
//!
//! The next leader continues from the last published snapshot, so a takeover does not change the baselines. Nothing
//! here may delay an event: while the cluster state is unavailable, only publishing stops.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanjet_cluster::freshness::{KEEP_SECONDS, Snapshot, Table};
use fanjet_event::Topic;
use fanjet_log::heartbeat::LONGEST_PAUSE;
use fanjet_log::memory::MemoryClusterState;
use fanjet_log::{ClusterState, NewEvent, StoreError, UpstreamId};
use fanjet_runtime::{Backoff, Clock, Stop};
use parking_lot::Mutex;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{debug, info, warn};

use crate::config::FreshnessConfig;
use crate::metrics::IngestMetrics;
use crate::view::{SharedView, View};

/// The key of the newest snapshot.
const KEY: &str = "freshness";
/// How long publishing may take at the end of a term: a successor may be waiting.
const FINAL_WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// The table of the current term, shared by all clones.
#[derive(Clone)]
pub(crate) struct Freshness(Arc<Parts>);

struct Parts {
    clock: Arc<dyn Clock>,
    notices: Arc<dyn ClusterState>,
    config: FreshnessConfig,
    table: Mutex<Table>,
    view: SharedView,
}

/// The metrics show the table as long as this lives.
pub(crate) struct Term(Freshness);

impl Drop for Term {
    fn drop(&mut self) {
        *self.0.0.view.lock() = None;
    }
}

impl Freshness {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        notices: Arc<dyn ClusterState>,
        config: FreshnessConfig,
        metrics: &IngestMetrics,
    ) -> Self {
        Self(Arc::new(Parts {
            clock,
            notices,
            config,
            table: Mutex::default(),
            view: metrics.view(),
        }))
    }

    /// Freshness that is not published.
    pub(crate) fn unpublished(
        clock: Arc<dyn Clock>,
        config: FreshnessConfig,
        metrics: &IngestMetrics,
    ) -> Self {
        Self::new(
            clock,
            Arc::new(MemoryClusterState::default()),
            config,
            metrics,
        )
    }

    /// The cluster state to publish to, and how often.
    pub(crate) fn board(&self) -> (Arc<dyn ClusterState>, Duration) {
        (Arc::clone(&self.0.notices), self.0.config.interval)
    }

    /// A term starts. Another leader may have counted since this process last led.
    pub(crate) fn begin(&self) -> Term {
        *self.0.table.lock() = Table::default();
        Term(self.clone())
    }

    /// The upstream's frames produced this many events.
    pub(crate) fn flowed(&self, upstream: &UpstreamId, events: usize) {
        let now_us = self.0.clock.now_us();
        self.0
            .table
            .lock()
            .flowed(upstream.as_str(), events, now_us);
    }

    /// Events are in the log.
    pub(crate) fn appended<'a>(&self, events: impl Iterator<Item = &'a NewEvent>) {
        let now_us = self.0.clock.now_us();
        let topics = events.map(|event| -> &Topic { &event.topic });
        self.0.table.lock().appended(topics, now_us);
    }

    /// Publishes until the end of the term, and once more at its end.
    pub(crate) async fn publish(self, stop: Stop) {
        let mut ticks = interval(self.0.config.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut is_history_known, mut is_heard) = (false, true);
        let mut backoff = Backoff::new(self.0.config.interval, LONGEST_PAUSE);
        loop {
            let is_over = tokio::select! {
                () = stop.cancelled() => true,
                _ = ticks.tick() => false,
            };
            let published = async {
                if !is_history_known {
                    self.remember().await?;
                    is_history_known = true;
                }
                self.post().await
            };
            let published = if is_over {
                timeout(FINAL_WRITE_TIMEOUT, published)
                    .await
                    .unwrap_or(Ok(()))
            } else {
                published.await
            };
            match published {
                Ok(()) => {
                    is_heard = true;
                    backoff.reset();
                }
                Err(error) => {
                    if is_heard {
                        warn!(%error, "failed to publish collection freshness");
                    } else {
                        debug!(%error, "still failing to publish collection freshness");
                    }
                    is_heard = false;
                    ticks.reset_after(backoff.next_pause());
                }
            }
            if !is_history_known {
                self.roll();
            }
            if is_over {
                return;
            }
        }
    }

    /// Restores what the previous leader knew.
    async fn remember(&self) -> Result<(), StoreError> {
        let Some(published) = self.0.notices.get(KEY).await? else {
            return Ok(());
        };
        match serde_json::from_slice::<Snapshot>(&published) {
            Ok(before) => {
                info!(
                    collections = before.rows.len(),
                    "restored collection baselines"
                );
                self.0.table.lock().adopt(before);
            }
            Err(error) => warn!(%error, "failed to read the published collection freshness"),
        }
        Ok(())
    }

    async fn post(&self) -> Result<(), StoreError> {
        let published = match serde_json::to_vec(&self.roll()) {
            Ok(published) => Bytes::from(published),
            Err(error) => return Err(StoreError::unavailable(error)),
        };
        let kept = Duration::from_secs_f64(KEEP_SECONDS);
        self.0.notices.publish(KEY, published, kept).await
    }

    fn roll(&self) -> Snapshot {
        let now_us = self.0.clock.now_us();
        let snapshot = {
            let mut table = self.0.table.lock();
            table.roll(now_us);
            table.snapshot(now_us)
        };
        let mut view = self.0.view.lock();
        *view = Some(View::of(
            &snapshot,
            self.0.config.labelled_collections,
            view.take(),
        ));
        snapshot
    }
}
