//! Appends events, and after any failure finds out what the log contains.
//!
//! Invariants: events reach the log in the given order, each once. An event is forgotten only when the log has
//! acknowledged it. Once another writer is seen in the log, or the term is over, nothing more is written. Nothing is
//! ever written to a log that lost acknowledged events, or to a different log.

mod reconcile;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use fanjet_log::{AppendError, Appender, EventLog, LogError, NewEvent, Seq};
use fanjet_runtime::Backoff;
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::IngestError;
use crate::batch::BatchTimes;
use crate::freshness::Freshness;
use crate::lead::WriteDeadline;
use crate::metrics::IngestMetrics;
use crate::resume::{End, Resume, can_be_waited_for, end_of};
use crate::status::Status;
use crate::traces::Traces;
use reconcile::{AppendOutcome, reconcile};

const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);
/// A log that ends before what it acknowledged may be a deposed server that has not noticed yet. After this time, the
/// log counts as damaged.
pub(crate) const DEPOSED_SERVER_TIMEOUT: Duration = Duration::from_secs(10);

/// What a publisher works with.
pub(crate) struct PublisherContext {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) deadline: WriteDeadline,
    pub(crate) traces: Traces,
    pub(crate) freshness: Freshness,
    pub(crate) metrics: IngestMetrics,
    pub(crate) status: Status,
}

/// The only writer of the log in this process.
pub(crate) struct Publisher {
    log: Arc<dyn EventLog>,
    /// The identity of the log.
    log_id: String,
    deadline: WriteDeadline,
    /// `None` while the log's end must be read again.
    appender: Option<Box<dyn Appender>>,
    /// Everything up to here is acknowledged.
    acked: Seq,
    /// The newest event at or before `acked`. Any entries after it are not events.
    newest: Seq,
    /// Whether something was submitted since the last acknowledgement. If so, it is resubmitted only after a pause.
    is_stalled: bool,
    backoff: Backoff,
    /// Since when the log has ended before `acked`.
    shorter_since: Option<Instant>,
    /// What was submitted after `acked`, in order.
    unacked: VecDeque<NewEvent>,
    /// The bytes of their bodies.
    unacked_bytes: usize,
    /// The spans of what is unacknowledged.
    traces: Traces,
    freshness: Freshness,
    metrics: IngestMetrics,
    status: Status,
}

impl Publisher {
    /// Continues after the log's end.
    pub(crate) fn continuing(resume: &Resume, context: PublisherContext) -> Self {
        let PublisherContext {
            log,
            deadline,
            traces,
            freshness,
            metrics,
            status,
        } = context;
        Self {
            log,
            log_id: resume.log.clone(),
            deadline,
            appender: None,
            acked: resume.seq,
            newest: resume.newest,
            is_stalled: false,
            backoff: Backoff::new(RETRY_MIN, RETRY_MAX),
            shorter_since: None,
            unacked: VecDeque::new(),
            unacked_bytes: 0,
            traces,
            freshness,
            metrics,
            status,
        }
    }

    /// Appends `events` after everything already submitted. Waits while the log accepts no more, however long that
    /// takes.
    ///
    /// [`IngestError`] when waiting cannot help.
    /// [`IngestError`] when waiting cannot help.
    pub(crate) async fn append(
        &mut self,
        mut events: Vec<NewEvent>,
        times: &BatchTimes,
    ) -> Result<(), IngestError> {
        self.deadline.check()?;
        self.traces.begin(&mut events, times);
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

    /// Waits until everything submitted is acknowledged.
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

    /// Makes sure, after a [`Publisher::flush`], that the log ends with the last submitted event.
    ///
    /// # Errors
    /// As [`Publisher::append`].
    pub(crate) async fn confirm_end(&mut self) -> Result<(), IngestError> {
        self.appender = None;
        self.reopen().await
    }

    /// The seq up to which everything is acknowledged.
    pub(crate) fn acked(&self) -> Seq {
        self.acked
    }

    /// The seq of the newest submitted event.
    pub(crate) fn given(&self) -> Seq {
        self.acked + self.unacked.len() as Seq
    }

    /// The number of submitted but unacknowledged events.
    pub(crate) fn unacked(&self) -> usize {
        self.unacked.len()
    }

    /// The bytes of those events.
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
                self.refused(&error);
                self.reopen().await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The log refused an append. A lost race may be won next time; any other reason is reported until the log has
    /// acknowledged something.
    fn refused(&self, error: &AppendError) {
        if self.is_stalled || !matches!(error, AppendError::Fenced { .. }) {
            self.status.set_log_not_writable(error);
        }
    }

    /// Finds out what the log contains, reopens it after that and resubmits the rest, until all of this succeeds. A
    /// response, or an accepted submission, is not enough: until something is acknowledged, retries pause and readiness
    /// is off.
    async fn reopen(&mut self) -> Result<(), IngestError> {
        loop {
            if self.is_stalled {
                let pause = self.backoff.next_pause();
                warn!(
                    ?pause,
                    acked = self.acked,
                    unacked = self.unacked.len(),
                    "the log accepts no events, retrying"
                );
                tokio::time::sleep(pause).await;
            }
            self.is_stalled = true;
            match self.try_reopen().await {
                Ok(()) => {
                    self.status.set_log_reachable();
                    if self.unacked.is_empty() {
                        self.is_stalled = false;
                        self.status.forget_not_writable();
                    }
                    return Ok(());
                }
                Err(Retry::Never(error)) => return Err(error),
                Err(Retry::Unread(reason)) => {
                    warn!(reason, "failed to read the log's end");
                    self.status.set_log_away(reason);
                }
                Err(Retry::Refused(error)) => {
                    warn!(%error, "append failed");
                    self.refused(&error);
                }
            }
        }
    }

    async fn try_reopen(&mut self) -> Result<(), Retry> {
        let found = self.log.identity().await?.to_string();
        if found != self.log_id {
            return Err(Retry::Never(self.replaced(found)));
        }
        let End { seq, last, .. } = end_of(&*self.log).await?;
        let (known, unacked) = ((self.acked, self.newest), &self.unacked);
        let (stored, end) = match reconcile(known, unacked, seq, last.as_ref()) {
            AppendOutcome::Stored { events, end } => (events, end),
            AppendOutcome::Shorter(end) => return Err(self.shorter(end)),
            AppendOutcome::Foreign(seq) => return Err(Retry::Never(IngestError::Fenced { seq })),
        };
        self.shorter_since = None;
        if !self.unacked.is_empty() {
            self.metrics.resynced();
            info!(
                stored,
                missing = self.unacked.len() - stored,
                "found the log's end again"
            );
        }
        self.forget_acked(self.acked + stored as Seq);
        self.acked = end;
        self.deadline.check().map_err(Retry::Never)?;
        let mut appender = self.log.appender(self.acked).await?;
        let outcome = appender.append(self.unacked.make_contiguous()).await;
        self.forget_acked(appender.acked());
        outcome?;
        self.appender = Some(appender);
        Ok(())
    }

    /// The log ends before what it acknowledged: waits for a better response, but not forever.
    fn shorter(&mut self, end: Seq) -> Retry {
        let acked = self.newest;
        if self.deadline.check().is_err() {
            return Retry::Never(IngestError::TermOver);
        }
        let since = *self.shorter_since.get_or_insert_with(Instant::now);
        if since.elapsed() < DEPOSED_SERVER_TIMEOUT {
            return Retry::Unread(format!(
                "it ends at seq {end}, although it acknowledged {acked}"
            ));
        }
        self.metrics.log_lost(acked - end);
        self.status.set_log_lost(acked, end);
        error!(
            acked,
            end, "the log lost acknowledged events, ending the term"
        );
        Retry::Never(IngestError::LogLost { acked, end })
    }

    fn replaced(&self, found: String) -> IngestError {
        self.metrics.log_replaced();
        let expected = self.log_id.clone();
        error!(expected, found, "the log was replaced, ending the term");
        IngestError::LogReplaced { expected, found }
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
            self.newest = acked;
            self.is_stalled = false;
            self.freshness.appended(stored);
            for event in self.unacked.drain(..count) {
                self.unacked_bytes -= event.body.len();
            }
            self.backoff.reset();
            self.status.set_log_stands_at(&self.log_id, acked);
        }
    }
}

/// Why a reopen is worth a retry.
enum Retry {
    /// The log's end is unknown.
    Unread(String),
    /// The log did not accept the submission.
    Refused(AppendError),
    Never(IngestError),
}

impl From<LogError> for Retry {
    fn from(error: LogError) -> Self {
        if can_be_waited_for(&error) {
            Self::Unread(error.to_string())
        } else {
            Self::Never(error.into())
        }
    }
}

impl From<AppendError> for Retry {
    fn from(error: AppendError) -> Self {
        if error.is_retryable() {
            Self::Refused(error)
        } else {
            Self::Never(error.into())
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
