//! The task that keeps the copy: opens it, follows the ring into it, fills it, and starts another one when it is lost.

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::{AppendError, EventLog, LogError, LogIdentity, ReadLimit, Selection, Seq};
use fanjet_log_embedded::{Copied, CopyAppender, CopyConfig, LogCopy, OpenError};
use fanjet_runtime::{Clock, Stop};
use tokio::time::sleep;
use tracing::{debug, error, info, warn};

use super::LocalTier;
use super::end::End;
use super::events::{complete_page, from_page, from_ring};
use super::pace::pause;
use super::past::Filler;
use crate::EdgeError;
use crate::config::DiskConfig;
use crate::metrics::Metrics;
use crate::tail::{self, Generation, Read, Tail};

/// What is taken from the ring at once.
const FROM_RING: tail::ReadLimit = tail::ReadLimit {
    entries: 2_000,
    bytes: 1 << 20,
};
/// How long events may wait, so that one write has several.
const GATHER: Duration = Duration::from_millis(100);
/// Between two attempts: a folder that is damaged again and again must not keep the node busy.
const RETRY: Duration = Duration::from_secs(1);

/// Keeps the copy behind a [`LocalTier`].
pub(crate) struct TierWriter {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) tail: Tail,
    pub(crate) tier: LocalTier,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: DiskConfig,
    /// What a read of the log returns at most.
    pub(crate) limit: ReadLimit,
}

impl TierWriter {
    /// Runs until stopped. Never ends the node.
    pub(crate) async fn run(self, stop: Stop) -> Result<(), EdgeError> {
        if self.tail.pool.is_narrowed() {
            info!("edge.disk is not used: this node serves only some collections");
        } else {
            tokio::select! {
                () = stop.cancelled() => {}
                why = self.keep() => {
                    error!(why, path = %self.config.path.display(), "the local tier is off until the next start: the disk cannot be used");
                    self.metrics.disk_ended("off");
                }
            }
        }
        self.tier.hide();
        self.metrics.disk(0, 0.0);
        stop.cancelled().await;
        Ok(())
    }

    /// Keeps copies until the disk cannot be used; returns why.
    async fn keep(&self) -> String {
        let mut must_be_new = false;
        loop {
            let (generation, identity) = self.followed_log().await;
            let copy = match self.open(identity, must_be_new).await {
                Ok(copy) => copy,
                // A reader of the last copy may not have left it yet, or another process is about to.
                Err(error @ OpenError::InUse { .. }) => {
                    debug!(%error, "waiting for the folder of the local tier");
                    sleep(RETRY).await;
                    continue;
                }
                Err(error) => return error.to_string(),
            };
            self.tier.show(generation, copy.clone());
            let filler = Filler {
                log: Arc::clone(&self.log),
                tail: self.tail.clone(),
                metrics: self.metrics.clone(),
                copy: copy.clone(),
                max_bytes: self.config.max_bytes,
                fill: self.config.fill,
                limit: self.limit,
            };
            let end = tokio::select! {
                end = self.follow(&copy, generation) => end,
                end = filler.run() => end,
                failure = self.tier.failed() => End::again("damaged", failure),
            };
            self.tier.hide();
            close(copy).await;
            self.metrics.disk(0, 0.0);
            match end {
                End::Again { reason, why } => {
                    warn!(
                        reason,
                        why, "throwing the local tier away and starting again"
                    );
                    self.metrics.disk_ended(reason);
                }
                End::Off(why) => {
                    // Others may need the room.
                    drop(LogCopy::remove(self.config.path.clone()).await);
                    return why;
                }
            }
            must_be_new = true;
            sleep(RETRY).await;
        }
    }

    /// The log that the ring follows, once it follows one.
    async fn followed_log(&self) -> (Generation, LogIdentity) {
        let mut watch = self.tail.ring.watch();
        loop {
            let head = *watch.borrow_and_update();
            let identity = self.tail.identity();
            if head.end.is_some()
                && let Some(identity) = identity
                && self.tail.ring.head().generation == head.generation
            {
                return (head.generation, identity);
            }
            if watch.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    async fn open(&self, of: LogIdentity, must_be_new: bool) -> Result<LogCopy, OpenError> {
        let config = CopyConfig {
            path: self.config.path.clone(),
            max_bytes: self.config.max_bytes,
        };
        let clock = || Arc::clone(&self.clock);
        if !must_be_new {
            match LogCopy::open(config.clone(), of, clock()).await {
                Ok(Some(copy)) => match self.check(&copy).await {
                    Ok(()) => {
                        let bounds = copy.bounds();
                        info!(
                            first = bounds.first,
                            last = bounds.last,
                            bytes = copy.bytes(),
                            "opened the local tier"
                        );
                        return Ok(copy);
                    }
                    Err(why) => {
                        close(copy).await;
                        self.thrown_away("foreign", &why);
                    }
                },
                Ok(None) => {}
                Err(error @ OpenError::InUse { .. }) => return Err(error),
                Err(error) => self.thrown_away("damaged", &error.to_string()),
            }
        }
        LogCopy::create(config, of, self.tail.ring.start(), clock()).await
    }

    fn thrown_away(&self, reason: &'static str, why: &str) {
        warn!(
            reason,
            why, "throwing the local tier away and starting again"
        );
        self.metrics.disk_ended(reason);
    }

    /// Whether a copy from an earlier start still matches the log: the log must have its last event, with the same bytes.
    async fn check(&self, copy: &LogCopy) -> Result<(), String> {
        let last = copy.bounds().last;
        if copy.bounds().is_empty() {
            return Err("it is empty".to_owned());
        }
        let one = ReadLimit {
            entries: 1,
            bytes: 0,
        };
        let own = copy.read(last, &Selection::All, one).await;
        let own = own.map_err(|error| error.to_string())?;
        let same = loop {
            match self.log.read(last, &Selection::All, one).await {
                Ok(page) => break page,
                Err(error) if error.is_retryable() => sleep(RETRY).await,
                Err(error) => return Err(error.to_string()),
            }
        };
        let key =
            |page: &fanjet_log::Page| page.entries.first().map(|it| (it.seq, it.body.clone()));
        match key(&own).is_some() && key(&own) == key(&same) {
            true => Ok(()),
            false => Err(format!("the log does not have its last event, seq {last}")),
        }
    }

    /// Writes what the ring gets.
    async fn follow(&self, copy: &LogCopy, generation: Generation) -> End {
        let mut appender = copy.appender();
        let mut watch = self.tail.ring.watch();
        loop {
            let head = *watch.borrow_and_update();
            if head.generation != generation {
                return End::again("replaced", "the log was replaced");
            }
            let next = appender.last() + 1;
            let end = head.end.unwrap_or(0);
            let stepped = match self.tail.ring.read_from(next, end, FROM_RING) {
                Read::Hot(entries) => {
                    let events: Vec<_> = entries.iter().map(from_ring).collect();
                    append(copy, &mut appender, &events, 0).await
                }
                Read::Behind { .. } if self.config.fill == 0 => {
                    Err(End::again("behind", "the ring does not reach back to it"))
                }
                Read::Behind { oldest } => self.catch_up(copy, &mut appender, oldest).await,
                Read::CaughtUp => {
                    if watch.changed().await.is_err() {
                        return std::future::pending().await;
                    }
                    sleep(GATHER).await;
                    Ok(())
                }
            };
            if let Err(end) = stepped {
                return end;
            }
        }
    }

    /// Reads one page of what the ring no longer has.
    async fn catch_up(
        &self,
        copy: &LogCopy,
        appender: &mut CopyAppender,
        until: Seq,
    ) -> Result<(), End> {
        let from = appender.last() + 1;
        match complete_page(&*self.log, from, self.limit).await {
            Ok(Some(page)) => {
                let next = page.next.min(until);
                let events =
                    from_page(page, until).map_err(|error| End::again("damaged_log", error))?;
                let bytes: usize = events.iter().map(|event| event.body.len()).sum();
                append(copy, appender, &events, next).await?;
                sleep(pause(bytes as u64, self.config.fill)).await;
                Ok(())
            }
            Ok(None) => Err(End::again("expired", "the log deleted what comes next")),
            Err(error @ LogError::Corrupt { .. }) => Err(End::again("damaged_log", error)),
            Err(error) => {
                debug!(%error, "failed to read what the local tier missed, retrying");
                sleep(RETRY).await;
                Ok(())
            }
        }
    }
}

async fn append(
    copy: &LogCopy,
    appender: &mut CopyAppender,
    events: &[Copied],
    next: Seq,
) -> Result<(), End> {
    match appender.append(events, next).await {
        Ok(()) => Ok(()),
        Err(error @ AppendError::Refused(_)) => Err(End::again("refused", error)),
        Err(error) => Err(End::of_disk(copy, error)),
    }
}

/// Closing waits for threads.
async fn close(copy: LogCopy) {
    drop(tokio::task::spawn_blocking(move || drop(copy)).await);
}
