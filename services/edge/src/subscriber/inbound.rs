//! Client input: decodes frames and assembles messages.
//!
//! Bounded: a message, in one frame or in fragments, is buffered up to the size limit and within its deadline; a message that
//! will be too long is refused by its frame header. The buffers of all clients share a memory budget, with a share per holder.
//! The clients of one holder share a read rate: excess input waits in the socket, and reconnecting does not reset the rate.

mod received;

mod header;
mod deadline;

pub(crate) use deadline::MessageDeadline;
pub(crate) use received::{ReceiveError, Received};

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
use crate::limits::{Claim, InboundMemory, SendAllowance};
use crate::metrics::Metrics;

/// A flood of small messages is read in batches: a wake-up costs more than reading a message.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// The messages of one client.
#[derive(Debug)]
pub(crate) struct Inbound {
    codec: Codec,
    undecoded: BytesMut,
    assembly: Assembly,
    deadline: MessageDeadline,
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
    /// For a new client of a holder with this allowance.
    pub(crate) fn new(limits: &InboundLimits, sending: SendAllowance) -> Self {
        Self {
            max_message_bytes: limits.max_message_bytes,
            message_timeout: limits.message_timeout,
            messages: Throttle::new(sending.messages).in_steps(SHORTEST_PAUSE),
            bytes: Throttle::new(sending.bytes),
            memory: limits.memory.claim(sending.holder),
            metrics: limits.metrics.clone(),
        }
    }

    pub(crate) fn count_bytes(&mut self, bytes: usize) {
        if self.bytes.spend(bytes) {
            self.metrics.inbound_paused();
        }
    }

    pub(crate) fn count_message(&mut self) {
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
    /// `early` are bytes that were read before.
    pub(crate) fn new(early: &[u8], mut allowed: Allowed) -> Self {
        let max_message_bytes = allowed.max_message_bytes;
        let allowed_time = allowed.message_timeout;
        if !early.is_empty() {
            allowed.count_bytes(early.len());
        }
        Self {
            allowed,
            codec: Codec::new().max_size(max_message_bytes),
            undecoded: early.into(),
            assembly: Assembly::new(max_message_bytes),
            deadline: MessageDeadline::new(allowed_time),
        }
    }

    /// The next message. `read` appends bytes and returns their number: zero when the client has closed.
    pub(crate) fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(&mut Context<'_>, &mut BytesMut) -> Poll<io::Result<usize>>,
    ) -> Poll<Result<Received, ReceiveError>> {
        loop {
            // The previous message has been handled.
            let held = self.undecoded.len() + self.assembly.fragments.len();
            if !self.allowed.memory.resize(held) {
                return Poll::Ready(Err(ReceiveError::NoRoom));
            }
            // Checked before decoding too, which costs more than receiving.
            if self.allowed.poll_pause(cx).is_pending() {
                self.deadline.pause();
                return Poll::Pending;
            }
            if let Some(received) = self.decode().transpose() {
                return Poll::Ready(received);
            }
            match read(cx, &mut self.undecoded) {
                Poll::Ready(Ok(bytes @ 1..)) => self.allowed.count_bytes(bytes),
                Poll::Ready(Ok(_) | Err(_)) => return Poll::Ready(Err(ReceiveError::Gone)),
                Poll::Pending if self.undecoded.is_empty() && !self.assembly.is_begun => {
                    return Poll::Pending;
                }
                Poll::Pending => {
                    ready!(self.deadline.poll_over(cx));
                    return Poll::Ready(Err(ReceiveError::TooSlow));
                }
            }
        }
    }

    fn decode(&mut self) -> Result<Option<Received>, ReceiveError> {
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
                    // Large messages are rare, so their memory is not kept.
                    self.undecoded = BytesMut::new();
                }
                return Ok(None);
            };
            if let Some(received) = self.assembly.add(frame)? {
                if !self.assembly.is_begun {
                    self.deadline.renew();
                }
                self.allowed.count_message();
                return Ok(Some(received));
            }
        }
    }
}

/// Fragments of one message.
#[derive(Debug)]
struct Assembly {
    fragments: BytesMut,
    /// The first fragment was received and the last was not. The buffer does not say so: fragments may be empty.
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

    fn add(&mut self, frame: Frame) -> Result<Option<Received>, ReceiveError> {
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

    fn append(&mut self, part: &Bytes) -> Result<(), ReceiveError> {
        if self.fragments.len() + part.len() > self.max_bytes {
            return Err(ReceiveError::TooBig);
        }
        self.fragments.extend_from_slice(part);
        Ok(())
    }
}

fn broken(error: ProtocolError) -> ReceiveError {
    match error {
        ProtocolError::Overflow => ReceiveError::TooBig,
        _ => ReceiveError::Protocol,
    }
}

#[cfg(test)]
mod tests;
