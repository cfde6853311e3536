//! The only task that follows the log.
//!
//! Invariant: what it puts into the ring is contiguous and strictly increasing in time. A hole is read again from
//! the log before anything newer is shown; only events that the log itself no longer has are given up, loudly.

use std::cmp::Ordering;
use std::pin::pin;
use std::sync::Arc;

use fanjet_event::TimeUs;
use fanjet_log::{Bounds, EventLog, LogError, LogIdentity, Seq};
use fanjet_runtime::{Backoff, Clock, Stop};
use futures::StreamExt;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::check::{Checked, Verdict, check_later, in_time, is_void, own_bounds};
use super::traffic::lag_seconds;
use super::{Entry, Tail, Traces};
use crate::EdgeError;
use crate::config::TailConfig;
use crate::damage::Damages;
use crate::metrics::{MetBy, Metrics};

/// Follows the log and fills the ring.
pub(crate) struct Feeder {
    log: Arc<dyn EventLog>,
    tail: Tail,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    config: TailConfig,
    traces: Traces,
    damages: Damages,
    /// The log that is followed, once one is.
    identity: Option<LogIdentity>,
    last_time: Option<TimeUs>,
    /// Everything selected before it was read. Where next to nothing is selected it is far behind the ring's end.
    clear_to: Seq,
    backoff: Backoff,
}

impl Feeder {
    pub(crate) fn new(
        log: Arc<dyn EventLog>,
        tail: Tail,
        metrics: Metrics,
        clock: Arc<dyn Clock>,
        config: TailConfig,
    ) -> Self {
        Self {
            backoff: Backoff::new(config.retry_floor, config.retry_ceiling),
            damages: Damages::new(metrics.clone()),
            log,
            tail,
            metrics,
            clock,
            config,
            traces: Traces::default(),
            identity: None,
            last_time: None,
            clear_to: 0,
        }
    }

    /// Shows in `traces` when events came.
    pub(crate) fn traced_by(mut self, traces: Traces) -> Self {
        self.traces = traces;
        self
    }

    /// Tells of damage together with the others who meet it.
    pub(crate) fn reporting(mut self, damages: Damages) -> Self {
        self.damages = damages;
        self
    }

    /// Runs until stopped. A log that is away is waited for; a place where it is damaged costs those who are live when it
    /// comes.
    ///
    /// # Errors
    /// [`EdgeError::Log`] when the log is set up wrongly.
    pub(crate) async fn run(mut self, stop: Stop) -> Result<(), EdgeError> {
        loop {
            let failure = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Err(failure) = self.follow() => failure,
            };
            self.tail.status.disconnected();
            if let LogError::Replaced { .. } = failure {
                error!(error = %failure, "forgetting what was read of a log that is gone");
                self.begin_anew();
            } else if self.skips_warming(&failure) {
                continue;
            } else if !self.passes_damage(&failure) && !failure.is_retryable() {
                error!(error = %failure, "the log cannot be followed, stopping");
                return Err(EdgeError::Log(failure));
            }
            self.metrics.feeder_restarted(label(&failure));
            let pause = self.backoff.next_pause();
            warn!(error = %failure, pause_ms = pause.as_millis(), "following the log again");
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Follows from where everything was read, until something fails.
    async fn follow(&mut self) -> Result<std::convert::Infallible, LogError> {
        let patience = self.config.check_interval;
        let identity = in_time(patience, self.identity()).await?;
        let bounds = in_time(patience, own_bounds(&*self.log, identity)).await?;
        let from = self.position(bounds)?;
        let selection = self.tail.pool.selection();
        let mut follow = in_time(patience, self.log.follow(from, &selection)).await?;
        self.tail.status.following();
        self.tail.window.begins_at(bounds.first);
        self.confirm(bounds, from);
        info!(from, log_last = bounds.last, "following the log");

        let mut next = from;
        let mut next_at_last_check = None;
        let (log, window) = (Arc::clone(&self.log), Arc::clone(&self.tail.window));
        let check_from = |from: Seq| {
            let (log, window) = (Arc::clone(&log), Arc::clone(&window));
            check_later(log, identity, window, selection.clone(), from, patience)
        };
        let mut check = pin!(check_from(next));
        loop {
            tokio::select! {
                batch = follow.next() => {
                    let batch = batch.ok_or_else(|| LogError::unavailable("the stream ended"))??;
                    let before = next;
                    next = self.take_in(&batch, next).await?;
                    // However old its events are: everything that was there at the start is there now.
                    if before <= bounds.last {
                        self.confirm(bounds, next);
                    }
                }
                checked = &mut check => {
                    match checked {
                        Ok(found) => {
                            self.noted(&found);
                            match found.verdict(next, next_at_last_check) {
                                Verdict::Fresh => self.tail.status.confirmed_fresh(Instant::now()),
                                Verdict::Moving => {}
                                Verdict::Hanging => {
                                    return Err(LogError::unavailable(format!(
                                        "the stream hangs: nothing since seq {}, the log has {}",
                                        next - 1,
                                        found.newest
                                    )));
                                }
                            }
                            next_at_last_check = Some(next);
                            self.clear_to = found.clear_to;
                        }
                        Err(failure @ LogError::Replaced { .. }) => return Err(failure),
                        // The events may flow all the same; an end that stays unknown shows in the readiness.
                        Err(failure) => warn!(error = %failure, "cannot ask the log for its end"),
                    }
                    check.set(check_from(next.max(self.clear_to)));
                }
            }
        }
    }

    /// The log that is followed; at first it is the one that is there.
    async fn identity(&mut self) -> Result<LogIdentity, LogError> {
        if let Some(identity) = self.identity {
            return Ok(identity);
        }
        let identity = self.log.adopt().await?;
        self.identity = Some(identity);
        Ok(identity)
    }

    /// Damage among the events that are read ahead at the start costs nobody anything: whoever needs them asks for pages.
    /// A node that ended here would end at every start.
    fn skips_warming(&mut self, failure: &LogError) -> bool {
        let head = self.tail.ring.head();
        if head.end.is_none_or(|end| end >= head.live) {
            return false;
        }
        let is_damage = self.damages.met(MetBy::Warming, failure).is_some();
        if is_damage {
            self.tail.ring.restart(head.live, head.live);
        }
        is_damage
    }

    /// Everybody live waits for the event of a damaged place: they find it in the log, and end there. Whoever comes later begins
    /// behind it. A node that ended here would do the same at its next start.
    fn passes_damage(&mut self, failure: &LogError) -> bool {
        let Some(damage) = self.damages.met(MetBy::Live, failure) else {
            return false;
        };
        let behind = damage.seq + 1;
        let live = self.tail.ring.head().live;
        self.tail.ring.restart(behind, live.max(behind));
        self.last_time = None;
        true
    }

    /// Nothing of a log is used in another one. Its readers are told by the ring.
    fn begin_anew(&mut self) {
        self.tail.begin_anew();
        self.identity = None;
        self.last_time = None;
        self.clear_to = 0;
    }

    /// Where to read on, given what the log holds.
    fn position(&mut self, bounds: Bounds) -> Result<Seq, LogError> {
        let head = self.tail.ring.head();
        let end = head.end.map(|end| end.max(self.clear_to));
        match next_position(end, bounds, self.config.warm_entries) {
            Position::Start { from } => {
                self.tail.ring.restart(from, bounds.last + 1);
                Ok(from)
            }
            Position::Continue { from } => Ok(from),
            Position::Lost { from, lost } => {
                error!(
                    lost,
                    from, "the log dropped events before they were read here"
                );
                self.metrics.tail_lost(lost);
                self.tail.ring.restart(from, head.live.max(from));
                Ok(from)
            }
            Position::BeyondEnd => Err(LogError::unavailable(format!(
                "the log ends at seq {}, before what was already read from it",
                bounds.last
            ))),
        }
    }

    /// As [`Feeder::accept`], also beyond places that hold no event.
    async fn take_in(
        &mut self,
        mut batch: &[fanjet_log::Entry],
        mut next: Seq,
    ) -> Result<Seq, LogError> {
        let patience = self.config.check_interval;
        loop {
            match self.accept(batch, next) {
                Err(LogError::Gap { expected, found })
                    if expected < found
                        && is_void(&*self.log, expected..found, patience).await? =>
                {
                    batch = &batch[batch.partition_point(|entry| entry.seq < found)..];
                    next = found;
                }
                outcome => return outcome,
            }
        }
    }

    /// Checks a batch and appends it to the ring; returns the next expected seq.
    fn accept(&mut self, batch: &[fanjet_log::Entry], mut next: Seq) -> Result<Seq, LogError> {
        let Some(newest) = batch.last() else {
            return Ok(next);
        };
        let newest_time = newest.time()?;
        let arrived_us = self.clock.now_us();
        let counted_from = self.tail.ring.head().live;
        let mut entries = Vec::with_capacity(batch.len());
        let is_narrowed = self.tail.pool.is_narrowed();
        let mut collections = self.tail.collections.lock();
        for found in batch {
            let is_next = match found.seq.cmp(&next) {
                Ordering::Less => false,
                Ordering::Equal => true,
                // The log's reader sees to it that nothing selected is missing.
                Ordering::Greater => is_narrowed,
            };
            if !is_next {
                break;
            }
            let entry = Entry::new(found, &mut collections)?;
            if self.last_time.is_some_and(|last| entry.time() <= last) {
                return Err(LogError::corrupt(found.seq, "time_us does not increase"));
            }
            self.last_time = Some(entry.time());
            self.tail.index.note(entry.seq(), entry.time());
            next = found.seq + 1;
            entries.push(Arc::new(entry));
        }
        drop(collections);
        let offending = batch.get(entries.len()).map(|entry| entry.seq);
        if !entries.is_empty() {
            self.backoff.reset();
            let new = entries.iter().filter(|entry| entry.seq() >= counted_from);
            self.tail.traffic.count(new.map(|entry| &**entry));
            // What was there before the node did not arrive late.
            if newest.seq >= counted_from {
                self.tail.traffic.arrived(newest, arrived_us)?;
            }
            let held = &batch[..entries.len()];
            self.tail.ring.extend(entries);
            let came_live = held.iter().filter(|entry| entry.seq >= counted_from);
            self.traces
                .came(came_live, arrived_us, || self.clock.now_us());
            self.moved(newest_time, next - 1);
        }
        match offending {
            None => Ok(next),
            Some(found) => Err(LogError::Gap {
                expected: next,
                found,
            }),
        }
    }

    fn moved(&self, newest: TimeUs, seq: Seq) {
        let lag = lag_seconds(self.clock.now_us(), newest);
        if lag <= self.config.fresh_within.as_secs_f64() {
            self.tail.status.confirmed_fresh(Instant::now());
        }
        self.metrics.tail_moved(seq, lag, self.tail.ring.bytes());
    }

    fn noted(&self, found: &Checked) {
        let window = &self.tail.window;
        window.begins_at(found.first);
        if let Some((seq, time)) = found.oldest {
            window.begins_with(seq, time);
        }
    }

    fn confirm(&self, bounds: Bounds, next: Seq) {
        if bounds.last < next {
            self.tail.status.confirmed_fresh(Instant::now());
        }
    }
}

/// Where to read on.
#[derive(Debug, PartialEq, Eq)]
enum Position {
    /// The first time.
    Start { from: Seq },
    /// Everything needed is there.
    Continue { from: Seq },
    /// The log no longer has what would come next.
    Lost { from: Seq, lost: u64 },
    /// The log ends before what was already read: it was set back, or this is a lagging copy's answer.
    BeyondEnd,
}

fn next_position(end: Option<Seq>, bounds: Bounds, warm_entries: u64) -> Position {
    match end {
        None => Position::Start {
            from: (bounds.last + 1)
                .saturating_sub(warm_entries)
                .max(bounds.first),
        },
        Some(end) if end > bounds.last + 1 => Position::BeyondEnd,
        Some(end) if end < bounds.first => Position::Lost {
            from: bounds.first,
            lost: bounds.first - end,
        },
        Some(end) => Position::Continue { from: end },
    }
}

fn label(failure: &LogError) -> &'static str {
    match failure {
        LogError::Unavailable(_) => "unavailable",
        LogError::Gap { .. } => "gap",
        LogError::Misconfigured(_) => "misconfigured",
        LogError::Replaced { .. } => "replaced",
        LogError::Corrupt { .. } => "corrupt",
    }
}

#[cfg(test)]
mod tests;
