//! The only task that follows the log.
//!
//! Invariant: the ring's content is contiguous and strictly increasing in time. A gap is read again from the log before newer
//! events are shown; only events that the log itself no longer has are given up, with an error in the logs.

use std::cmp::Ordering;
use std::pin::pin;
use std::sync::Arc;

use fanjet_event::TimeUs;
use fanjet_log::{Bounds, EventLog, LogError, LogIdentity, Seq};
use fanjet_runtime::{Backoff, Clock, Stop};
use futures::StreamExt;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::check::{Checked, StreamState, check_later, is_empty_range, own_bounds, with_timeout};
use super::traffic::lag_seconds;
use super::{Entry, Tail, Traces};
use crate::EdgeError;
use crate::config::TailConfig;
use crate::damage::DamageReports;
use crate::metrics::{DamageSource, Metrics};

/// Follows the log and fills the ring.
pub(crate) struct Feeder {
    log: Arc<dyn EventLog>,
    tail: Tail,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    config: TailConfig,
    traces: Traces,
    damage_reports: DamageReports,
    /// The followed log, once known.
    identity: Option<LogIdentity>,
    last_time: Option<TimeUs>,
    /// Everything selected before it was read. With a rare selection it is far ahead of the ring's end.
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
            damage_reports: DamageReports::new(metrics.clone()),
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

    /// Records the arrival of traced events in `traces`.
    pub(crate) fn traced_by(mut self, traces: Traces) -> Self {
        self.traces = traces;
        self
    }

    /// Shares the damage reports with the other readers.
    pub(crate) fn reporting(mut self, damage_reports: DamageReports) -> Self {
        self.damage_reports = damage_reports;
        self
    }

    /// Runs until stopped. Waits for an unavailable log; a damaged seq closes the clients that are live when it arrives.
    ///
    /// # Errors
    /// [`EdgeError::Log`] when the log is misconfigured.
    pub(crate) async fn run(mut self, stop: Stop) -> Result<(), EdgeError> {
        loop {
            let failure = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Err(failure) = self.follow() => failure,
            };
            self.tail.status.disconnected();
            if let LogError::Replaced { .. } = failure {
                error!(error = %failure, "the log was replaced, dropping everything read from the old one");
                self.forget_log();
            } else if self.skips_warming(&failure) {
                continue;
            } else if !self.passes_damage(&failure) && !failure.is_retryable() {
                error!(error = %failure, "failed to follow the log, stopping");
                return Err(EdgeError::Log(failure));
            }
            self.metrics.feeder_restarted(label(&failure));
            let pause = self.backoff.next_pause();
            warn!(error = %failure, pause_ms = pause.as_millis(), "failed to follow the log, retrying");
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Follows from the current position until an error.
    async fn follow(&mut self) -> Result<std::convert::Infallible, LogError> {
        let timeout = self.config.check_interval;
        let identity = with_timeout(timeout, self.identity()).await?;
        let bounds = with_timeout(timeout, own_bounds(&*self.log, identity)).await?;
        let from = self.position(bounds)?;
        let selection = self.tail.pool.selection();
        let mut follow = with_timeout(timeout, self.log.follow(from, &selection)).await?;
        self.tail.status.following();
        self.tail.window.begins_at(bounds.first);
        self.confirm(bounds, from);
        info!(from, log_last = bounds.last, "following the log");

        let mut next = from;
        let mut next_at_last_check = None;
        let (log, window) = (Arc::clone(&self.log), Arc::clone(&self.tail.window));
        let check_from = |from: Seq| {
            let (log, window) = (Arc::clone(&log), Arc::clone(&window));
            check_later(log, identity, window, selection.clone(), from, timeout)
        };
        let mut check = pin!(check_from(next));
        loop {
            tokio::select! {
                batch = follow.next() => {
                    let batch = batch.ok_or_else(|| LogError::unavailable("the stream ended"))??;
                    let before = next;
                    next = self.take_in(&batch, next).await?;
                    // However old its events are: everything that existed at the start was read.
                    if before <= bounds.last {
                        self.confirm(bounds, next);
                    }
                }
                checked = &mut check => {
                    match checked {
                        Ok(found) => {
                            self.noted(&found);
                            match found.stream_state(next, next_at_last_check) {
                                StreamState::Fresh => self.tail.status.confirmed_fresh(Instant::now()),
                                StreamState::Moving => {}
                                StreamState::Hanging => {
                                    return Err(LogError::unavailable(format!(
                                        "the stream hangs: no event since seq {}, the log has seq {}",
                                        next - 1,
                                        found.newest
                                    )));
                                }
                            }
                            next_at_last_check = Some(next);
                            self.clear_to = found.clear_to;
                        }
                        Err(failure @ LogError::Replaced { .. }) => return Err(failure),
                        // Events may still arrive; an unknown end shows in the readiness.
                        Err(failure) => warn!(error = %failure, "failed to read the end of the log"),
                    }
                    check.set(check_from(next.max(self.clear_to)));
                }
            }
        }
    }

    /// The followed log; at first the current one.
    async fn identity(&mut self) -> Result<LogIdentity, LogError> {
        if let Some(identity) = self.identity {
            return Ok(identity);
        }
        let identity = self.log.adopt().await?;
        self.identity = Some(identity);
        *self.tail.identity.lock() = Some(identity);
        Ok(identity)
    }

    /// Skips damage among events that are read ahead at startup: clients that need them request pages. Ending the node here
    /// would end it at every start.
    fn skips_warming(&mut self, failure: &LogError) -> bool {
        let head = self.tail.ring.head();
        if head.end.is_none_or(|end| end >= head.live) {
            return false;
        }
        let is_damage = self
            .damage_reports
            .report(DamageSource::Warming, failure)
            .is_some();
        if is_damage {
            self.tail.ring.restart(head.live, head.live);
        }
        is_damage
    }

    /// Skips a damaged seq that arrives live: live clients find it in the log and are closed, and new clients start after it.
    /// Ending the node here would end it again at its next start.
    fn passes_damage(&mut self, failure: &LogError) -> bool {
        let Some(damage) = self.damage_reports.report(DamageSource::Live, failure) else {
            return false;
        };
        let behind = damage.seq + 1;
        let live = self.tail.ring.head().live;
        self.tail.ring.restart(behind, live.max(behind));
        self.last_time = None;
        true
    }

    /// Drops the state of a replaced log. The ring notifies its readers.
    fn forget_log(&mut self) {
        self.tail.forget_log();
        self.identity = None;
        self.last_time = None;
        self.clear_to = 0;
    }

    /// Where to continue, given the bounds of the log.
    fn position(&mut self, bounds: Bounds) -> Result<Seq, LogError> {
        let head = self.tail.ring.head();
        let end = head.end.map(|end| end.max(self.clear_to));
        match next_position(end, bounds, self.config.warm_entries) {
            FeedPosition::Start { from } => {
                self.tail.ring.restart(from, bounds.last + 1);
                Ok(from)
            }
            FeedPosition::Continue { from } => Ok(from),
            FeedPosition::Lost { from, lost } => {
                error!(lost, from, "the log deleted events before they were read");
                self.metrics.tail_lost(lost);
                self.tail.ring.restart(from, head.live.max(from));
                Ok(from)
            }
            FeedPosition::BeyondEnd => Err(LogError::unavailable(format!(
                "the log ends at seq {}, before events that were already read",
                bounds.last
            ))),
        }
    }

    /// As [`Feeder::accept`], and skips seqs without an event.
    async fn take_in(
        &mut self,
        mut batch: &[fanjet_log::Entry],
        mut next: Seq,
    ) -> Result<Seq, LogError> {
        let timeout = self.config.check_interval;
        loop {
            match self.accept(batch, next) {
                Err(LogError::Gap { expected, found })
                    if expected < found
                        && is_empty_range(&*self.log, expected..found, timeout).await? =>
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
                // The log's reader guarantees that no selected event is missing.
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
            // Events from before startup did not arrive late.
            if newest.seq >= counted_from {
                self.tail.traffic.arrived(newest, arrived_us)?;
            }
            let held = &batch[..entries.len()];
            self.tail.ring.extend(entries);
            let arrived_live = held.iter().filter(|entry| entry.seq >= counted_from);
            self.traces
                .arrived(arrived_live, arrived_us, || self.clock.now_us());
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

/// Where to continue.
#[derive(Debug, PartialEq, Eq)]
enum FeedPosition {
    /// At startup.
    Start { from: Seq },
    /// Nothing is missing.
    Continue { from: Seq },
    /// The log no longer has the next event.
    Lost { from: Seq, lost: u64 },
    /// The log ends before events that were already read: it was reset, or a lagging replica answered.
    BeyondEnd,
}

fn next_position(end: Option<Seq>, bounds: Bounds, warm_entries: u64) -> FeedPosition {
    match end {
        None => FeedPosition::Start {
            from: (bounds.last + 1)
                .saturating_sub(warm_entries)
                .max(bounds.first),
        },
        Some(end) if end > bounds.last + 1 => FeedPosition::BeyondEnd,
        Some(end) if end < bounds.first => FeedPosition::Lost {
            from: bounds.first,
            lost: bounds.first - end,
        },
        Some(end) => FeedPosition::Continue { from: end },
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
