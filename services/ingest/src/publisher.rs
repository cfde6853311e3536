//! Appends, and finds out what the log holds after any failure.
//!
//! Invariants: events reach the log in the order in which they were given, each once; an event is forgotten only
//! when the log acknowledged it; as soon as another writer is seen in the log, or the term is over, nothing more is
//! written.

mod reconcile;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use fanjet_actors::Backoff;
use fanjet_log::{AppendError, Appender, EventLog, LogError, NewEvent, Seq};
use tracing::{info, warn};

use crate::IngestError;
use crate::decode::Passage;
use crate::freshness::Freshness;
use crate::lead::Permit;
use crate::metrics::IngestMetrics;
use crate::status::Status;
use crate::traces::Traces;
use reconcile::{Verdict, reconcile};

const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// The one writer of the log in this process.
pub(crate) struct Publisher {
    log: Arc<dyn EventLog>,
    permit: Permit,
    /// `None` while the log's end has to be read again.
    appender: Option<Box<dyn Appender>>,
    /// Everything up to here is acknowledged.
    acked: Seq,
    /// What was given to the log behind `acked`, in order.
    unacked: VecDeque<NewEvent>,
    /// Bytes of their bodies.
    unacked_bytes: usize,
    /// Of what is unacknowledged.
    traces: Traces,
    freshness: Freshness,
    metrics: IngestMetrics,
    status: Status,
}

impl Publisher {
    /// Continues behind `acked`, the log's last seq.
    pub(crate) fn continuing(
        log: Arc<dyn EventLog>,
        permit: Permit,
        acked: Seq,
        traces: Traces,
        freshness: Freshness,
        metrics: IngestMetrics,
        status: Status,
    ) -> Self {
        Self {
            log,
            permit,
            appender: None,
            acked,
            unacked: VecDeque::new(),
            unacked_bytes: 0,
            traces,
            freshness,
            metrics,
            status,
        }
    }

    /// Appends behind everything given before what has come by `passage`. Waits while the log takes no more, for as long as
    /// that lasts.
    ///
    /// # Errors
    /// [`IngestError`] when waiting cannot help.
    pub(crate) async fn append(
        &mut self,
        mut events: Vec<NewEvent>,
        passage: &Passage,
    ) -> Result<(), IngestError> {
        self.permit.check()?;
        self.traces.begin(&mut events, passage);
        let given = events.len();
        self.unacked_bytes += events.iter().map(|event| event.body.len()).sum::<usize>();
        self.unacked.extend(events);
        let outcome = match &mut self.appender {
            Some(appender) => {
                let start = self.unacked.len() - given;
                appender
                    .append(&self.unacked.make_contiguous()[start..])
                    .await
            }
            None => return self.reopen().await,
        };
        self.settle(outcome).await
    }

    /// Waits until everything given is acknowledged.
    ///
    /// # Errors
    /// As [`Publisher::append`].
    pub(crate) async fn flush(&mut self) -> Result<(), IngestError> {
        while !self.unacked.is_empty() {
            let outcome = match &mut self.appender {
                Some(appender) => appender.flush().await.map(drop),
                None => {
                    self.reopen().await?;
                    continue;
                }
            };
            self.settle(outcome).await?;
        }
        Ok(())
    }

    /// The seq up to which everything is acknowledged.
    pub(crate) fn acked(&self) -> Seq {
        self.acked
    }

    /// How many events are given but not acknowledged.
    pub(crate) fn unacked(&self) -> usize {
        self.unacked.len()
    }

    /// Bytes of those events.
    pub(crate) fn unacked_bytes(&self) -> usize {
        self.unacked_bytes
    }

    async fn settle(&mut self, outcome: Result<(), AppendError>) -> Result<(), IngestError> {
        self.forget_acked(
            self.appender
                .as_ref()
                .map_or(self.acked, |appender| appender.acked()),
        );
        match outcome {
            Ok(()) => Ok(()),
            Err(error) if error.is_retryable() => {
                warn!(%error, acked = self.acked, unacked = self.unacked.len(), "append failed, reading the log's end again");
                self.appender = None;
                self.reopen().await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Finds out what the log holds, opens it behind that and gives it the rest, until all of that succeeds.
    async fn reopen(&mut self) -> Result<(), IngestError> {
        let mut backoff = Backoff::new(RETRY_MIN, RETRY_MAX);
        loop {
            match self.try_reopen().await {
                Ok(()) => {
                    self.status.set_log_reachable(true);
                    return Ok(());
                }
                Err(Retry::Never(error)) => return Err(error),
                Err(Retry::Later(reason)) => {
                    self.status.set_log_reachable(false);
                    let pause = backoff.next_pause();
                    warn!(
                        reason,
                        ?pause,
                        unacked = self.unacked.len(),
                        "the log takes nothing, trying again"
                    );
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    async fn try_reopen(&mut self) -> Result<(), Retry> {
        let last = self.log.last().await?;
        let is_as_left = last.is_none() && self.log.bounds().await?.last == self.acked;
        let verdict = match is_as_left {
            true => Verdict::Stored(0),
            false => reconcile(self.acked, &self.unacked, last.as_ref()),
        };
        let stored = match verdict {
            Verdict::Stored(stored) => stored,
            Verdict::Stale => {
                return Err(Retry::Later(
                    "the log answered with an old state".to_owned(),
                ));
            }
            Verdict::Foreign(seq) => return Err(Retry::Never(IngestError::Fenced { seq })),
        };
        if !self.unacked.is_empty() {
            self.metrics.resynced();
            info!(
                stored,
                missing = self.unacked.len() - stored,
                "the log's end is known again"
            );
        }
        self.forget_acked(self.acked + stored as Seq);
        self.permit.check().map_err(Retry::Never)?;
        let mut appender = self.log.appender(self.acked).await?;
        let outcome = appender.append(self.unacked.make_contiguous()).await;
        self.forget_acked(appender.acked());
        outcome?;
        self.appender = Some(appender);
        Ok(())
    }

    fn forget_acked(&mut self, acked: Seq) {
        let count = usize::try_from(acked.saturating_sub(self.acked))
            .unwrap_or(usize::MAX)
            .min(self.unacked.len());
        if let Some(newest) = count
            .checked_sub(1)
            .and_then(|index| self.unacked.get(index))
        {
            self.metrics
                .appended(count as u64, newest.origin.relay_seq, acked);
            let stored = self.unacked.iter().take(count);
            self.traces.stored(stored.clone(), self.acked + 1);
            self.acked = acked;
            self.freshness.appended(stored);
            for event in self.unacked.drain(..count) {
                self.unacked_bytes -= event.body.len();
            }
        }
    }
}

/// Whether reopening is worth another try.
enum Retry {
    Later(String),
    Never(IngestError),
}

impl From<LogError> for Retry {
    fn from(error: LogError) -> Self {
        if error.is_retryable() {
            Self::Later(error.to_string())
        } else {
            Self::Never(error.into())
        }
    }
}

impl From<AppendError> for Retry {
    fn from(error: AppendError) -> Self {
        if error.is_retryable() {
            Self::Later(error.to_string())
        } else {
            Self::Never(error.into())
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
