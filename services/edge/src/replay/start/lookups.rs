//! The queries about cursors that this node sends to the log. Clients that reconnect together need similar answers, so they
//! share them.

use std::sync::Arc;
use std::time::Duration;

use fanjet_event::TimeUs;
use fanjet_log::{Bounds, EventLog, LogError, ReadLimit, Selection, Seq};
use fanjet_runtime::Backoff;
use tokio::sync::Semaphore;

use super::single_flight::{Answered, Sharing, SingleFlight};
use crate::metrics::Metrics;
use crate::tail::Generation;

/// Concurrent searches by time; a search takes a dozen sequential requests.
const SEARCHES_AT_ONCE: usize = 4;
/// Pauses between attempts while the log is unavailable.
const RETRY_FLOOR: Duration = Duration::from_millis(100);
const RETRY_CEILING: Duration = Duration::from_secs(1);

/// Sends queries to the log: each one once at a time, and few concurrently. The number of waiting callers is bounded by the
/// number of connections. Queries about different logs are separate.
pub(crate) struct LogLookups {
    log: Arc<dyn EventLog>,
    metrics: Metrics,
    times: SingleFlight<(Generation, TimeUs), TimeLookup>,
    bounds: SingleFlight<Generation, Bounds>,
}

/// The log's answer for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeLookup {
    /// The first kept event that is not earlier; one above the last seq if none.
    pub(super) seq: Seq,
    /// The bounds of the log just before.
    pub(super) bounds: Bounds,
    /// The oldest event with its time, when `seq` is not after it.
    pub(super) oldest: Option<(Seq, TimeUs)>,
}

impl TimeLookup {
    /// Whether there may have been no such event.
    pub(super) fn is_end(self) -> bool {
        self.seq > self.bounds.last
    }
}

impl LogLookups {
    pub(crate) fn new(log: Arc<dyn EventLog>, metrics: Metrics) -> Self {
        let turns = |at_once| Arc::new(Semaphore::new(at_once));
        Self {
            log,
            metrics,
            times: SingleFlight::new(turns(SEARCHES_AT_ONCE), Sharing::UntilAnswered),
            bounds: SingleFlight::new(turns(1), Sharing::UntilAsked),
        }
    }

    /// The bounds of the log, not older than the call.
    pub(super) async fn bounds(&self, generation: Generation) -> Answered<Bounds> {
        let lookup = || {
            let (log, metrics) = (Arc::clone(&self.log), self.metrics.clone());
            async move {
                metrics.cursor_looked_up("bounds");
                patiently(|| log.bounds()).await
            }
        };
        self.bounds.ask(generation, lookup).await
    }

    /// The first event that is not earlier. If it is the log's end, the log may have grown since the call.
    pub(super) async fn first_at(
        &self,
        generation: Generation,
        time: TimeUs,
    ) -> Answered<TimeLookup> {
        let lookup = || {
            let (log, metrics) = (Arc::clone(&self.log), self.metrics.clone());
            async move {
                metrics.cursor_looked_up("time");
                patiently(|| look_up(&*log, time)).await
            }
        };
        self.times.ask((generation, time), lookup).await
    }
}

/// Asks again while the log is unavailable: a busy server that misses one deadline must not cost a client its start. The
/// callers' own deadline ends it.
async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> Result<T, LogError>
where
    F: Future<Output = Result<T, LogError>>,
{
    let mut backoff = Backoff::new(RETRY_FLOOR, RETRY_CEILING);
    loop {
        match ask().await {
            Err(failure) if failure.is_retryable() => {
                tokio::time::sleep(backoff.next_pause()).await;
            }
            outcome => return outcome,
        }
    }
}

async fn look_up(log: &dyn EventLog, time: TimeUs) -> Result<TimeLookup, LogError> {
    const ONE: ReadLimit = ReadLimit {
        entries: 1,
        bytes: usize::MAX,
    };
    // Asked first: later events may be earlier than the time, so a seq after this end may not belong to an event.
    let bounds = log.bounds().await?;
    let seq = log.seq_at(time).await?;
    let mut oldest = None;
    if seq <= bounds.first && !bounds.is_empty() {
        let found = log.read(bounds.first, &Selection::All, ONE).await?;
        if let Some(first) = found.entries.first() {
            oldest = Some((first.seq, first.time()?));
        }
    }
    Ok(TimeLookup {
        seq: seq.max(bounds.first),
        bounds,
        oldest,
    })
}
