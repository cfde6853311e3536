//! One session: a connection to Kafka and everything that is under way over it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use fanjet_log::{Bounds, LogError, LogIdentity, Selection};
use futures::future::{FusedFuture, OptionFuture};
use futures::{FutureExt, StreamExt};
use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::bookmark::BookmarkKeeper;
use super::prepare::prepared;
use super::pump::Pump;
use super::resume::{Begin, Known, Resumed, begin, resume, start};
use super::worker::{Progress, Worker};
use super::{Mark, Window};
use crate::KafkaError;
use crate::broker::{ClientEvents, PositionKeeper, Producer, ensure_topics};
use crate::format::Info;
use crate::metrics::Metrics;
use crate::start::Start;

/// How often the client library gets its turn for the position.
const POLL: Duration = Duration::from_millis(50);

/// How often the bookmark beside the log is written: what an operator repeats at most when Kafka has lost the position.
const BOOKMARK_INTERVAL: Duration = Duration::from_secs(60);

/// What a session works with.
pub(super) struct Session {
    pub(super) window: Arc<Window>,
    pub(super) producer: Producer,
    pub(super) keeper: Arc<Mutex<PositionKeeper>>,
    log: LogIdentity,
    /// Whether what was produced before came from another log.
    is_replaced: bool,
}

impl Session {
    /// Connects, sees to the topics, and finds the position.
    pub(super) async fn open(worker: &Worker) -> Result<Self, KafkaError> {
        let Worker { config, host, .. } = worker;
        let window = Arc::new(Window::new(config.window_events, config.window_bytes));
        let status = worker.progress.status.clone();
        // Whatever stood there before: which log it is decides where it is gone on with.
        let log = worker.log.adopt().await?;
        let events = (status.clone(), Arc::clone(&window));
        let mut keeper = PositionKeeper::new(config, host, events, log)?;
        let opened = Self::open_with(worker, &keeper, &window, log).await;
        // Why a connection fails, the client library says only to who listens.
        keeper.listen();
        let (producer, Resumed { mark, is_replaced }) = opened?;
        window.begin(mark);
        keeper.begin(mark);
        status.fine();
        info!(
            next = mark.seq + 1,
            topic = config.topic,
            "producing to Kafka"
        );
        Ok(Self {
            window,
            producer,
            keeper: Arc::new(Mutex::new(keeper)),
            log,
            is_replaced,
        })
    }

    async fn open_with(
        worker: &Worker,
        keeper: &PositionKeeper,
        window: &Arc<Window>,
        log: LogIdentity,
    ) -> Result<(Producer, Resumed), KafkaError> {
        let Worker { config, host, .. } = worker;
        let limit = ensure_topics(config, host, keeper.consumer(), &worker.rules.routes).await?;
        let events = ClientEvents {
            status: worker.progress.status.clone(),
            window: Arc::clone(window),
        };
        let producer = Producer::new(config, host, limit, events)?;
        if worker.is_transactional() {
            producer.init_transactions().await?;
        }
        let resumed = Self::resumed(worker, keeper, log).await?;
        Ok((producer, resumed))
    }

    /// Where to go on.
    async fn resumed(
        worker: &Worker,
        keeper: &PositionKeeper,
        log: LogIdentity,
    ) -> Result<Resumed, KafkaError> {
        let (config, bookmarks) = (&worker.config.position, &worker.bookmarks);
        let known = Known {
            written: keeper.read().await?,
            acked: worker.progress.known(),
            bookmark: bookmarks.read().await,
            anew: &config.anew,
            is_transactional: worker.is_transactional(),
        };
        match begin(known)? {
            Begin::At(position) => Ok(resume(&*worker.log, log, position).await?),
            Begin::Start => {
                let mark = start(&*worker.log, Start::parse(&config.start)?).await?;
                // In this order: a crash in between begins anew once more, and forgets no wish of the operator.
                keeper.writing(mark).await?;
                bookmarks.write(mark, log).await?;
                Ok(Resumed {
                    mark,
                    is_replaced: false,
                })
            }
        }
    }

    /// Produces until something fails. A log that is away is waited for.
    pub(super) async fn produce(&self, worker: &mut Worker) -> Result<Infallible, KafkaError> {
        let mut next = self.window.acked().seq + 1;
        if worker.is_transactional() {
            self.producer.begin()?;
            self.commit().await?;
        }
        if self.is_replaced {
            self.admit_replacement(worker).await?;
        }
        let mut pause = worker.config.retry_floor;
        // Since when a transaction is open. It outlives a follow.
        let mut open_since = None;
        loop {
            let failed_from = next;
            match self.follow(worker, &mut next, &mut open_since).await {
                Ok(never) => match never {},
                Err(KafkaError::Log(failure)) if failure.is_retryable() => {
                    worker.progress.following(false);
                    if open_since.take().is_some() {
                        // Nobody knows how long the log is away, and the brokers wait for a transaction only so long.
                        self.pump(worker).care().await?;
                        self.commit().await?;
                    }
                    if next > failed_from {
                        pause = worker.config.retry_floor;
                    }
                    warn!(error = %failure, pause_ms = pause.as_millis(), "following the log again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(worker.config.retry_ceiling);
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn follow(
        &self,
        worker: &mut Worker,
        next: &mut u64,
        open_since: &mut Option<Instant>,
    ) -> Result<Infallible, KafkaError> {
        let bounds = worker.log.bounds().await?;
        if *next > bounds.last + 1 {
            return Err(KafkaError::Replaced {
                last: bounds.last,
                produced: *next - 1,
            });
        }
        if *next < bounds.first {
            self.admit_loss(worker, next, bounds).await?;
        }
        let follow = worker.log.follow(*next, &Selection::All).await?;
        let mut follow = prepared(follow, worker.enricher.clone(), Arc::clone(&worker.rules));
        let enricher = worker.enricher.clone();
        worker.progress.following(true);
        let interval = worker.config.transaction_interval;
        let transactional = worker.is_transactional();
        let hung = Arc::clone(&worker.progress);
        loop {
            let due = open_since.unwrap_or_else(Instant::now) + interval;
            tokio::select! {
                batch = follow.next() => {
                    let entries = batch.ok_or_else(|| LogError::unavailable("the stream ended"))??;
                    for entry in &entries {
                        if transactional && open_since.is_none() {
                            self.producer.begin()?;
                            *open_since = Some(Instant::now());
                        }
                        self.room(worker, open_since).await?;
                        self.pump(worker).take(entry, enricher.as_deref()).await?;
                        *next = entry.seq + 1;
                        worker.progress.read(entry.seq);
                    }
                    worker.tally.flush(&worker.metrics);
                    let is_idle = transactional && entries.is_empty() && open_since.is_none();
                    if is_idle && self.keeper.lock().is_due(self.window.newest()) {
                        self.producer.begin()?;
                        self.commit().await?;
                    }
                }
                () = self.window.moved() => self.pump(worker).care().await?,
                () = tokio::time::sleep_until(due), if open_since.is_some() => {
                    self.pump(worker).care().await?;
                    self.commit().await?;
                    *open_since = None;
                }
                () = hung.hangs() => {
                    let what = format!("the stream hangs: nothing since seq {}", *next - 1);
                    return Err(LogError::unavailable(what).into());
                }
            }
        }
    }

    /// Waits until one more event may be sent, and begins a new transaction when the old one is full.
    async fn room(
        &self,
        worker: &mut Worker,
        open_since: &mut Option<Instant>,
    ) -> Result<(), KafkaError> {
        while !self.window.has_room() {
            if open_since.is_some() {
                self.commit().await?;
                self.producer.begin()?;
                *open_since = Some(Instant::now());
            } else {
                self.window.moved().await;
            }
            self.pump(worker).care().await?;
        }
        Ok(())
    }

    /// The log has dropped events before they were produced: said loudly, and to the consumers.
    async fn admit_loss(
        &self,
        worker: &mut Worker,
        next: &mut u64,
        bounds: Bounds,
    ) -> Result<(), KafkaError> {
        let lost = bounds.first - *next;
        error!(
            lost,
            from = bounds.first,
            "the log dropped events before they were produced"
        );
        worker.metrics.lost(lost);
        let message = format!(
            "the log no longer has {lost} events from seq {} on; going on with seq {}",
            *next, bounds.first
        );
        let mark = Mark {
            seq: bounds.first - 1,
            time_us: self.window.acked().time_us,
        };
        self.tell(worker, mark, &message).await?;
        *next = bounds.first;
        Ok(())
    }

    /// Another log stands where the one was that was produced from: said to the consumers, and counted.
    async fn admit_replacement(&self, worker: &mut Worker) -> Result<(), KafkaError> {
        worker.metrics.replaced();
        let mark = self.window.acked();
        let message = format!(
            "the log was replaced; going on with what it holds from seq {} on, behind the time_us {} of the newest event before: \
             events of the log before may be missing, some may come again",
            mark.seq + 1,
            mark.time_us
        );
        self.tell(worker, mark, &message).await
    }

    /// Says to the consumers that events may be missing.
    async fn tell(&self, worker: &mut Worker, mark: Mark, what: &str) -> Result<(), KafkaError> {
        let info = Info {
            name: "OutdatedCursor",
            message: Some(what),
        };
        let transactional = worker.is_transactional();
        if transactional {
            self.producer.begin()?;
        }
        self.pump(worker).say(mark, &info).await?;
        if transactional {
            self.commit().await?;
        }
        Ok(())
    }

    /// Commits what was sent, and the position behind it, as one.
    async fn commit(&self) -> Result<(), KafkaError> {
        let mark = self.window.newest();
        let (offsets, group) = {
            let keeper = self.keeper.lock();
            (keeper.offsets(mark)?, keeper.group())
        };
        let no_group = || KafkaError::Broken("the position has no group".to_owned());
        let group = group.ok_or_else(no_group)?;
        self.producer.commit(offsets, group).await?;
        self.keeper.lock().was_written(mark);
        Ok(())
    }

    /// Asked to stop: waits for what is under way, at most for the time of a request, and writes the position.
    pub(super) async fn finish(&self, worker: &Worker) -> Result<(), KafkaError> {
        let patience = worker.config.request_timeout;
        let ended = match worker.is_transactional() {
            // What is uncommitted is undone, and produced again by the next process.
            true => self.producer.abort().await,
            false => self.write_last_position(patience).await,
        };
        let mark = self.done(worker.is_transactional());
        match tokio::time::timeout(patience, worker.bookmarks.write(mark, self.log)).await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => {
                warn!(error = %failure, "failed to write the last bookmark beside the log")
            }
            Err(_elapsed) => warn!("the last bookmark beside the log was not written in time"),
        }
        info!(
            seq = mark.seq,
            left = self.window.events(),
            "stopped producing to Kafka"
        );
        ended
    }

    async fn write_last_position(&self, patience: Duration) -> Result<(), KafkaError> {
        let until = Instant::now() + patience;
        while self.window.events() > 0 && Instant::now() < until {
            tokio::time::sleep(POLL).await;
        }
        let writing = self.keeper.lock().writing(self.window.acked());
        match tokio::time::timeout(patience, writing).await {
            Ok(written) => drop(written?),
            Err(_elapsed) => warn!(
                "the last position was not acknowledged in time: its events may be produced again"
            ),
        }
        Ok(())
    }

    /// Writes the position down from time to time, outside of transactions, and lets the client library do its work.
    pub(super) async fn keep_position(
        &self,
        interval: Duration,
        is_transactional: bool,
        metrics: &Metrics,
        progress: &Progress,
    ) -> Infallible {
        let mut due = Instant::now();
        let mut writing = OptionFuture::from(None);
        loop {
            let acked = self.done(is_transactional);
            let produced = self.window.take_completed();
            metrics.moved(acked.seq, self.window.events(), produced);
            progress.moved(acked, self.log, self.window.stalled_for());
            if produced > 0 {
                progress.status.fine();
            }
            {
                let keeper = self.keeper.lock();
                keeper.listen();
                let is_free = !is_transactional && writing.is_terminated();
                if is_free && Instant::now() >= due && keeper.is_due(acked) {
                    due = Instant::now() + interval;
                    writing = OptionFuture::from(Some(keeper.writing(acked).fuse()));
                }
            }
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                Some(outcome) = &mut writing => {
                    match outcome {
                        Ok(mark) => self.keeper.lock().was_written(mark),
                        Err(failure) => {
                            metrics.position_failed();
                            progress.status.failed(failure.to_string());
                            error!(error = %failure, "the position is not written: after a restart events are produced again");
                        }
                    }
                    writing = OptionFuture::from(None);
                }
            }
        }
    }

    /// Up to where nothing is ever produced again.
    fn done(&self, is_transactional: bool) -> Mark {
        match is_transactional {
            true => self.keeper.lock().written(),
            false => self.window.acked(),
        }
    }

    /// Writes the bookmark beside the log from time to time.
    pub(super) async fn keep_bookmark(
        &self,
        bookmarks: &BookmarkKeeper,
        metrics: &Metrics,
        is_transactional: bool,
    ) -> Infallible {
        let mut written = None;
        loop {
            let mark = self.done(is_transactional);
            if written != Some(mark) {
                match bookmarks.write(mark, self.log).await {
                    Ok(()) => written = Some(mark),
                    Err(failure) => {
                        metrics.bookmark_failed();
                        warn!(error = %failure, "failed to write the bookmark beside the log: a position that Kafka loses is not missed");
                    }
                }
            }
            tokio::time::sleep(BOOKMARK_INTERVAL).await;
        }
    }

    fn pump<'a>(&'a self, worker: &'a mut Worker) -> Pump<'a> {
        let is_transactional = worker.is_transactional();
        Pump {
            rules: &worker.rules,
            producer: &self.producer,
            window: &self.window,
            metrics: &worker.metrics,
            clock: &*worker.clock,
            tally: &mut worker.tally,
            refused: &mut worker.refused,
            is_transactional,
        }
    }
}
