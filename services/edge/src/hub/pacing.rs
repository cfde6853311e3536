//! When to flush: at once while sending is cheap, and at most once per floor otherwise ([`Promptness`]).
//!
//! The cost of a flush is the CPU time of this thread from its start until all tasks that it woke have run, so that everything
//! it queued was written. CPU time, because waiting for a core does not measure the cost of sending. It takes one clock read
//! at each end, a fraction of a microsecond, while a write takes several. Other tasks that run in between count too, because
//! they delay the flush.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use fanjet_runtime::Promptness;
use futures::Stream;
use futures::stream::unfold;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Flush, StepOutcome};
use crate::metrics::WorkerMetrics;
use crate::tail::Head;

/// The longest interval. Flushes this far apart carry so many events that a longer interval saves almost nothing.
pub(crate) const CEILING: Duration = Duration::from_millis(60);

/// Returns the CPU time that a thread has used.
pub(crate) type CpuClock = fn() -> Duration;

/// The state after the hub's last step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AfterStep {
    pub(crate) step: StepOutcome,
    /// When the next delayed flush is due, if events wait for one.
    pub(crate) delayed: Option<Instant>,
    /// Whether no subscriber wants events: then skipping them is not urgent.
    pub(crate) is_idle: bool,
}

/// Decides when steps are due.
#[derive(Debug)]
pub(crate) struct Pacing {
    head: watch::Receiver<Head>,
    after_step: Rc<Cell<AfterStep>>,
    promptness: Promptness,
    cpu: CpuClock,
    metrics: WorkerMetrics,
    last_flush: Option<Instant>,
    /// Whether the ring has grown since the last flush.
    is_new: bool,
    /// The CPU time at which the current flush began.
    under_way: Option<Duration>,
    /// When CPU time was last reported to the promptness.
    noted: Instant,
}

impl Pacing {
    pub(crate) fn new(
        head: watch::Receiver<Head>,
        after_step: Rc<Cell<AfterStep>>,
        promptness: Promptness,
        cpu: CpuClock,
        metrics: WorkerMetrics,
    ) -> Self {
        Self {
            head,
            after_step,
            promptness,
            cpu,
            metrics,
            last_flush: None,
            is_new: false,
            under_way: None,
            noted: Instant::now(),
        }
    }

    /// Yields whenever a step is due; ends with the ring.
    pub(crate) fn flushes(self) -> impl Stream<Item = Flush> {
        unfold(self, |mut pacing| async move {
            let flush = pacing.next().await?;
            Some((flush, pacing))
        })
    }

    /// While events remain there is no pause, but the sockets get their turn in between.
    async fn next(&mut self) -> Option<Flush> {
        if let Some(began) = self.under_way {
            // Runs after all tasks that the step has woken.
            tokio::task::yield_now().await;
            if self.after_step.get().step == StepOutcome::More {
                return Some(Flush::Delayed);
            }
            self.note(began);
        }
        let flush = self.wait().await?;
        self.under_way = Some((self.cpu)());
        Some(flush)
    }

    /// Waits until a flush is due.
    async fn wait(&mut self) -> Option<Flush> {
        let delayed = self.after_step.get().delayed;
        if !self.is_new {
            tokio::select! {
                biased;
                changed = self.head.changed() => changed.ok()?,
                () = until(delayed) => return Some(Flush::Delayed),
            }
            self.is_new = true;
        }
        let floor = match self.after_step.get().is_idle {
            true => CEILING,
            false => self.promptness.floor(),
        };
        if let Some(due) = due(self.last_flush, floor, Instant::now()) {
            if delayed.is_some_and(|delayed| delayed < due) {
                until(delayed).await;
                return Some(Flush::Delayed);
            }
            tokio::time::sleep_until(due).await;
            // Events that arrived meanwhile are part of this flush.
            self.head.mark_unchanged();
        }
        self.is_new = false;
        self.last_flush = Some(Instant::now());
        Some(Flush::All)
    }

    /// Records the cost of the flush that began then.
    fn note(&mut self, began: Duration) {
        let now = Instant::now();
        let spent = (self.cpu)().saturating_sub(began);
        self.promptness
            .note(spent, now.saturating_duration_since(self.noted));
        self.noted = now;
        self.under_way = None;
        self.metrics
            .paced(self.promptness.floor(), self.promptness.share());
    }
}

/// When the next flush is allowed, if not now.
fn due(last_flush: Option<Instant>, floor: Duration, now: Instant) -> Option<Instant> {
    last_flush.map(|last| last + floor).filter(|&due| due > now)
}

/// Waits until a time, or forever.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// The CPU time that this thread has used.
pub(crate) fn thread_cpu() -> Duration {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(used.tv_sec), u32::try_from(used.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

#[cfg(test)]
mod tests;
