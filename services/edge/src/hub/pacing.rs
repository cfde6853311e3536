//! When to flush: at once while sending is cheap, at most once per floor when it is not ([`Promptness`]).
//!
//! What a flush costs is the CPU time of this thread from its beginning until all tasks that it has woken have run: then
//! everything that it has queued was written. It is CPU time, because waiting for a core says nothing about
//! what sending costs; and it is one look at a clock of the system at each end, a fraction of a microsecond, where a write takes
//! several. Tasks that run in between for other reasons, each once, count too: what shares the thread with a flush delays it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use fanjet_runtime::Promptness;
use futures::Stream;
use futures::stream::unfold;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Flush, Step};
use crate::metrics::WorkerMetrics;
use crate::tail::Head;

/// The longest pause. Behind it a flush carries so many events that a longer one would save next to nothing.
pub(crate) const CEILING: Duration = Duration::from_millis(60);

/// The CPU time that a thread has used.
pub(crate) type CpuClock = fn() -> Duration;

/// What the hub's last step left behind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    pub(crate) step: Step,
    /// When the next flush is due for those who wait longer, if anything waits for them.
    pub(crate) calm: Option<Instant>,
    /// Whether no subscriber wants events: then there is no hurry to skip them.
    pub(crate) is_idle: bool,
}

/// When steps are due.
#[derive(Debug)]
pub(crate) struct Pacing {
    head: watch::Receiver<Head>,
    left: Rc<Cell<Left>>,
    promptness: Promptness,
    cpu: CpuClock,
    metrics: WorkerMetrics,
    last_flush: Option<Instant>,
    /// Whether the ring has grown since.
    is_new: bool,
    /// The CPU time at which the flush under way began.
    under_way: Option<Duration>,
    /// Until when the promptness knows what was spent.
    noted: Instant,
}

impl Pacing {
    pub(crate) fn new(
        head: watch::Receiver<Head>,
        left: Rc<Cell<Left>>,
        promptness: Promptness,
        cpu: CpuClock,
        metrics: WorkerMetrics,
    ) -> Self {
        Self {
            head,
            left,
            promptness,
            cpu,
            metrics,
            last_flush: None,
            is_new: false,
            under_way: None,
            noted: Instant::now(),
        }
    }

    /// Yields whenever a step is due; ends when the ring is gone.
    pub(crate) fn flushes(self) -> impl Stream<Item = Flush> {
        unfold(self, |mut pacing| async move {
            let flush = pacing.next().await?;
            Some((flush, pacing))
        })
    }

    /// While there is more to route there is no pause, but the sockets get their turn in between.
    async fn next(&mut self) -> Option<Flush> {
        if let Some(began) = self.under_way {
            // Behind all tasks that the step has woken.
            tokio::task::yield_now().await;
            if self.left.get().step == Step::More {
                return Some(Flush::Calm);
            }
            self.note(began);
        }
        let flush = self.wait().await?;
        self.under_way = Some((self.cpu)());
        Some(flush)
    }

    /// Waits until a flush is due.
    async fn wait(&mut self) -> Option<Flush> {
        let calm = self.left.get().calm;
        if !self.is_new {
            tokio::select! {
                biased;
                changed = self.head.changed() => changed.ok()?,
                () = until(calm) => return Some(Flush::Calm),
            }
            self.is_new = true;
        }
        let floor = match self.left.get().is_idle {
            true => CEILING,
            false => self.promptness.floor(),
        };
        if let Some(due) = due(self.last_flush, floor, Instant::now()) {
            if calm.is_some_and(|calm| calm < due) {
                until(calm).await;
                return Some(Flush::Calm);
            }
            tokio::time::sleep_until(due).await;
            // What came meanwhile is part of this flush.
            self.head.mark_unchanged();
        }
        self.is_new = false;
        self.last_flush = Some(Instant::now());
        Some(Flush::All)
    }

    /// Takes note of what the flush that began then has cost.
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

/// When the flush may be, if not now.
fn due(last_flush: Option<Instant>, floor: Duration, now: Instant) -> Option<Instant> {
    last_flush.map(|last| last + floor).filter(|&due| due > now)
}

/// Waits until a time, or for ever.
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
