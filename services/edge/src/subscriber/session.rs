//! The actor of one connection: control traffic only. Events never pass through it.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, AsyncContext, Context, StreamHandler, WrapFuture, fut::ActorFutureExt,
};
use actix_http::error::PayloadError;
use bytes::Bytes;
use fanjet_filter::{ClientMessage, MessageError, OptionsUpdate};
use fanjet_wire::close::CloseReason;
use futures::Stream;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::age::Ages;
use super::inbound::{Allowed, Broken, Inbound, InboundLimits, Received};
use super::liveness::{Liveness, Socket};
use super::silence::Silence;
use crate::config::EdgeConfig;
use crate::hub::{Member, SharedShards};
use crate::limits::{FilterClaim, InboundMemory, Sending};
use crate::tail::Pool;

/// Longer messages are read on another thread: this one has other subscribers to serve meanwhile.
pub(crate) const MAX_BYTES_READ_HERE: usize = 16 << 10;

/// Reads what a client sends, pings it, and notices when it is gone. One that must say first what it wants is left
/// alone until then, but not for ever.
pub(crate) struct Session {
    shards: SharedShards,
    member: Rc<Member>,
    pool: Arc<Pool>,
    /// `None`: nothing ever comes from this client, so only the system can tell whether it lives.
    liveness: Option<Liveness>,
    /// How long a silence the client wants, if it wants to know.
    heartbeat: Option<Duration>,
    config: SessionConfig,
    /// Whether the client has sent a close frame.
    has_closed: bool,
    /// Whether nothing more is written.
    is_over: bool,
    /// Told once nothing more is expected of the client; dropped where what it sends cannot be understood any more.
    goodbye: Option<oneshot::Sender<()>>,
    reading: Arc<InboundMemory>,
    /// What its filter takes; `None`: it never changes.
    room: Option<FilterClaim>,
    /// How old the connection may become, if there is a limit.
    age: Option<Duration>,
}

/// How long everything may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionConfig {
    pub(crate) ping_interval: Duration,
    pub(crate) pong_timeout: Duration,
    pub(crate) hello_timeout: Duration,
    /// How long the client may take to answer a close frame.
    pub(crate) close_linger: Duration,
}

impl SessionConfig {
    pub(crate) fn of(config: &EdgeConfig) -> Self {
        Self {
            ping_interval: config.subscriber.ping_interval,
            pong_timeout: config.subscriber.pong_timeout,
            hello_timeout: config.subscriber.hello_timeout,
            close_linger: config.http.close_linger,
        }
    }
}

/// What all sessions of a node share.
#[derive(Debug)]
pub(crate) struct SessionContext {
    pub(crate) config: SessionConfig,
    pub(crate) pool: Arc<Pool>,
    pub(crate) inbound: InboundLimits,
    pub(crate) ages: Ages,
}

/// Whom a session is for.
pub(crate) struct Served {
    pub(crate) shards: SharedShards,
    pub(crate) member: Rc<Member>,
    /// Resolves when nothing more is written.
    pub(crate) on_end: oneshot::Receiver<()>,
    /// How long a silence the client wants, if it wants to know.
    pub(crate) heartbeat: Option<Duration>,
}

impl Session {
    /// Starts the actor of a WebSocket on this thread. It ends when the client does, or when the writer does and the client
    /// has answered its close frame, or has not in time. What is returned resolves then.
    pub(crate) fn start<P>(
        served: Served,
        payload: P,
        sending: Sending,
        room: FilterClaim,
        context: &SessionContext,
    ) -> oneshot::Receiver<()>
    where
        P: Stream<Item = Result<Bytes, PayloadError>> + Unpin + 'static,
    {
        let inbound = Inbound::new(payload, Allowed::new(&context.inbound, sending));
        let (mut session, on_end) = Self::new(served, context);
        session.liveness = Some(Liveness::new(Instant::now()));
        session.room = Some(room);
        let (goodbye, on_goodbye) = oneshot::channel();
        session.goodbye = Some(goodbye);
        Self::create(|ctx| {
            ctx.add_stream(inbound);
            let ending = on_end.into_actor(&session);
            ctx.spawn(ending.map(|_, session, ctx| session.written(ctx)));
            session
        });
        on_goodbye
    }

    /// Starts the actor of a client that gets a stream over plain HTTP, and cannot say anything. It ends when the
    /// writer does.
    pub(crate) fn start_deaf(served: Served, context: &SessionContext) {
        let (session, on_end) = Self::new(served, context);
        Self::create(|ctx| {
            ctx.spawn(on_end.into_actor(&session).map(|_, _, ctx| ctx.stop()));
            session
        });
    }

    /// The session, and what resolves when nothing more is written.
    fn new(served: Served, context: &SessionContext) -> (Self, oneshot::Receiver<()>) {
        let session = Self {
            shards: served.shards,
            member: served.member,
            pool: Arc::clone(&context.pool),
            liveness: None,
            heartbeat: served.heartbeat,
            config: context.config,
            has_closed: false,
            is_over: false,
            goodbye: None,
            reading: Arc::clone(&context.inbound.memory),
            room: None,
            age: context.ages.draw(),
        };
        (session, served.on_end)
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
                self.has_closed = true;
                if self.is_over {
                    self.part(ctx);
                }
            }
        }
    }

    /// The writer has written everything, or is gone. The connection of a client that was sent a close frame stays until it
    /// has answered it: otherwise the system might take the frame back.
    fn written(&mut self, ctx: &mut Context<Self>) {
        self.is_over = true;
        if self.has_closed || !self.member.outbox().is_close_sent() {
            return self.part(ctx);
        }
        ctx.run_later(self.config.close_linger, Self::part);
    }

    /// Nothing more is expected of the client.
    fn part(&mut self, ctx: &mut Context<Self>) {
        if let Some(goodbye) = self.goodbye.take() {
            // Unless the connection is gone.
            let _is_heard = goodbye.send(()).is_ok();
        }
        ctx.stop();
    }

    /// While a long message is read nothing else of this client is, so its messages take effect in their order.
    fn read(&mut self, text: Bytes, ctx: &mut Context<Self>) {
        if text.len() <= MAX_BYTES_READ_HERE {
            return self.obey(ClientMessage::parse(&text), ctx);
        }
        let memory = Arc::clone(&self.reading);
        let reading = async move { memory.read_aside(move || ClientMessage::parse(&text)).await };
        ctx.wait(
            reading
                .into_actor(self)
                .map(|read, session, ctx| match read {
                    Ok(message) => session.obey(message, ctx),
                    Err(_) => session.refuse(CloseReason::Internal),
                }),
        );
    }

    fn obey(&mut self, message: Result<ClientMessage, MessageError>, ctx: &mut Context<Self>) {
        if self.member.outbox().is_closing() {
            return;
        }
        match message {
            Ok(ClientMessage::OptionsUpdate(update)) if !self.pool.serves(&update.filter) => {
                let why = self.pool.refusal();
                self.refuse(CloseReason::InvalidOptions(why.into()));
            }
            Ok(ClientMessage::OptionsUpdate(update))
                if self
                    .room
                    .as_ref()
                    .is_some_and(|room| !room.hold(&update.filter)) =>
            {
                self.refuse(CloseReason::FiltersFull);
            }
            Ok(ClientMessage::OptionsUpdate(OptionsUpdate { filter, max_delay })) => {
                let is_hello = self.member.is_waiting();
                let mut shards = self.shards.borrow_mut();
                if let Some(max_delay) = max_delay {
                    shards.set_delay(&self.member, max_delay);
                }
                shards.set_filter(&self.member, filter);
                drop(shards);
                if is_hello {
                    self.begin(ctx);
                }
            }
            // As v1 does.
            Ok(ClientMessage::Unknown) => {}
            Err(MessageError::Options(refused)) => {
                self.refuse(CloseReason::InvalidOptions(refused.answer().into()));
            }
            Err(unreadable) => {
                self.refuse(CloseReason::BadMessage(unreadable.to_string().into()));
            }
        }
    }

    fn refuse(&mut self, reason: CloseReason) {
        self.member.outbox().close(reason);
    }

    /// Nothing that the client sends can be read any more, its close frame included.
    fn give_up(&mut self, reason: CloseReason, ctx: &mut Context<Self>) {
        self.refuse(reason);
        ctx.stop();
    }

    /// The client gets events from now on.
    fn begin(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(self.config.ping_interval, Self::ping);
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
            && let Some(time) = self.shards.borrow().written_up_to(&self.member)
        {
            outbox.beat(time);
            silence.broken(now);
        }
    }

    fn ping(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        let ping = self.member.outbox().ping();
        if let Some(liveness) = &mut self.liveness {
            liveness.pinged(now);
            ctx.run_later(self.config.pong_timeout, move |session, _| {
                session.check_life(ping);
            });
        }
    }

    /// When the client may no longer be silent after a ping.
    fn check_life(&mut self, ping: u64) {
        let outbox = self.member.outbox();
        let socket = Socket {
            taken: outbox.taken(),
            // Who is behind always has something to read.
            is_stuck: self.member.is_behind() || outbox.is_stuck_at(ping),
        };
        let (now, timeout) = (Instant::now(), self.config.pong_timeout);
        if self
            .liveness
            .as_mut()
            .is_some_and(|liveness| liveness.is_dead(now, socket, timeout))
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
        ctx.run_later(self.config.hello_timeout, |session, _| {
            if session.member.is_waiting() {
                session.refuse(CloseReason::HelloTimeout);
            }
        });
    }
}

impl StreamHandler<Result<Received, Broken>> for Session {
    fn handle(&mut self, received: Result<Received, Broken>, ctx: &mut Self::Context) {
        if let Some(liveness) = &mut self.liveness {
            liveness.received(Instant::now());
        }
        match received {
            Ok(received) => self.receive(received, ctx),
            Err(Broken::TooBig) => self.give_up(CloseReason::MessageTooBig, ctx),
            Err(Broken::NoRoom) => self.give_up(CloseReason::InboundFull, ctx),
            Err(Broken::TooSlow) => self.give_up(CloseReason::MessageTimeout, ctx),
            Err(Broken::Protocol) => self.give_up(CloseReason::ProtocolError, ctx),
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
