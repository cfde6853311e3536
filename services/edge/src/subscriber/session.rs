//! The actor of one connection: control traffic only. Events never pass through it.

use std::rc::Rc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, AsyncContext, Context, StreamHandler, WrapFuture, fut::ActorFutureExt,
};
use actix_http::error::PayloadError;
use bytes::Bytes;
use fanjet_wire::close::CloseReason;
use futures::Stream;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Inbound;
use super::inbound::{Broken, Received};
use super::liveness::Liveness;
use crate::config::SubscriberConfig;
use crate::hub::Member;

/// Reads what a client sends, pings it, and notices when it is gone.
pub(crate) struct Session {
    member: Rc<Member>,
    liveness: Liveness,
    ping_interval: Duration,
    pong_timeout: Duration,
}

impl Session {
    /// Starts the actor on this thread. It ends when the client or the writer does.
    pub(crate) fn start<P>(
        member: Rc<Member>,
        payload: P,
        on_end: oneshot::Receiver<()>,
        config: &SubscriberConfig,
    ) where
        P: Stream<Item = Result<Bytes, PayloadError>> + Unpin + 'static,
    {
        let inbound = Inbound::new(payload, config.max_client_message_bytes);
        let session = Self {
            member,
            liveness: Liveness::new(Instant::now()),
            ping_interval: config.ping_interval,
            pong_timeout: config.pong_timeout,
        };
        Self::create(|ctx| {
            ctx.add_stream(inbound);
            ctx.spawn(on_end.into_actor(&session).map(|_, _, ctx| ctx.stop()));
            session
        });
    }

    /// Text messages will carry options updates; any other message is ignored, as v1 ignores it.
    fn receive(&mut self, received: Received) {
        match received {
            Received::Text(_) | Received::Binary | Received::Pong => {}
            Received::Ping(payload) => self.member.outbox().pong(&payload),
            Received::Close(code) => {
                let reason = CloseReason::ClientClosed(code);
                self.member.outbox().close_now(reason);
            }
        }
    }

    fn ping(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        self.member.outbox().ping();
        self.liveness.pinged(now);
        ctx.run_later(self.pong_timeout, |session, _| session.check_life());
    }

    fn check_life(&mut self) {
        let taken = self.member.outbox().taken();
        if self
            .liveness
            .is_dead(Instant::now(), taken, self.pong_timeout)
        {
            self.member.outbox().close_now(CloseReason::PongTimeout);
        }
    }
}

impl Actor for Session {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(self.ping_interval, Self::ping);
    }
}

impl StreamHandler<Result<Received, Broken>> for Session {
    fn handle(&mut self, received: Result<Received, Broken>, ctx: &mut Self::Context) {
        self.liveness.received(Instant::now());
        let outbox = self.member.outbox();
        match received {
            Ok(received) => return self.receive(received),
            Err(Broken::TooBig) => outbox.close(CloseReason::MessageTooBig),
            Err(Broken::Protocol) => outbox.close(CloseReason::ProtocolError),
            Err(Broken::Gone) => outbox.close_now(CloseReason::ClientGone),
        }
        ctx.stop();
    }
}

/// However it ends, its connection does not stay without a reader: a defect that unwinds ends here too.
impl Drop for Session {
    fn drop(&mut self) {
        self.member.outbox().close(CloseReason::Internal);
    }
}
