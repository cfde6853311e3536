//! Follows the raw log, or that of labels, and fills the rings.

use std::sync::Arc;
use std::time::Duration;

use fanjet_event::{Did, Topic};
use fanjet_log::{Entry, EventLog, LogError, RawLog, Selection, Seq, TopicFilter};
use fanjet_runtime::{Backoff, Stop};
use futures::StreamExt;
use hashbrown::HashMap;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::metrics::RawMetrics;
use super::stream::RawStream;

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
    /// Streams of single labelers in the same log.
    pub(crate) parts: HashMap<Did, Arc<RawStream>>,
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
                self.restart(&*log, from).await?;
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
        self.publish(is_warm());
        let (mut shown, mut due) = (Instant::now(), None);
        loop {
            tokio::select! {
                batch = frames.next() => match batch {
                    Some(Ok(batch)) => {
                        backoff.reset();
                        if batch.is_empty() {
                            continue;
                        }
                        self.push(batch)?;
                        due.get_or_insert_with(|| (shown + PACE).max(Instant::now()));
                    }
                    Some(Err(error @ LogError::Replaced { .. })) => {
                        return Err(self.replaced(&*log, error).await);
                    }
                    Some(Err(LogError::Corrupt { seq, what })) => {
                        // Everyone needs it next: they read it from the log, and are closed there.
                        for stream in self.streams() {
                            stream.ring.restart(seq + 1, false);
                        }
                        self.publish(is_warm());
                        return Err(LogError::corrupt(seq, what));
                    }
                    Some(Err(error)) => {
                        self.publish(is_warm());
                        return Err(error);
                    }
                    None => return Ok(()),
                },
                () = sleep_until(due.unwrap_or(shown)), if due.is_some() => {
                    self.publish(is_warm());
                    (shown, due) = (Instant::now(), None);
                    self.metrics.moved(ring.newest(), ring.bytes());
                }
            }
        }
    }

    fn streams(&self) -> impl Iterator<Item = &Arc<RawStream>> {
        std::iter::once(&self.stream).chain(self.parts.values())
    }

    /// Begins at a seq. The stream of a labeler begins at its newest frame, so that its ring knows that one's number.
    async fn restart(&self, log: &dyn EventLog, from: Seq) -> Result<(), LogError> {
        let parts: Vec<_> = self.parts.iter().collect();
        let filters = parts
            .iter()
            .map(|(did, _)| TopicFilter::Labeler((*did).clone()));
        let filters: Vec<_> = filters.collect();
        let last = match filters.is_empty() {
            true => Vec::new(),
            false => log.last_of(&filters).await?,
        };
        for ((_, stream), last) in parts.into_iter().zip(last) {
            match last.filter(|last| last.seq < from) {
                Some(last) => {
                    stream.ring.restart(last.seq, false);
                    stream.ring.push([stream.view.frame(last)?]);
                    stream.ring.advance(from);
                }
                None => stream.ring.restart(from, false),
            }
        }
        self.stream.ring.restart(from, false);
        Ok(())
    }

    fn push(&self, batch: Vec<Entry>) -> Result<(), LogError> {
        let end = batch.last().map_or(0, |last| last.seq + 1);
        let mut frames = Vec::with_capacity(batch.len());
        for entry in batch {
            if let Topic::Labels(stamp) = &entry.topic
                && let Some(part) = self.parts.get(&stamp.labeler)
            {
                part.ring.push([part.view.frame(entry.clone())?]);
            }
            frames.push(self.stream.view.frame(entry)?);
        }
        self.stream.ring.push(frames);
        for part in self.parts.values() {
            part.ring.advance(end);
        }
        Ok(())
    }

    fn publish(&self, is_warm: bool) {
        for stream in self.streams() {
            stream.ring.publish(is_warm);
        }
    }

    async fn open(&self) -> Result<Arc<dyn EventLog>, LogError> {
        let opened = self.log.get().await?;
        for stream in self.streams() {
            stream.open(&opened.log);
        }
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
                for stream in self.streams() {
                    if let Some(opened) = stream.opened.get() {
                        opened.pages.clear();
                    }
                    stream.ring.restart(bounds.first, true);
                }
                self.publish(false);
                error
            }
            Err(error) => error,
        }
    }
}
