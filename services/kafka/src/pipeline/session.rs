//! One session: a connection to Kafka and everything that is under way over it.

mod losses;
mod position;

use std::convert::Infallible;
use std::sync::Arc;

use fanjet_log::{LogError, LogIdentity, Selection};
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::{info, warn};

use super::Window;
use super::prepare::prepared;
use super::pump::Pump;
use super::resume::{Begin, Known, Resumed, begin, resume, start};
use super::worker::{Progress, Worker};
use crate::KafkaError;
use crate::broker::{ClientEvents, PositionKeeper, Producer, ensure_topics};
use crate::start::Start;

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
                Err(KafkaError::Log(failure)) if is_waited_for(&failure) => {
                    worker.progress.following(false);
                    if let LogError::Corrupt { .. } = failure {
                        worker.progress.damaged(Some(failure.to_string()));
                    }
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
                    let has_events = !entries.is_empty();
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
                    if has_events {
                        worker.progress.damaged(None);
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

/// Whether the same place of the log can be read later. One that is damaged is never passed over: an operator takes it out.
fn is_waited_for(failure: &LogError) -> bool {
    failure.is_retryable() || matches!(failure, LogError::Corrupt { .. })
}
