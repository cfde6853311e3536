//! What outlives a session: the rules, the instruments, and what readiness is told by.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use fanjet_actors::{Backoff, Clock, Stop, Tasks};
use fanjet_log::{Bookmarks, Bounds, EventLog, LogError, LogIdentity, ReadLimit, Selection, Seq};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tracing::{error, warn};

use super::Mark;
use super::bookmark::BookmarkKeeper;
use super::pump::Rules;
use super::session::Session;
use crate::KafkaError;
use crate::broker::{Position, Routes, Status};
use crate::config::{Delivery, KafkaConfig};
use crate::enrich::Enricher;
use crate::filter::Wanted;
use crate::format::Format;
use crate::metrics::{Metrics, Tally};

/// How far everything is. Shared with readiness.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Kafka's side.
    pub(crate) status: Status,
    state: Mutex<State>,
    /// The damage at which producing stands.
    damage: Mutex<Option<String>>,
    hung: Notify,
}

/// A snapshot.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct State {
    /// Whether the log is being followed.
    pub(crate) is_following: bool,
    /// The newest seq that was read.
    pub(crate) read: Seq,
    /// Up to where everything is acknowledged.
    pub(crate) acked: Mark,
    /// The log whose seq that is; `None` until it was ever told.
    pub(crate) log: Option<LogIdentity>,
    /// How long nothing was acknowledged although something is under way.
    pub(crate) stalled_for: Duration,
    /// The newest seq of the log, when it was asked last.
    pub(crate) log_last: Seq,
}

impl Progress {
    pub(crate) fn state(&self) -> State {
        *self.state.lock()
    }

    /// Up to where everything is acknowledged, as far as an earlier session has told.
    pub(super) fn known(&self) -> Option<Position> {
        let state = self.state();
        state.log.map(|log| Position {
            next: state.acked.seq + 1,
            time_us: Some(state.acked.time_us),
            log: Some(log),
        })
    }

    /// Why the log cannot be read where it is to be gone on with.
    pub(crate) fn damage(&self) -> Option<String> {
        self.damage.lock().clone()
    }

    /// Remembers the damage at which producing stands, until it is passed.
    pub(super) fn damaged(&self, damage: Option<String>) {
        *self.damage.lock() = damage;
    }

    pub(super) fn following(&self, is_following: bool) {
        self.state.lock().is_following = is_following;
    }

    pub(super) fn read(&self, seq: Seq) {
        self.state.lock().read = seq;
    }

    pub(super) fn moved(&self, acked: Mark, log: LogIdentity, stalled_for: Duration) {
        let mut state = self.state.lock();
        state.acked = acked;
        state.log = Some(log);
        state.stalled_for = stalled_for;
    }

    fn asked(&self, bounds: Bounds) -> State {
        let mut state = self.state.lock();
        let before = *state;
        state.log_last = bounds.last;
        before
    }

    /// Returns when the log has more, and its stream does not give it.
    pub(super) async fn hangs(&self) {
        self.hung.notified().await;
    }
}

/// The whole way from the log to Kafka.
pub(crate) struct Worker {
    pub(super) config: Arc<KafkaConfig>,
    pub(super) host: String,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) bookmarks: Arc<BookmarkKeeper>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Metrics,
    pub(super) progress: Arc<Progress>,
    pub(super) rules: Arc<Rules>,
    pub(super) enricher: Option<Arc<Enricher>>,
    pub(super) tally: Tally,
    pub(super) refused: HashSet<Seq>,
}

impl Worker {
    pub(crate) fn new(
        config: Arc<KafkaConfig>,
        host: String,
        (log, bookmarks): (Arc<dyn EventLog>, Arc<dyn Bookmarks>),
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Self, KafkaError> {
        let rules = Rules {
            format: Format::new(&config.format),
            headers: config.format.headers,
            wanted: Wanted::new(&config)?,
            routes: Routes::new(&config),
        };
        let enricher = match config.enrich.enabled {
            true => Some(Enricher::new(&config.enrich, &metrics)?),
            false => None,
        };
        Ok(Self {
            enricher: enricher.map(Arc::new),
            bookmarks: Arc::new(BookmarkKeeper::new(&config, bookmarks)),
            config,
            host,
            log,
            clock,
            metrics,
            progress: Arc::default(),
            rules: Arc::new(rules),
            tally: Tally::default(),
            refused: HashSet::new(),
        })
    }

    pub(crate) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    pub(super) fn is_transactional(&self) -> bool {
        self.config.delivery == Delivery::ExactlyOnce
    }

    /// Produces until stopped. A log or a Kafka that is away is waited for.
    ///
    /// # Errors
    /// What no waiting can help with.
    pub(crate) async fn run(self, stop: Stop) -> Result<(), KafkaError> {
        let looking = stop.child_token();
        let mut tasks = Tasks::new(stop.clone());
        if let Some(enricher) = &self.enricher {
            enricher.spawn(&mut tasks, &looking);
        }
        let produced = self.produce(stop).await;
        looking.cancel();
        produced.and(tasks.join().await.map_err(KafkaError::from))
    }

    async fn produce(self, stop: Stop) -> Result<(), KafkaError> {
        let watching = watch_log(
            Arc::clone(&self.log),
            Arc::clone(&self.progress),
            self.config.check_interval,
            (self.metrics.clone(), Arc::clone(&self.clock)),
        );
        tokio::select! {
            ended = Box::pin(self.sessions(stop)) => ended,
            never = watching => match never {},
        }
    }

    async fn sessions(mut self, stop: Stop) -> Result<(), KafkaError> {
        let mut backoff = Backoff::new(self.config.retry_floor, self.config.retry_ceiling);
        loop {
            let before = self.progress.state().acked;
            let failure = match self.session(&stop).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            self.progress.following(false);
            if !failure.is_retryable() {
                error!(error = %failure, "cannot produce to Kafka, stopping");
                return Err(failure);
            }
            if self.progress.state().acked != before {
                backoff.reset();
            }
            self.metrics.restarted(failure.label());
            if let KafkaError::Log(LogError::Corrupt { .. }) = failure {
                self.progress.damaged(Some(failure.to_string()));
            }
            self.progress.status.failed(failure.to_string());
            let pause = backoff.next_pause();
            warn!(error = %failure, pause_ms = pause.as_millis(), "producing to Kafka begins anew");
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One session, until it fails or is asked to stop.
    async fn session(&mut self, stop: &Stop) -> Result<(), KafkaError> {
        let session = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            opened = Session::open(self) => opened?,
        };
        let (metrics, progress) = (self.metrics.clone(), Arc::clone(&self.progress));
        let interval = self.config.position.interval;
        let bookmarks = Arc::clone(&self.bookmarks);
        let is_transactional = self.is_transactional();
        let outcome = tokio::select! {
            () = stop.cancelled() => Ok(()),
            failed = session.produce(self) => failed.map(|never| match never {}),
            never = session.keep_position(interval, is_transactional, &metrics, &progress) => match never {},
            never = session.keep_bookmark(&bookmarks, &metrics, is_transactional) => match never {},
        };
        let ended = match &outcome {
            Ok(()) => session.finish(self).await,
            Err(_) if is_transactional => session.producer.abort().await,
            Err(_) => Ok(()),
        };
        if let Err(failure) = ended {
            warn!(error = %failure, "the session did not end orderly");
        }
        session.producer.close().await?;
        outcome
    }
}

/// Asks the log for its end from time to time: for the lag, which grows also while Kafka cannot be reached, and to notice
/// a stream that hangs.
async fn watch_log(
    log: Arc<dyn EventLog>,
    progress: Arc<Progress>,
    interval: Duration,
    (metrics, clock): (Metrics, Arc<dyn Clock>),
) -> std::convert::Infallible {
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
            // Or it ends before what was read: it is another one.
            if state.is_following && (is_idle && is_behind || bounds.last < state.read) {
                progress.hung.notify_one();
            }
            read_before = Some(state.read);
        }
        tokio::time::sleep(interval).await;
    }
}

/// Where the log ends; `read` when nothing behind that is an event.
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
