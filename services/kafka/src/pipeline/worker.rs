//! Runs one session after another, until a failure that no retry can fix.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use fanjet_log::{Bookmarks, EventLog, LogError, ReadLimit, Selection, Seq};
use fanjet_runtime::{Backoff, Clock, Stop, Tasks};
use tracing::{error, warn};

use super::context::Context;
use super::progress::Progress;
use super::session::Session;
use crate::KafkaError;
use crate::config::KafkaConfig;
use crate::metrics::Metrics;

/// The whole path from the log to Kafka.
pub(crate) struct Worker {
    context: Context,
}

impl Worker {
    pub(crate) fn new(
        config: Arc<KafkaConfig>,
        host: String,
        stores: (Arc<dyn EventLog>, Arc<dyn Bookmarks>),
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Self, KafkaError> {
        let context = Context::new(config, host, stores, clock, metrics)?;
        Ok(Self { context })
    }

    pub(crate) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.context.progress)
    }

    /// Produces until stopped. An unreachable log or Kafka is waited for.
    ///
    /// # Errors
    /// A failure that waiting cannot fix.
    pub(crate) async fn run(self, stop: Stop) -> Result<(), KafkaError> {
        let looking = stop.child_token();
        let mut tasks = Tasks::new(stop.clone());
        if let Some(enricher) = &self.context.enricher {
            enricher.spawn(&mut tasks, &looking);
        }
        let produced = self.produce(stop).await;
        looking.cancel();
        produced.and(tasks.join().await.map_err(KafkaError::from))
    }

    async fn produce(self, stop: Stop) -> Result<(), KafkaError> {
        let watching = watch_log(
            Arc::clone(&self.context.log),
            Arc::clone(&self.context.progress),
            self.context.config.check_interval,
            (
                self.context.metrics.clone(),
                Arc::clone(&self.context.clock),
            ),
        );
        tokio::select! {
            ended = Box::pin(self.sessions(stop)) => ended,
            never = watching => match never {},
        }
    }

    async fn sessions(mut self, stop: Stop) -> Result<(), KafkaError> {
        let mut backoff = Backoff::new(
            self.context.config.retry_floor,
            self.context.config.retry_ceiling,
        );
        loop {
            let before = self.context.progress.state().acked;
            let failure = match self.session(&stop).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            self.context.progress.following(false);
            if !failure.is_retryable() {
                error!(error = %failure, "failed to produce to Kafka, stopping");
                return Err(failure);
            }
            if self.context.progress.state().acked != before {
                backoff.reset();
            }
            self.context.metrics.restarted(failure.label());
            if let KafkaError::Log(LogError::Corrupt { .. }) = failure {
                self.context.progress.damaged(Some(failure.to_string()));
            }
            self.context.progress.status.failed(failure.to_string());
            let pause = backoff.next_pause();
            warn!(error = %failure, pause_ms = pause.as_millis(), "failed to produce to Kafka, starting a new session");
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Runs one session, until it fails or is asked to stop.
    async fn session(&mut self, stop: &Stop) -> Result<(), KafkaError> {
        let session = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            opened = Session::open(&self.context) => opened?,
        };
        let (metrics, progress) = (
            self.context.metrics.clone(),
            Arc::clone(&self.context.progress),
        );
        let interval = self.context.config.position.interval;
        let bookmarks = Arc::clone(&self.context.bookmarks);
        let is_transactional = self.context.is_transactional();
        let outcome = tokio::select! {
            () = stop.cancelled() => Ok(()),
            failed = session.produce(&mut self.context) => failed.map(|never| match never {}),
            never = session.keep_position(interval, is_transactional, &metrics, &progress) => match never {},
            never = session.keep_bookmark(&bookmarks, &metrics, is_transactional) => match never {},
        };
        let ended = match &outcome {
            Ok(()) => session.finish(&self.context).await,
            Err(_) if is_transactional => session.producer.abort().await,
            Err(_) => Ok(()),
        };
        if let Err(failure) = ended {
            warn!(error = %failure, "the session did not end cleanly");
        }
        session.producer.close().await?;
        outcome
    }
}

/// Queries the log's end regularly: for the lag, which also grows while Kafka is unreachable, and to notice a stalled
/// stream.
async fn watch_log(
    log: Arc<dyn EventLog>,
    progress: Arc<Progress>,
    interval: Duration,
    (metrics, clock): (Metrics, Arc<dyn Clock>),
) -> Infallible {
    let mut read_before = None;
    loop {
        if let Ok(Ok(bounds)) = tokio::time::timeout(interval, log.bounds()).await {
            let state = progress.asked(bounds);
            let last = last_event(&*log, interval, bounds.last, state.read).await;
            let behind = match last == state.read && state.acked.seq == state.read {
                true => 0,
                false => bounds.last.saturating_sub(state.acked.seq),
            };
            let age_us = match (behind, state.acked.time_us) {
                (0, _) | (_, 0) => 0,
                (_, time_us) => clock.now_us().saturating_sub(time_us),
            };
            let seconds = Duration::from_micros(age_us).as_secs_f64();
            if state.log.is_some() {
                metrics.lag(bounds.last, behind, seconds);
            }
            let is_idle = state.stalled_for.is_zero();
            let is_behind = last > state.read && read_before == Some(state.read);
            // Or it ends before what was read: it is another log.
            if state.is_following && (is_idle && is_behind || bounds.last < state.read) {
                progress.hang();
            }
            read_before = Some(state.read);
        }
        tokio::time::sleep(interval).await;
    }
}

/// The log's end; `read` when nothing after it is an event.
async fn last_event(log: &dyn EventLog, patience: Duration, last: Seq, read: Seq) -> Seq {
    const ONE: ReadLimit = ReadLimit {
        entries: 1,
        bytes: 1,
    };
    if last <= read {
        return last;
    }
    let page = log.read(read + 1, &Selection::All, ONE);
    match tokio::time::timeout(patience, page).await {
        Ok(Ok(page)) if page.entries.is_empty() && page.next > last => read,
        _ => last,
    }
}
