//! Handles the messages of a subscriber.

use fanjet_filter::{ClientMessage, MessageError, OptionsUpdate, Protocol};
use fanjet_wire::close::CloseReason;
use tokio::time::Instant;

use super::{State, Subscriber};
use crate::subscriber::MAX_BYTES_READ_HERE;
use crate::subscriber::client::Client;
use crate::subscriber::heartbeat_timer::HeartbeatTimer;
use crate::subscriber::inbound::{ReceiveError, Received};
use crate::subscriber::liveness::Socket;
use crate::subscriber::message::{Message, Timer};

impl<S> Subscriber<S> {
    /// The client receives events from now on.
    pub(super) fn begin(&mut self, now: Instant) {
        let interval = self.context.timeouts.ping_interval;
        self.deadlines.set(Timer::Ping, now + interval);
        self.heartbeat_timer = self
            .heartbeat
            .map(|longest| HeartbeatTimer::new(longest, now));
        if let Some(timer) = &self.heartbeat_timer {
            self.deadlines.set(Timer::Heartbeat, now + timer.interval());
        }
    }

    pub(super) fn handle(&mut self, message: Message) {
        match message {
            Message::Received(received) => {
                self.note_activity();
                self.receive(received);
            }
            Message::Unreadable(broken) => {
                self.note_activity();
                self.handle_read_error(broken);
            }
            Message::Parsed(Some(parsed)) => self.apply(parsed),
            Message::Parsed(None) => self.refuse(CloseReason::Internal),
            Message::Due(timer) => self.handle_timer(timer),
        }
    }

    /// Clients of v2 send control frames only.
    pub(super) fn takes_messages(&self) -> bool {
        self.member.encoding().protocol() != Protocol::V2
    }

    fn note_activity(&mut self) {
        if let Some(liveness) = &mut self.liveness {
            liveness.received(Instant::now());
        }
    }

    /// Binary messages are ignored, as in v1. Frames after a close frame are not answered: RFC 6455, section 1.4.
    fn receive(&mut self, received: Received) {
        let outbox = self.member.outbox();
        match received {
            Received::Close(code) => {
                outbox.close_now(CloseReason::ClientClosed(code));
                self.has_closed = true;
                self.expect_nothing();
            }
            _ if outbox.is_closing() => {}
            Received::Text(_) | Received::Binary if !self.takes_messages() => {
                self.refuse(CloseReason::UnexpectedMessage);
            }
            Received::Text(text) if text.len() <= MAX_BYTES_READ_HERE => {
                self.apply(ClientMessage::parse(&text));
            }
            Received::Text(text) => {
                self.client
                    .parse_blocking(text, &self.context.inbound.memory);
            }
            Received::Ping(payload) => outbox.pong(&payload),
            Received::Binary | Received::Pong => {}
        }
    }

    fn apply(&mut self, message: Result<ClientMessage, MessageError>) {
        if self.member.outbox().is_closing() {
            return;
        }
        let pool = &self.context.pool;
        match message {
            Ok(ClientMessage::OptionsUpdate(update)) if !pool.serves(&update.filter) => {
                self.refuse(CloseReason::InvalidOptions(
                    pool.refusal("wantedCollections").into(),
                ));
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
                    self.begin(Instant::now());
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

    pub(super) fn refuse(&self, reason: CloseReason) {
        self.member.outbox().close(reason);
    }

    /// Handles a client that can no longer be read, not even its close frame.
    fn handle_read_error(&mut self, broken: ReceiveError) {
        self.client = Client::Ignored;
        self.refuse(match broken {
            ReceiveError::TooBig if !self.takes_messages() => CloseReason::UnexpectedMessage,
            ReceiveError::TooBig => CloseReason::MessageTooBig,
            ReceiveError::NoRoom => CloseReason::InboundFull,
            ReceiveError::TooSlow => CloseReason::MessageTimeout,
            ReceiveError::Protocol => CloseReason::ProtocolError,
            ReceiveError::Gone => {
                self.client = Client::Gone;
                let is_stalled =
                    matches!(&self.state, State::Open { feed, .. } if feed.is_stalled());
                let reason = match is_stalled {
                    true => CloseReason::Stalled,
                    false => CloseReason::ClientGone,
                };
                self.expect_nothing();
                return self.member.outbox().close_now(reason);
            }
        });
    }

    fn handle_timer(&mut self, timer: Timer) {
        let (now, timeouts) = (Instant::now(), self.context.timeouts);
        let outbox = self.member.outbox();
        match timer {
            Timer::Ping => {
                let ping = outbox.ping();
                self.deadlines
                    .set(Timer::Ping, now + timeouts.ping_interval);
                if let Some(liveness) = &mut self.liveness {
                    liveness.pinged(now);
                    let at = now + timeouts.pong_timeout;
                    self.deadlines.set(Timer::PongCheck(ping), at);
                }
            }
            Timer::PongCheck(ping) => self.check_pong(ping, now),
            Timer::Hello if self.member.is_waiting() => outbox.close(CloseReason::HelloTimeout),
            Timer::Hello => {}
            Timer::Heartbeat => self.send_heartbeat(now),
            Timer::MaxAge => outbox.close(CloseReason::TooOld),
            Timer::Linger => self.expect_nothing(),
        }
    }

    /// Checks the client's pong deadline.
    fn check_pong(&mut self, ping: u64, now: Instant) {
        let outbox = self.member.outbox();
        let socket = Socket {
            taken: outbox.taken(),
            // A member that is behind always has something to write.
            is_stuck: self.member.is_behind()
                || outbox.is_stuck_at(ping)
                || !self.write_queue.is_empty(),
        };
        let timeout = self.context.timeouts.pong_timeout;
        let liveness = self.liveness.as_mut();
        if liveness.is_some_and(|it| it.is_dead(now, socket, timeout)) {
            self.member.outbox().close_now(CloseReason::PongTimeout);
        }
    }

    /// Sends the position up to which the client has everything, after a long enough quiet time.
    fn send_heartbeat(&mut self, now: Instant) {
        let Some(timer) = &mut self.heartbeat_timer else {
            return;
        };
        let outbox = self.member.outbox();
        if timer.is_due(now, outbox.taken())
            && let Some(time) = self.shards.borrow().written_up_to(&self.member)
        {
            outbox.beat(time);
            timer.sent(now);
        }
        self.deadlines.set(Timer::Heartbeat, now + timer.interval());
    }

    fn expect_nothing(&mut self) {
        if let State::Closing { is_answered } = &mut self.state {
            *is_answered = true;
        }
    }
}
