//! One raw subscriber: the future that owns its socket.
//!
//! It gives the socket the shared bytes themselves, a head and a body for each frame, and takes the next ones only when
//! these are written. Nothing waits for it: a client that reads slowly has a position in the ring, and behind it in the log.

use std::any::Any;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fanjet_http::Upgraded;
use fanjet_runtime::Stop;
use fanjet_wire::websocket::{binary_frame, ping_frame, pong_frame};
use futures::future::LocalBoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::close::CloseCause;
use super::metrics::RawMetrics;
use super::source::Source;
use crate::subscriber::{Allowed, Inbound, ReceiveError, Received, Throttle, WriteQueue};

/// Bytes read from a client at once.
const READ_AT_ONCE: usize = 4 << 10;

/// The times of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawTimeouts {
    pub(crate) ping_interval: Duration,
    /// After a ping without any sign of life.
    pub(crate) pong_timeout: Duration,
    pub(crate) close_linger: Duration,
}

/// Who is let in.
pub(crate) struct RawJoined {
    /// What it gets; or why it gets nothing.
    pub(crate) source: Result<Source, CloseCause>,
    /// Sent first.
    pub(crate) greeting: Option<Bytes>,
    pub(crate) allowed: Allowed,
    pub(crate) replay: Throttle,
    pub(crate) timeouts: RawTimeouts,
    pub(crate) metrics: RawMetrics,
    pub(crate) draining: Stop,
    /// What is given back when it leaves.
    pub(crate) held: Box<dyn Any>,
}

/// One subscriber and its socket. As a future it runs until the connection has ended.
pub(crate) struct RawSubscriber<S> {
    stream: S,
    inbound: Option<Box<Inbound>>,
    queue: WriteQueue,
    /// Goes before everything that is not queued yet.
    pong: Option<Bytes>,
    source: Option<Source>,
    replay: Throttle,
    draining: LocalBoxFuture<'static, ()>,
    timer: Pin<Box<Sleep>>,
    last_sign: Instant,
    last_ping: Option<Instant>,
    is_answered: bool,
    timeouts: RawTimeouts,
    metrics: RawMetrics,
    ending: Option<CloseCause>,
    _held: Box<dyn Any>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> RawSubscriber<S> {
    pub(crate) fn new(upgraded: Upgraded<S>, joined: RawJoined) -> Self {
        let RawJoined {
            source,
            greeting,
            allowed,
            replay,
            timeouts,
            metrics,
            draining,
            held,
        } = joined;
        let now = Instant::now();
        metrics.joined();
        let mut subscriber = Self {
            stream: upgraded.stream,
            inbound: Some(Box::new(Inbound::new(&upgraded.early, allowed))),
            queue: WriteQueue::default(),
            pong: None,
            source: None,
            replay,
            draining: Box::pin(async move { draining.cancelled().await }),
            timer: Box::pin(sleep_until(now + timeouts.ping_interval)),
            last_sign: now,
            last_ping: None,
            is_answered: false,
            timeouts,
            metrics,
            ending: None,
            _held: held,
        };
        if let Some(frame) = greeting {
            subscriber.queue.push(binary_frame(&frame));
        }
        match source {
            Ok(source) => subscriber.source = Some(source),
            Err(ending) => subscriber.end(ending),
        }
        subscriber
    }

    /// Nothing more comes but this. The first reason counts.
    fn end(&mut self, ending: CloseCause) {
        if self.ending.is_some() {
            return;
        }
        self.ending = Some(ending);
        self.source = None;
        if let Some(error) = ending.error() {
            self.queue.push(binary_frame(&error));
        }
        match ending.close() {
            Some(close) => self.queue.push(close),
            None => self.is_answered = true,
        }
        if matches!(ending, CloseCause::ClientClosed(_)) {
            self.is_answered = true;
        }
        self.timer
            .as_mut()
            .reset(Instant::now() + self.timeouts.close_linger);
    }

    fn poll_client(&mut self, cx: &mut Context<'_>) {
        while let Some(inbound) = &mut self.inbound {
            let stream = &mut self.stream;
            let received = inbound.poll_message(cx, |cx, bytes| read_into(cx, stream, bytes));
            let Poll::Ready(received) = received else {
                return;
            };
            self.last_sign = Instant::now();
            self.last_ping = None;
            match received {
                // Servers of this stream ignore what clients send.
                Ok(Received::Text(_) | Received::Binary | Received::Pong) => {}
                Ok(Received::Ping(payload)) => self.pong = Some(pong_frame(&payload)),
                Ok(Received::Close(code)) => {
                    self.inbound = None;
                    self.is_answered = true;
                    self.end(CloseCause::ClientClosed(code));
                }
                Err(error) => {
                    self.inbound = None;
                    self.end(match error {
                        ReceiveError::TooBig | ReceiveError::NoRoom => CloseCause::MessageTooBig,
                        ReceiveError::TooSlow | ReceiveError::Protocol => CloseCause::ProtocolError,
                        ReceiveError::Gone => CloseCause::ClientGone,
                    });
                }
            }
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) {
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if self.ending.is_some() {
                self.is_answered = true;
                return;
            }
            let RawTimeouts {
                ping_interval,
                pong_timeout,
                ..
            } = self.timeouts;
            // A socket that takes nothing is the business of the watch on write stalls.
            let is_dead = self.queue.is_empty()
                && self
                    .last_ping
                    .is_some_and(|ping| now - ping.max(self.last_sign) >= pong_timeout);
            if is_dead {
                self.end(CloseCause::PongTimeout);
                return;
            }
            if self.queue.is_empty() {
                self.last_ping.get_or_insert(now);
                self.queue.push(ping_frame(b""));
            }
            self.timer.as_mut().reset(now + ping_interval);
        }
    }

    /// Writes what there is; ready when it is in the system's hands.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if let Some(pong) = self.pong.take_if(|_| self.ending.is_none()) {
                self.queue.push(pong);
            }
            self.take_frames(cx);
            if self.queue.is_empty() {
                return Poll::Ready(Ok(()));
            }
            ready!(self.queue.poll_write(cx, Pin::new(&mut self.stream)))?;
        }
    }

    fn take_frames(&mut self, cx: &mut Context<'_>) {
        while self.queue.has_room()
            && let Some(source) = &mut self.source
        {
            if self.replay.poll_pause(cx).is_pending() {
                return;
            }
            let polled = source.poll_frames(cx);
            let read = source.take_read_bytes();
            if read > 0 && self.replay.spend(read) {
                self.metrics.paused();
            }
            match polled {
                Poll::Ready(Ok(frames)) => {
                    let bytes: usize = frames.iter().map(super::ring::RawFrame::len).sum();
                    self.metrics.delivered(frames.len() as u64, bytes as u64);
                    for frame in frames {
                        self.queue.push(frame.head);
                        self.queue.push(frame.body);
                    }
                }
                Poll::Ready(Err(ending)) => self.end(ending),
                Poll::Pending => return,
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for RawSubscriber<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.poll_client(cx);
        if this.ending.is_none() && this.draining.as_mut().poll(cx).is_ready() {
            this.end(CloseCause::Draining);
        }
        this.poll_timer(cx);
        if this.is_answered && this.ending == Some(CloseCause::ClientGone) {
            return Poll::Ready(());
        }
        match this.poll_send(cx) {
            Poll::Ready(Err(_)) => return Poll::Ready(()),
            Poll::Ready(Ok(())) => {}
            // A client that is being closed and takes nothing is not waited for longer than the linger.
            Poll::Pending if this.ending.is_some() && this.is_answered => return Poll::Ready(()),
            Poll::Pending => return Poll::Pending,
        }
        if this.ending.is_some() {
            if this.is_answered {
                // Whether the other end hears of it makes no difference any more.
                let _is_heard = ready!(Pin::new(&mut this.stream).poll_shutdown(cx)).is_ok();
                return Poll::Ready(());
            }
            // Its answer, or the end of the linger.
            this.poll_timer(cx);
            if this.is_answered {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }
}

impl<S> Drop for RawSubscriber<S> {
    fn drop(&mut self) {
        let ending = self.ending.unwrap_or(CloseCause::ClientGone);
        self.metrics.left(ending.label());
    }
}

fn read_into(
    cx: &mut Context<'_>,
    stream: &mut (impl AsyncRead + Unpin),
    bytes: &mut BytesMut,
) -> Poll<io::Result<usize>> {
    let mut buffer = [std::mem::MaybeUninit::uninit(); READ_AT_ONCE];
    let mut buf = ReadBuf::uninit(&mut buffer);
    ready!(Pin::new(stream).poll_read(cx, &mut buf))?;
    bytes.extend_from_slice(buf.filled());
    Poll::Ready(Ok(buf.filled().len()))
}
