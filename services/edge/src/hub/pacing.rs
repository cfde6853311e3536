//! When to flush: at once when idle, at most once per floor under load.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures::Stream;
use futures::stream::unfold;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Step;
use crate::tail::Head;

/// It is time for a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flush;

/// When steps are due.
#[derive(Debug)]
pub(crate) struct Pacing {
    head: watch::Receiver<Head>,
    /// What the hub's last step left behind.
    last_step: Rc<Cell<Step>>,
    floor: Duration,
    last_flush: Option<Instant>,
}

impl Pacing {
    pub(crate) fn new(
        head: watch::Receiver<Head>,
        last_step: Rc<Cell<Step>>,
        floor: Duration,
    ) -> Self {
        Self {
            head,
            last_step,
            floor,
            last_flush: None,
        }
    }

    /// Yields whenever a step is due; ends when the ring is gone.
    pub(crate) fn flushes(self) -> impl Stream<Item = Flush> {
        unfold(self, |mut pacing| async move {
            pacing.next().await?;
            Some((Flush, pacing))
        })
    }

    /// While there is more to route there is no pause, but the sockets get their turn in between.
    async fn next(&mut self) -> Option<()> {
        if self.last_step.get() == Step::More {
            tokio::task::yield_now().await;
            return Some(());
        }
        self.head.changed().await.ok()?;
        if let Some(due) = due(self.last_flush, self.floor, Instant::now()) {
            tokio::time::sleep_until(due).await;
            // What came meanwhile is part of this flush.
            self.head.mark_unchanged();
        }
        self.last_flush = Some(Instant::now());
        Some(())
    }
}

/// When the flush may be, if not now.
fn due(last_flush: Option<Instant>, floor: Duration, now: Instant) -> Option<Instant> {
    last_flush.map(|last| last + floor).filter(|&due| due > now)
}

#[cfg(test)]
mod tests;
