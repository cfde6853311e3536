//! The hub: the actor that drives the shards of one worker. Events come from the ring, never through its mailbox.
//!
//! At the end it sends its members away one after the other; those who are left get events until their turn comes.

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

use super::farewell::gone_after;
use super::pacing::{Left, Pacing, thread_cpu};
use super::{Flush, SharedShards, Step};
use crate::metrics::WorkerMetrics;
use crate::tail::Head;

/// Routes what is new in the ring, whenever a flush is due.
pub(crate) struct Hub {
    shards: SharedShards,
    left: Rc<Cell<Left>>,
    draining: Draining,
    metrics: WorkerMetrics,
}

/// When its members are sent away.
#[derive(Debug, Clone)]
pub(crate) struct Draining {
    pub(crate) begins: Stop,
    /// How long that may take.
    pub(crate) spread: Duration,
}

/// How often somebody is sent away.
const FAREWELLS: Duration = Duration::from_millis(10);

impl Hub {
    /// Starts a hub on this thread. It runs until it has drained, or until a defect ends it.
    pub(crate) fn start(
        shards: SharedShards,
        head: watch::Receiver<Head>,
        promptness: Promptness,
        draining: Draining,
        metrics: WorkerMetrics,
    ) -> Addr<Self> {
        let left = Rc::new(Cell::new(Left {
            step: Step::Done,
            calm: None,
            is_idle: true,
        }));
        let pacing = Pacing::new(
            head,
            Rc::clone(&left),
            promptness,
            thread_cpu,
            metrics.clone(),
        );
        Self::create(|ctx| {
            ctx.add_stream(pacing.flushes());
            Self {
                shards,
                left,
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
        let mut say_farewell = move || {
            let due = gone_after(began.elapsed(), members.len(), spread);
            for member in &members[gone..due] {
                member.outbox().close(CloseReason::Draining);
            }
            gone = due;
            gone == members.len()
        };
        if say_farewell() {
            return ctx.stop();
        }
        ctx.run_interval(FAREWELLS, move |_, ctx| {
            if say_farewell() {
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
        let calm = shards.next_calm(now);
        let is_idle = shards.is_idle();
        self.left.set(Left {
            step,
            calm,
            is_idle,
        });
    }
}

/// Nobody restarts an actor that unwinds, so its end must be noticed here: without a hub its members would wait
/// for ever. They are sent away, and the worker starts a fresh hub for the next one.
impl Drop for Hub {
    fn drop(&mut self) {
        let reason = if std::thread::panicking() {
            error!("a hub ended by a defect, closing its subscribers");
            self.metrics.hub_crashed();
            CloseReason::Internal
        } else {
            CloseReason::Draining
        };
        // Nothing holds the shards across a step, so nothing holds them now.
        if let Ok(mut shards) = self.shards.try_borrow_mut() {
            shards.close_all(&reason);
        }
    }
}

/// Sent by tests: the hub panics.
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

    #[allow(clippy::panic, reason = "the fault that is injected")]
    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("injected");
    }
}
