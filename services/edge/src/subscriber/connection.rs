//! The actor: its state, its socket and its turns.

mod acting;

use std::any::Any;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use fanjet_http::{Upgraded, chunk};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::client::{Client, drop_arrived};
use super::context::SubscriberContext;
use super::deadlines::Deadlines;
use super::feed::Feed;
use super::heartbeat_timer::HeartbeatTimer;
use super::inbound::{Allowed, Inbound};
use super::input_signal::InputSignal;
use super::liveness::Liveness;
use super::message::{Message, Timer};
use super::write_queue::WriteQueue;
use crate::hub::{Member, SharedShards};
use crate::limits::{FilterClaim, SendAllowance};

/// Messages handled in one turn, before other subscribers get theirs.
const MESSAGES_PER_TURN: usize = 64;
/// The longest ping, pong or close frame: RFC 6455, section 5.5.
const MAX_CONTROL_BYTES: usize = 125;

/// Minimum time that a client is read after a protocol error: closing sooner would discard the close frame.
const LEAST_LINGER: Duration = Duration::from_millis(600);

/// The parts of a new subscriber.
pub(crate) struct Joined {
    pub(crate) feed: Feed,
    pub(crate) shards: SharedShards,
    pub(crate) context: Arc<SubscriberContext>,
    /// The heartbeat interval that the client requested, if any.
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) kind: Kind,
    /// Released when the subscriber leaves.
    pub(crate) held: Box<dyn Any>,
}

/// The protocol after the HTTP head.
pub(crate) enum Kind {
    /// WebSocket, with the client's send allowance and the memory claim of its filter.
    WebSocket {
        sending: SendAllowance,
        room: FilterClaim,
    },
    /// A stream over plain HTTP. `is_chunked`: with chunked transfer coding.
    Stream { is_chunked: bool },
}

/// One subscriber and its socket. As a future it runs until the connection has ended.
pub(crate) struct Subscriber<S> {
    stream: S,
    state: State,
    client: Client,
    /// Whether the client has sent a close frame.
    has_closed: bool,
    write_queue: WriteQueue,
    is_chunked: bool,
    deadlines: Deadlines,
    /// Set when the client or the deadlines must be polled.
    input: InputSignal,
    member: Rc<Member>,
    shards: SharedShards,
    context: Arc<SubscriberContext>,
    /// `None`: this client never sends anything, so only TCP keepalive can detect its death.
    liveness: Option<Liveness>,
    /// The memory claim of its filter; `None`: the filter never changes.
    room: Option<FilterClaim>,
    heartbeat: Option<Duration>,
    heartbeat_timer: Option<HeartbeatTimer>,
}

/// The phase of the connection. While it is open, its [`Member`] knows whether it awaits the hello, catches up or is live, and
/// its outbox whether it drains.
enum State {
    /// It holds a slot and a feed.
    Open { feed: Feed, _held: Box<dyn Any> },
    /// Its feed is exhausted and it holds no slot. `is_answered`: nothing more is expected from the client.
    Closing { is_answered: bool },
}

impl<S: AsyncRead + AsyncWrite + Unpin> Subscriber<S> {
    /// Creates the subscriber of this connection.
    pub(crate) fn new(upgraded: Upgraded<S>, joined: Joined) -> Self {
        let Upgraded {
            stream,
            early,
            is_overrun,
        } = upgraded;
        let Joined {
            feed,
            shards,
            context,
            heartbeat,
            kind,
            held,
        } = joined;
        let now = Instant::now();
        let mut subscriber = Self {
            client: Client::Ignored,
            has_closed: false,
            write_queue: WriteQueue::default(),
            is_chunked: false,
            deadlines: Deadlines::default(),
            input: InputSignal::default(),
            member: Rc::clone(feed.member()),
            state: State::Open { feed, _held: held },
            stream,
            shards,
            context,
            liveness: None,
            room: None,
            heartbeat,
            heartbeat_timer: None,
        };
        match kind {
            Kind::WebSocket { sending, room } => {
                let mut allowed = Allowed::new(&subscriber.context.inbound, sending);
                if !subscriber.takes_messages() {
                    // The head of a longer message suffices to refuse it.
                    allowed.max_message_bytes = MAX_CONTROL_BYTES;
                }
                subscriber.client = Client::WebSocket(Box::new(Inbound::new(&early, allowed)));
                subscriber.liveness = Some(Liveness::new(now));
                subscriber.room = Some(room);
            }
            Kind::Stream { is_chunked } => {
                subscriber.client = Client::send_only(is_overrun);
                subscriber.is_chunked = is_chunked;
            }
        }
        if let Some(age) = subscriber.context.max_age.draw() {
            subscriber.deadlines.set(Timer::MaxAge, now + age);
        }
        if subscriber.member.is_waiting() {
            let timeout = subscriber.context.timeouts.hello_timeout;
            subscriber.deadlines.set(Timer::Hello, now + timeout);
        } else {
            subscriber.begin(now);
        }
        subscriber
    }

    /// Handles what the client has sent and the timers that are due, until both are pending with the signal's waker.
    fn poll_input(&mut self) {
        let waker = self.input.waker();
        let cx = &mut Context::from_waker(&waker);
        let mut handled = 0;
        while let Poll::Ready(message) = self.client.poll_message(cx, &mut self.stream) {
            self.handle(message);
            handled += 1;
            if handled == MESSAGES_PER_TURN {
                waker.wake_by_ref();
                break;
            }
        }
        while let Poll::Ready(timer) = self.deadlines.poll_due(cx) {
            self.handle(Message::Due(timer));
        }
    }

    fn send(&mut self, bytes: Bytes) {
        if self.is_chunked {
            chunk(bytes).for_each(|it| self.write_queue.push(it));
        } else {
            self.write_queue.push(bytes);
        }
    }

    /// Writes until everything is in the kernel's buffer.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            self.take_bytes(cx);
            if self.write_queue.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let written = self.write_queue.poll_write(cx, Pin::new(&mut self.stream));
            if let State::Open { feed, .. } = &self.state {
                feed.note_partial_writes(self.write_queue.take_partial_writes());
            }
            ready!(written)?;
        }
    }

    /// Takes bytes from the feed while there is room.
    fn take_bytes(&mut self, cx: &mut Context<'_>) {
        while self.write_queue.has_room()
            && let State::Open { feed, .. } = &mut self.state
        {
            match feed.poll_bytes(cx) {
                Poll::Ready(Some(bytes)) => self.send(bytes),
                Poll::Ready(None) => self.leave(),
                Poll::Pending => return,
            }
        }
    }

    /// Ends the sending. The connection stays open until the client answers the close frame: otherwise the kernel might
    /// discard the frame.
    fn leave(&mut self) {
        let is_expected = match self.client {
            Client::WebSocket(_) | Client::Parsing(..) => {
                !self.has_closed && self.member.outbox().is_close_sent()
            }
            Client::Ignored => true,
            Client::SendOnly(_) | Client::Gone => false,
        };
        let mut linger = self.context.timeouts.close_linger;
        if matches!(self.client, Client::Ignored) {
            // It may still be sending the refused message, and must find the close frame after it.
            linger = linger.max(LEAST_LINGER);
        }
        self.deadlines.clear();
        self.deadlines.set(Timer::Linger, Instant::now() + linger);
        self.input.set();
        self.state = State::Closing {
            is_answered: !is_expected,
        };
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Subscriber<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.input.take(cx.waker()) {
            this.poll_input();
        }
        let was_open = matches!(this.state, State::Open { .. });
        if ready!(this.poll_send(cx)).is_err() {
            return Poll::Ready(());
        }
        match this.state {
            State::Closing { is_answered: true } => {
                drop_arrived(cx, &mut this.stream);
                // The result of the shutdown does not matter any more.
                let _is_heard = ready!(Pin::new(&mut this.stream).poll_shutdown(cx)).is_ok();
                Poll::Ready(())
            }
            State::Closing { .. } if was_open => {
                // Starts the deadline for the client's answer.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            State::Open { .. } | State::Closing { .. } => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests;
