//! What the log is asked about cursors. Crowds that come back at the same time ask much the same, so they share it.

use std::sync::Arc;

use fanjet_event::TimeUs;
use fanjet_log::{Bounds, EventLog, LogError, ReadLimit, Selection, Seq};
use tokio::sync::Semaphore;

use super::flights::{Answered, Flights, Sharing};
use crate::metrics::Metrics;
use crate::tail::Generation;

/// How many times are looked for in the log at once; a search is a dozen requests, one after the other.
const SEARCHES_AT_ONCE: usize = 4;

/// Asks the log: each question once at a time, and few at once. Who waits is bounded by who may connect. Questions about one log
/// are not those about another.
pub(crate) struct Questions {
    log: Arc<dyn EventLog>,
    metrics: Metrics,
    times: Flights<(Generation, TimeUs), Placed>,
    bounds: Flights<Generation, Bounds>,
}

/// The log's answer to a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    /// The first kept event that is not earlier; one above the last when there is none.
    pub(super) seq: Seq,
    /// What the log held just before.
    pub(super) bounds: Bounds,
    /// The oldest event with its time, when `seq` is not behind it.
    pub(super) oldest: Option<(Seq, TimeUs)>,
}

impl Placed {
    /// Whether there may have been no such event.
    pub(super) fn is_end(self) -> bool {
        self.seq > self.bounds.last
    }
}

impl Questions {
    pub(crate) fn new(log: Arc<dyn EventLog>, metrics: Metrics) -> Self {
        let turns = |at_once| Arc::new(Semaphore::new(at_once));
        Self {
            log,
            metrics,
            times: Flights::new(turns(SEARCHES_AT_ONCE), Sharing::UntilAnswered),
            bounds: Flights::new(turns(1), Sharing::UntilAsked),
        }
    }

    /// What the log holds, not older than the call.
    pub(super) async fn bounds(&self, generation: Generation) -> Answered<Bounds> {
        let asked = || {
            let (log, metrics) = (Arc::clone(&self.log), self.metrics.clone());
            async move {
                metrics.asked_for_cursor("bounds");
                log.bounds().await
            }
        };
        self.bounds.ask(generation, asked).await
    }

    /// The first event that is not earlier. When that is the log's end, it may have grown since the call.
    pub(super) async fn first_at(&self, generation: Generation, time: TimeUs) -> Answered<Placed> {
        let asked = || {
            let (log, metrics) = (Arc::clone(&self.log), self.metrics.clone());
            async move {
                metrics.asked_for_cursor("time");
                placed(&*log, time).await
            }
        };
        self.times.ask((generation, time), asked).await
    }
}

async fn placed(log: &dyn EventLog, time: TimeUs) -> Result<Placed, LogError> {
    const ONE: ReadLimit = ReadLimit {
        entries: 1,
        bytes: usize::MAX,
    };
    // Asked first: what has come since may be earlier than the time, so a place behind this end may be no event's.
    let bounds = log.bounds().await?;
    let seq = log.seq_at(time).await?;
    let mut oldest = None;
    if seq <= bounds.first && !bounds.is_empty() {
        let found = log.read(bounds.first, &Selection::All, ONE).await?;
        if let Some(first) = found.entries.first() {
            oldest = Some((first.seq, first.time()?));
        }
    }
    Ok(Placed {
        seq: seq.max(bounds.first),
        bounds,
        oldest,
    })
}
