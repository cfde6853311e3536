//! One session: a connection to Kafka and everything in flight over it.

mod losses;
mod position;

use std::convert::Infallible;
use std::sync::Arc;

use fanjet_log::{LogError, LogIdentity, Selection};
use fanjet_runtime::Backoff;
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::{info, warn};

use super::context::Context;
use super::prepare::prepared;
use super::resume::{Begin, Known, Resumed, begin, resume, start};
use super::send_loop::SendLoop;
use crate::KafkaError;
use crate::broker::{ClientEvents, PositionStore, Producer, ensure_topics};
use crate::start::Start;
use crate::window::Window;

/// What a session works with.
pub(super) struct Session {
    pub(super) window: Arc<Window>,
    pub(super) producer: Producer,
    pub(super) store: Arc<Mutex<PositionStore>>,
    log: LogIdentity,
    /// Whether what was produced before came from another log.
    is_replaced: bool,
}

impl Session {
    /// Connects, checks the topics, and finds the position.
    pub(super) async fn open(context: &Context) -> Result<Self, KafkaError> {
        let Context { config, host, .. } = context;
        let window = Arc::new(Window::new(config.window_events, config.window_bytes));
        let status = context.progress.status.clone();
        // Identify the log first: it decides where to continue.
        let log = context.log.adopt().await?;
        let events = (status.clone(), Arc::clone(&window));
        let mut store = PositionStore::new(config, host, events, log)?;
        let opened = Self::open_with(context, &store, &window, log).await;
        // The client library reports why a connection fails only to a caller that polls it.
        store.listen();
        let (producer, Resumed { mark, is_replaced }) = opened?;
        window.begin(mark);
        store.begin(mark);
        status.fine();
        info!(
            next = mark.seq + 1,
            topic = config.topic,
            "producing to Kafka"
        );
        Ok(Self {
            window,
            producer,
            store: Arc::new(Mutex::new(store)),
            log,
            is_replaced,
        })
    }

    async fn open_with(
        context: &Context,
        store: &PositionStore,
        window: &Arc<Window>,
        log: LogIdentity,
    ) -> Result<(Producer, Resumed), KafkaError> {
        let Context { config, host, .. } = context;
        let limit = ensure_topics(config, host, store.consumer(), &context.rules.routes).await?;
        let events = ClientEvents {
            status: context.progress.status.clone(),
            window: Arc::clone(window),
        };
        let producer = Producer::new(config, host, limit, events)?;
        if context.is_transactional() {
            producer.init_transactions().await?;
        }
        let resumed = Self::resumed(context, store, log).await?;
        Ok((producer, resumed))
    }

    /// Where to continue.
    async fn resumed(
        context: &Context,
        store: &PositionStore,
        log: LogIdentity,
    ) -> Result<Resumed, KafkaError> {
        let (config, bookmarks) = (&context.config.position, &context.bookmarks);
        let known = Known {
            written: store.read().await?,
            acked: context.progress.known(),
            bookmark: bookmarks.read().await,
            reset: &config.reset,
            is_transactional: context.is_transactional(),
        };
        match begin(known)? {
            Begin::At(position) => Ok(resume(&*context.log, log, position).await?),
            Begin::Start => {
                let mark = start(&*context.log, Start::parse(&config.start)?).await?;
                // The order matters: a crash in between restarts once more, and does not lose the operator's request.
                store.writing(mark).await?;
                bookmarks.write(mark, log).await?;
                Ok(Resumed {
                    mark,
                    is_replaced: false,
                })
            }
        }
    }

    /// Produces until something fails. An unreachable log is waited for.
    pub(super) async fn produce(&self, context: &mut Context) -> Result<Infallible, KafkaError> {
        let mut next = self.window.acked().seq + 1;
        if context.is_transactional() {
            self.producer.begin()?;
            self.commit().await?;
        }
        if self.is_replaced {
            self.report_replacement(context).await?;
        }
        let (floor, ceiling) = (context.config.retry_floor, context.config.retry_ceiling);
        let mut backoff = Backoff::new(floor, ceiling);
        // The start of the open transaction. It outlives a follow.
        let mut open_since = None;
        loop {
            let failed_from = next;
            match self.follow(context, &mut next, &mut open_since).await {
                Ok(never) => match never {},
                Err(KafkaError::Log(failure)) if is_waited_for(&failure) => {
                    context.progress.following(false);
                    if let LogError::Corrupt { .. } = failure {
                        context.progress.damaged(Some(failure.to_string()));
                    }
                    if open_since.take().is_some() {
                        // The log may stay away for long, and the brokers abort a transaction after a while.
                        self.send_loop(context).handle_refusals().await?;
                        self.commit().await?;
                    }
                    if next > failed_from {
                        backoff.reset();
                    }
                    let pause = backoff.next_pause();
                    warn!(error = %failure, pause_ms = pause.as_millis(), "failed to follow the log, retrying");
                    tokio::time::sleep(pause).await;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn follow(
        &self,
        context: &mut Context,
        next: &mut u64,
        open_since: &mut Option<Instant>,
    ) -> Result<Infallible, KafkaError> {
        let bounds = context.log.bounds().await?;
        if *next > bounds.last + 1 {
            return Err(KafkaError::Replaced {
                last: bounds.last,
                produced: *next - 1,
            });
        }
        if *next < bounds.first {
            self.report_loss(context, next, bounds).await?;
        }
        let follow = context.log.follow(*next, &Selection::All).await?;
        let mut follow = prepared(follow, context.enricher.clone(), Arc::clone(&context.rules));
        let enricher = context.enricher.clone();
        context.progress.following(true);
        let interval = context.config.transaction_interval;
        let transactional = context.is_transactional();
        let hung = Arc::clone(&context.progress);
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
                        self.room(context, open_since).await?;
                        self.send_loop(context).take(entry, enricher.as_deref()).await?;
                        *next = entry.seq + 1;
                        context.progress.read(entry.seq);
                    }
                    if has_events {
                        context.progress.damaged(None);
                    }
                    context.tally.flush(&context.metrics);
                    let is_idle = transactional && entries.is_empty() && open_since.is_none();
                    if is_idle && self.store.lock().is_due(self.window.newest()) {
                        self.producer.begin()?;
                        self.commit().await?;
                    }
                }
                () = self.window.moved() => self.send_loop(context).handle_refusals().await?,
                () = tokio::time::sleep_until(due), if open_since.is_some() => {
                    self.send_loop(context).handle_refusals().await?;
                    self.commit().await?;
                    *open_since = None;
                }
                () = hung.hangs() => {
                    let what = format!("the stream stalls: nothing since seq {}", *next - 1);
                    return Err(LogError::unavailable(what).into());
                }
            }
        }
    }

    /// Waits until one more event may be sent, and begins a new transaction when the old one is full.
    async fn room(
        &self,
        context: &mut Context,
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
            self.send_loop(context).handle_refusals().await?;
        }
        Ok(())
    }

    /// Commits what was sent, and the position after it, as one.
    async fn commit(&self) -> Result<(), KafkaError> {
        let mark = self.window.newest();
        let (offsets, group) = {
            let store = self.store.lock();
            (store.offsets(mark)?, store.group())
        };
        let no_group = || KafkaError::Broken("the position has no group".to_owned());
        let group = group.ok_or_else(no_group)?;
        self.producer.commit(offsets, group).await?;
        self.store.lock().was_written(mark);
        Ok(())
    }

    fn send_loop<'a>(&'a self, context: &'a mut Context) -> SendLoop<'a> {
        let is_transactional = context.is_transactional();
        SendLoop {
            rules: &context.rules,
            producer: &self.producer,
            window: &self.window,
            metrics: &context.metrics,
            clock: &*context.clock,
            tally: &mut context.tally,
            refused: &mut context.refused,
            is_transactional,
        }
    }
}

/// Whether the same position of the log can be read later. Damage is never skipped: an operator removes it.
fn is_waited_for(failure: &LogError) -> bool {
    failure.is_retryable() || matches!(failure, LogError::Corrupt { .. })
}
