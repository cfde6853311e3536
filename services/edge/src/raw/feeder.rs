//! Follows the raw log and fills the ring.

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::{EventLog, LogError, RawLog, Selection};
use fanjet_runtime::{Backoff, Stop};
use futures::StreamExt;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::metrics::RawMetrics;
use super::pages::Pages;
use super::ring::RawFrame;
use super::stream::{Opened, RawStream};

/// Subscribers are woken at most this often, so that each writes what has arrived since in one go.
const PACE: Duration = Duration::from_millis(20);
/// How much of the log is read at the start.
const WARM_FRAMES: u64 = 2_000;

const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// The only follower of the raw log in this process.
pub(crate) struct RawFeeder {
    pub(crate) log: RawLog,
    pub(crate) stream: Arc<RawStream>,
    pub(crate) metrics: RawMetrics,
}

impl RawFeeder {
    /// Runs until `stop`. A log that is away is waited for.
    pub(crate) async fn run(self, stop: Stop) -> Result<(), std::convert::Infallible> {
        let mut backoff = Backoff::new(RETRY_MIN, RETRY_MAX);
        loop {
            let outcome = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                outcome = self.follow(&mut backoff) => outcome,
            };
            if let Err(error) = outcome {
                let pause = backoff.next_pause();
                self.metrics.feeder_restarted();
                warn!(%error, ?pause, "failed to follow the raw log, retrying");
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    }

    async fn follow(&self, backoff: &mut Backoff) -> Result<(), LogError> {
        let log = self.open().await?;
        let ring = &self.stream.ring;
        let from = match ring.end() {
            Some(end) => end,
            None => {
                let bounds = log.bounds().await?;
                let from = (bounds.last + 1).saturating_sub(WARM_FRAMES);
                let from = from.max(bounds.first);
                ring.restart(from, false);
                from
            }
        };
        let end = log.last().await?.map_or(from, |last| last.seq + 1);
        let is_warm = || ring.end() >= Some(end);
        let mut frames = match log.follow(from, &Selection::All).await {
            Err(error @ LogError::Replaced { .. }) => {
                return Err(self.replaced(&*log, error).await);
            }
            followed => followed?,
        };
        ring.publish(is_warm());
        let (mut shown, mut due) = (Instant::now(), None);
        loop {
            tokio::select! {
                batch = frames.next() => match batch {
                    Some(Ok(batch)) => {
                        backoff.reset();
                        if batch.is_empty() {
                            continue;
                        }
                        let batch: Result<Vec<_>, _> = batch.into_iter().map(RawFrame::of).collect();
                        ring.push(batch?);
                        due.get_or_insert_with(|| (shown + PACE).max(Instant::now()));
                    }
                    Some(Err(error @ LogError::Replaced { .. })) => {
                        return Err(self.replaced(&*log, error).await);
                    }
                    Some(Err(LogError::Corrupt { seq, what })) => {
                        // Everyone needs it next: they read it from the log, and are closed there.
                        ring.restart(seq + 1, false);
                        ring.publish(is_warm());
                        return Err(LogError::corrupt(seq, what));
                    }
                    Some(Err(error)) => {
                        ring.publish(is_warm());
                        return Err(error);
                    }
                    None => return Ok(()),
                },
                () = sleep_until(due.unwrap_or(shown)), if due.is_some() => {
                    ring.publish(is_warm());
                    (shown, due) = (Instant::now(), None);
                    self.metrics.moved(ring.newest(), ring.bytes());
                }
            }
        }
    }

    async fn open(&self) -> Result<Arc<dyn EventLog>, LogError> {
        let opened = self.log.get().await?;
        self.stream.opened.get_or_init(|| Opened {
            pages: Pages::new(
                Arc::clone(&opened.log),
                self.stream.config.cache_bytes,
                self.stream.config.max_loads,
            ),
            log: Arc::clone(&opened.log),
        });
        Ok(opened.log)
    }

    /// Positions of the log before mean nothing in the new one: its subscribers are closed.
    async fn replaced(&self, log: &dyn EventLog, error: LogError) -> LogError {
        if let Err(error) = log.adopt().await {
            return error;
        }
        match log.bounds().await {
            Ok(bounds) => {
                info!(first = bounds.first, "the raw log was replaced");
                if let Some(opened) = self.stream.opened.get() {
                    opened.pages.clear();
                }
                self.stream.ring.restart(bounds.first, true);
                self.stream.ring.publish(false);
                error
            }
            Err(error) => error,
        }
    }
}
