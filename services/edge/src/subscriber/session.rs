//! The actor of one connection: control traffic only. Events never pass through it.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, AsyncContext, Context, StreamHandler, WrapFuture, fut::ActorFutureExt,
};
use actix_http::error::PayloadError;
use actix_web::web;
use bytes::Bytes;
use fanjet_filter::{ClientMessage, Encoding, MessageError};
use fanjet_wire::close::CloseReason;
use fanjet_wire::heartbeat;
use fanjet_wire::websocket::{binary_frame, text_frame};
use fanjet_wire::zstd::stored_message;
use futures::Stream;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::inbound::{Broken, Received};
use super::liveness::{Liveness, Socket};
use super::silence::Silence;
use super::{Heartbeat, Inbound};
use crate::edge::Node;
use crate::http::outside_pool;
use crate::hub::{Member, SharedShard};
use crate::tail::Pool;

/// Longer messages are read on another thread: this one has other subscribers to serve meanwhile.
const MAX_BYTES_READ_HERE: usize = 16 << 10;

/// Reads what a client sends, pings it, and notices when it is gone. One that must say first what it wants is left
/// alone until then, but not for ever.
pub(crate) struct Session {
    shard: SharedShard,
    member: Rc<Member>,
    pool: Arc<Pool>,
    liveness: Liveness,
    /// How long a silence the client wants, if it wants to know.
    heartbeat: Option<Duration>,
    ping_interval: Duration,
    pong_timeout: Duration,
    hello_timeout: Duration,
    /// How old the connection may become, if there is a limit.
    age: Option<Duration>,
}

impl Session {
    /// Starts the actor on this thread. It ends when the client or the writer does.
    pub(crate) fn start<P>(
        shard: SharedShard,
        member: Rc<Member>,
        payload: P,
        on_end: oneshot::Receiver<()>,
        heartbeat: Option<Duration>,
        node: &Node,
    ) where
        P: Stream<Item = Result<Bytes, PayloadError>> + Unpin + 'static,
    {
        let config = &node.config.subscriber;
        let inbound = Inbound::new(payload, config.max_client_message_bytes);
        let session = Self {
            shard,
            member,
            pool: Arc::clone(&node.tail.pool),
            liveness: Liveness::new(Instant::now()),
            heartbeat,
            ping_interval: config.ping_interval,
            pong_timeout: config.pong_timeout,
            hello_timeout: config.hello_timeout,
            age: node.ages.draw(),
        };
        Self::create(|ctx| {
            ctx.add_stream(inbound);
            ctx.spawn(on_end.into_actor(&session).map(|_, _, ctx| ctx.stop()));
            session
        });
    }

    /// Binary messages are ignored, as v1 ignores them.
    fn receive(&mut self, received: Received, ctx: &mut Context<Self>) {
        match received {
            Received::Text(text) => self.read(text, ctx),
            Received::Binary | Received::Pong => {}
            // What comes behind a close frame is not answered any more: RFC 6455, section 1.4.
            Received::Ping(_) if self.member.outbox().is_closing() => {}
            Received::Ping(payload) => self.member.outbox().pong(&payload),
            Received::Close(code) => {
                let reason = CloseReason::ClientClosed(code);
                self.member.outbox().close_now(reason);
            }
        }
    }

    /// While a long message is read nothing else of this client is, so its messages take effect in their order.
    fn read(&mut self, text: Bytes, ctx: &mut Context<Self>) {
        if text.len() <= MAX_BYTES_READ_HERE {
            return self.obey(ClientMessage::parse(&text), ctx);
        }
        let reading = web::block(move || ClientMessage::parse(&text));
        ctx.wait(
            reading
                .into_actor(self)
                .map(|read, session, ctx| match read {
                    Ok(message) => session.obey(message, ctx),
                    Err(_) => session.refuse(CloseReason::Internal, ctx),
                }),
        );
    }

    fn obey(&mut self, message: Result<ClientMessage, MessageError>, ctx: &mut Context<Self>) {
        if self.member.outbox().is_closing() {
            return;
        }
        match message {
            Ok(ClientMessage::OptionsUpdate(filter)) if !self.pool.serves(&filter) => {
                let why = outside_pool(&self.pool.to_string());
                self.refuse(CloseReason::InvalidOptions(why.into()), ctx);
            }
            Ok(ClientMessage::OptionsUpdate(filter)) => {
                let is_hello = self.member.is_waiting();
                self.shard.borrow_mut().set_filter(&self.member, filter);
                if is_hello {
                    self.begin(ctx);
                }
            }
            // As v1 does.
            Ok(ClientMessage::Unknown) => {}
            Err(MessageError::Options(refused)) => {
                self.refuse(CloseReason::InvalidOptions(refused.answer().into()), ctx);
            }
            Err(unreadable) => {
                self.refuse(CloseReason::BadMessage(unreadable.to_string().into()), ctx);
            }
        }
    }

    fn refuse(&mut self, reason: CloseReason, ctx: &mut Context<Self>) {
        self.member.outbox().close(reason);
        ctx.stop();
    }

    /// The client gets events from now on.
    fn begin(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(self.ping_interval, Self::ping);
        if let Some(longest) = self.heartbeat {
            let mut silence = Silence::new(longest, Instant::now());
            ctx.run_interval(silence.interval(), move |session, _| {
                session.beat(&mut silence);
            });
        }
    }

    /// Says how far the client has got everything that it wants, when there was nothing else to say for long enough.
    fn beat(&self, silence: &mut Silence) {
        let now = Instant::now();
        let outbox = self.member.outbox();
        if silence.is_too_long(now, outbox.taken())
            && let Some(time) = self.shard.borrow().written_up_to(&self.member)
        {
            let json = heartbeat::json(time);
            let frame = match self.member.encoding() {
                Encoding::Zstd => binary_frame(&stored_message(&json)),
                Encoding::Json | Encoding::V0 => text_frame(&json),
            };
            outbox.beat(Heartbeat { frame, time });
            silence.broken(now);
        }
    }

    fn ping(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        self.member.outbox().ping();
        self.liveness.pinged(now);
        ctx.run_later(self.pong_timeout, |session, _| session.check_life());
    }

    fn check_life(&mut self) {
        let outbox = self.member.outbox();
        let socket = Socket {
            taken: outbox.taken(),
            // Who is behind always has something to read.
            is_stuck: self.member.is_behind() || outbox.has_unwritten(),
        };
        if self
            .liveness
            .is_dead(Instant::now(), socket, self.pong_timeout)
        {
            self.member.outbox().close_now(CloseReason::PongTimeout);
        }
    }
}

impl Actor for Session {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(age) = self.age {
            ctx.run_later(age, |session, _| {
                session.member.outbox().close(CloseReason::TooOld);
            });
        }
        if !self.member.is_waiting() {
            return self.begin(ctx);
        }
        ctx.run_later(self.hello_timeout, |session, ctx| {
            if session.member.is_waiting() {
                session.refuse(CloseReason::HelloTimeout, ctx);
            }
        });
    }
}

impl StreamHandler<Result<Received, Broken>> for Session {
    fn handle(&mut self, received: Result<Received, Broken>, ctx: &mut Self::Context) {
        self.liveness.received(Instant::now());
        match received {
            Ok(received) => self.receive(received, ctx),
            Err(Broken::TooBig) => self.refuse(CloseReason::MessageTooBig, ctx),
            Err(Broken::Protocol) => self.refuse(CloseReason::ProtocolError, ctx),
            Err(Broken::Gone) => {
                self.member.outbox().close_now(CloseReason::ClientGone);
                ctx.stop();
            }
        }
    }
}

/// However it ends, its connection does not stay without a reader: a defect that unwinds ends here too.
impl Drop for Session {
    fn drop(&mut self) {
        self.member.outbox().close(CloseReason::Internal);
    }
}
