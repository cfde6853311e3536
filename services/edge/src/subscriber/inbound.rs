//! What a client sends: frames are decoded and put together to messages.
//!
//! Bounded: a message, in one frame or in fragments, is held up to the limit and no further, and for no longer than its
//! deadline; one that will be too long is refused as soon as a frame's header says so. Those of all clients together are held
//! only as far as there is memory for them, and those of one holder as far as its share goes. All clients of one holder share
//! how much is read in a second: what is more waits in the socket, and coming back does not help.

mod received;

mod header;
mod patience;

pub(crate) use patience::Patience;
pub(crate) use received::{Broken, Received};

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_http::ws::{Codec, Frame, Item, ProtocolError};
use bytes::{Bytes, BytesMut};
use tokio_util::codec::Decoder as _;

use self::header::Header;
use super::throttle::Throttle;
use crate::config::EdgeConfig;
use crate::limits::{Claim, InboundMemory, Sending};
use crate::metrics::Metrics;

/// A flood of small messages is read in portions, not one by one: waking up costs more than reading one.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// The messages of one client.
#[derive(Debug)]
pub(crate) struct Inbound {
    codec: Codec,
    undecoded: BytesMut,
    assembly: Assembly,
    patience: Patience,
    allowed: Allowed,
}

/// What one client may send.
#[derive(Debug)]
pub(crate) struct Allowed {
    pub(crate) max_message_bytes: usize,
    pub(crate) message_timeout: Duration,
    pub(crate) messages: Throttle,
    pub(crate) bytes: Throttle,
    pub(crate) memory: Claim,
    pub(crate) metrics: Metrics,
}

/// What every client of a node may send.
#[derive(Debug, Clone)]
pub(crate) struct InboundLimits {
    pub(crate) max_message_bytes: usize,
    pub(crate) message_timeout: Duration,
    pub(crate) memory: Arc<InboundMemory>,
    pub(crate) metrics: Metrics,
}

impl InboundLimits {
    pub(crate) fn of(config: &EdgeConfig, metrics: Metrics) -> Self {
        let max_message_bytes = config.subscriber.max_client_message_bytes;
        let memory = InboundMemory::of(&config.limits, max_message_bytes);
        Self {
            max_message_bytes,
            message_timeout: config.subscriber.message_timeout,
            memory: Arc::new(memory),
            metrics,
        }
    }
}

impl Allowed {
    /// For a new client of a holder that may send so much.
    pub(crate) fn new(limits: &InboundLimits, sending: Sending) -> Self {
        Self {
            max_message_bytes: limits.max_message_bytes,
            message_timeout: limits.message_timeout,
            messages: Throttle::new(sending.messages).in_steps(SHORTEST_PAUSE),
            bytes: Throttle::new(sending.bytes),
            memory: limits.memory.claim(sending.holder),
            metrics: limits.metrics.clone(),
        }
    }

    pub(crate) fn came(&mut self, bytes: usize) {
        if self.bytes.spend(bytes) {
            self.metrics.inbound_paused();
        }
    }

    pub(crate) fn obeyed_one(&mut self) {
        if self.messages.spend(1) {
            self.metrics.inbound_paused();
        }
    }

    pub(crate) fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.bytes.poll_pause(cx));
        self.messages.poll_pause(cx)
    }
}

impl Inbound {
    /// `early` are the bytes that were read before.
    pub(crate) fn new(early: &[u8], mut allowed: Allowed) -> Self {
        let max_message_bytes = allowed.max_message_bytes;
        let allowed_time = allowed.message_timeout;
        if !early.is_empty() {
            allowed.came(early.len());
        }
        Self {
            allowed,
            codec: Codec::new().max_size(max_message_bytes),
            undecoded: early.into(),
            assembly: Assembly::new(max_message_bytes),
            patience: Patience::new(allowed_time),
        }
    }

    /// The next message. `read` appends some bytes and returns how many: none at the client's end.
    pub(crate) fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(&mut Context<'_>, &mut BytesMut) -> Poll<io::Result<usize>>,
    ) -> Poll<Result<Received, Broken>> {
        loop {
            // What was returned last has been read.
            let held = self.undecoded.len() + self.assembly.fragments.len();
            if !self.allowed.memory.resize(held) {
                return Poll::Ready(Err(Broken::NoRoom));
            }
            // Also before what is there is read: that costs more than its arrival.
            if self.allowed.poll_pause(cx).is_pending() {
                self.patience.pause();
                return Poll::Pending;
            }
            if let Some(received) = self.decode().transpose() {
                return Poll::Ready(received);
            }
            match read(cx, &mut self.undecoded) {
                Poll::Ready(Ok(bytes @ 1..)) => self.allowed.came(bytes),
                Poll::Ready(Ok(_) | Err(_)) => return Poll::Ready(Err(Broken::Gone)),
                Poll::Pending if self.undecoded.is_empty() && !self.assembly.is_begun => {
                    return Poll::Pending;
                }
                Poll::Pending => {
                    ready!(self.patience.poll_over(cx));
                    return Poll::Ready(Err(Broken::TooSlow));
                }
            }
        }
    }

    fn decode(&mut self) -> Result<Option<Received>, Broken> {
        loop {
            if let Some(header) = Header::read(&self.undecoded) {
                header.check(
                    self.assembly.fragments.len(),
                    self.allowed.max_message_bytes,
                )?;
            }
            let frame = self.codec.decode(&mut self.undecoded).map_err(broken)?;
            let Some(frame) = frame else {
                if self.undecoded.is_empty() {
                    // A large message is rare; its memory is not kept for the connection's life.
                    self.undecoded = BytesMut::new();
                }
                return Ok(None);
            };
            if let Some(received) = self.assembly.add(frame)? {
                if !self.assembly.is_begun {
                    self.patience.renew();
                }
                self.allowed.obeyed_one();
                return Ok(Some(received));
            }
        }
    }
}

/// Fragments of one message.
#[derive(Debug)]
struct Assembly {
    fragments: BytesMut,
    /// A first fragment has come, and no last one; all of them may be empty.
    is_begun: bool,
    is_text: bool,
    max_bytes: usize,
}

impl Assembly {
    fn new(max_bytes: usize) -> Self {
        Self {
            fragments: BytesMut::new(),
            is_begun: false,
            is_text: false,
            max_bytes,
        }
    }

    fn add(&mut self, frame: Frame) -> Result<Option<Received>, Broken> {
        Ok(Some(match frame {
            Frame::Text(text) => Received::Text(text),
            Frame::Binary(_) => Received::Binary,
            Frame::Ping(payload) => Received::Ping(payload),
            Frame::Pong(_) => Received::Pong,
            Frame::Close(reason) => Received::Close(reason.map(|reason| reason.code.into())),
            Frame::Continuation(item) => match item {
                Item::FirstText(part) => {
                    (self.is_begun, self.is_text) = (true, true);
                    self.append(&part)?;
                    return Ok(None);
                }
                Item::FirstBinary(part) => {
                    (self.is_begun, self.is_text) = (true, false);
                    self.append(&part)?;
                    return Ok(None);
                }
                Item::Continue(part) => {
                    self.append(&part)?;
                    return Ok(None);
                }
                Item::Last(part) => {
                    self.append(&part)?;
                    self.is_begun = false;
                    let whole = std::mem::take(&mut self.fragments).freeze();
                    if self.is_text {
                        Received::Text(whole)
                    } else {
                        Received::Binary
                    }
                }
            },
        }))
    }

    fn append(&mut self, part: &Bytes) -> Result<(), Broken> {
        if self.fragments.len() + part.len() > self.max_bytes {
            return Err(Broken::TooBig);
        }
        self.fragments.extend_from_slice(part);
        Ok(())
    }
}

fn broken(error: ProtocolError) -> Broken {
    match error {
        ProtocolError::Overflow => Broken::TooBig,
        _ => Broken::Protocol,
    }
}

#[cfg(test)]
mod tests;
