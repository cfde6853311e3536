//! The hub: the actor that drives the shards of one worker. Events come from the ring, never through its mailbox.
//!
//! When the node drains, it closes its members one by one; the others receive events until their turn.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, StreamHandler, WrapFuture,
};
use fanjet_runtime::{Promptness, Stop};
use fanjet_wire::close::CloseReason;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::error;

use super::drain_pace::closed_after;
use super::pacing::{AfterStep, Pacing, thread_cpu};
use super::{Flush, SharedShards, StepOutcome};
use crate::metrics::WorkerMetrics;
use crate::tail::Head;

/// Routes new events of the ring whenever a flush is due.
pub(crate) struct Hub {
    shards: SharedShards,
    after_step: Rc<Cell<AfterStep>>,
    draining: Draining,
    metrics: WorkerMetrics,
}

/// When and how fast members are closed.
#[derive(Debug, Clone)]
pub(crate) struct Draining {
    pub(crate) begins: Stop,
    /// How long closing all of them may take.
    pub(crate) spread: Duration,
}

/// How often members are closed.
const CLOSE_INTERVAL: Duration = Duration::from_millis(10);

impl Hub {
    /// Starts a hub on this thread. It runs until it has drained or panicked.
    pub(crate) fn start(
        shards: SharedShards,
        head: watch::Receiver<Head>,
        promptness: Promptness,
        draining: Draining,
        metrics: WorkerMetrics,
    ) -> Addr<Self> {
        let after_step = Rc::new(Cell::new(AfterStep {
            step: StepOutcome::Done,
            delayed: None,
            is_idle: true,
        }));
        let pacing = Pacing::new(
            head,
            Rc::clone(&after_step),
            promptness,
            thread_cpu,
            metrics.clone(),
        );
        Self::create(|ctx| {
            ctx.add_stream(pacing.flushes());
            Self {
                shards,
                after_step,
                draining,
                metrics,
            }
        })
    }
}

impl Actor for Hub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let begins = self.draining.begins.clone();
        let begun = async move { begins.cancelled().await };
        ctx.spawn(begun.into_actor(self).map(|(), hub, ctx| hub.drain(ctx)));
    }
}

impl Hub {
    fn drain(&mut self, ctx: &mut Context<Self>) {
        let members = self.shards.borrow().members();
        let (mut gone, began, spread) = (0, Instant::now(), self.draining.spread);
        let mut close_due = move || {
            let due = closed_after(began.elapsed(), members.len(), spread);
            for member in &members[gone..due] {
                member.outbox().close(CloseReason::Draining);
            }
            gone = due;
            gone == members.len()
        };
        if close_due() {
            return ctx.stop();
        }
        ctx.run_interval(CLOSE_INTERVAL, move |_, ctx| {
            if close_due() {
                ctx.stop();
            }
        });
    }
}

impl StreamHandler<Flush> for Hub {
    fn handle(&mut self, flush: Flush, _: &mut Self::Context) {
        let now = Instant::now();
        let mut shards = self.shards.borrow_mut();
        let step = shards.step(flush, now);
        let delayed = shards.next_delayed(now);
        let is_idle = shards.is_idle();
        self.after_step.set(AfterStep {
            step,
            delayed,
            is_idle,
        });
    }
}

/// A panicking actor is not restarted, so its end is handled here: without a hub its members would wait forever. They are
/// closed, and the worker starts a new hub for the next subscriber.
impl Drop for Hub {
    fn drop(&mut self) {
        let reason = if std::thread::panicking() {
            error!("a hub panicked, closing its subscribers");
            self.metrics.hub_crashed();
            CloseReason::Internal
        } else {
            CloseReason::Draining
        };
        // No caller holds the shards across a step, so they are free here.
        if let Ok(mut shards) = self.shards.try_borrow_mut() {
            shards.close_all(&reason);
        }
    }
}

/// Makes the hub panic; sent by tests.
#[cfg(feature = "fault-injection")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crash;

#[cfg(feature = "fault-injection")]
impl actix::Message for Crash {
    type Result = ();
}

#[cfg(feature = "fault-injection")]
impl actix::Handler<Crash> for Hub {
    type Result = ();

    #[allow(clippy::panic, reason = "an injected fault")]
    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("injected");
    }
}
