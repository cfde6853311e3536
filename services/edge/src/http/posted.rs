//! The body of `POST /events`: a filter that is too long for a URL.
//!
//! Bounded like a long message over a WebSocket, and by the same limits: as many bytes, in the same time, from the same memory
//! and at the rate that all subscribers of one holder share. Neither the end of the node nor anybody else waits for it.

use std::future::poll_fn;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web;
use bytes::{Bytes, BytesMut};
use fanjet_filter::{Filter, MessageError};
use futures::{Stream, StreamExt};
use tokio::time::{Instant, timeout};

use super::Refusal;
use super::admission::Permit;
use crate::edge::Node;
use crate::limits::{Claim, InboundMemory, Sending};
use crate::metrics::Metrics;
use crate::subscriber::{MAX_BYTES_READ_HERE, Throttle};

/// The filter that a request's body is.
///
/// # Errors
/// [`Refusal`].
pub(super) async fn posted_filter(
    request: &HttpRequest,
    body: web::Payload,
    permit: &Permit,
    node: &Node,
) -> Result<Filter, Refusal> {
    let max_bytes = node.config.subscriber.max_client_message_bytes;
    if announced(request).is_some_and(|bytes| bytes > max_bytes as u64) {
        return Err(Refusal::BodyTooLong { max_bytes });
    }
    let mut reader = Reader::new(max_bytes, permit.sending(), node);
    let text = tokio::select! {
        read = reader.read(body) => read?,
        () = node.ending.draining.cancelled() => return Err(Refusal::Draining),
    };
    // The memory is claimed until the text is a filter.
    let filter = parsed(text, &node.inbound_memory).await?;
    drop(reader);
    filter.map_err(|refused| match refused {
        MessageError::Options(refused) => Refusal::InvalidOptions(refused),
        MessageError::Envelope | MessageError::Payload => Refusal::BadBody,
    })
}

/// What a request says about the length of its body.
fn announced(request: &HttpRequest) -> Option<u64> {
    let length = request.headers().get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// A long text is read on another thread: this one has subscribers to serve meanwhile.
async fn parsed(
    text: Bytes,
    memory: &InboundMemory,
) -> Result<Result<Filter, MessageError>, Refusal> {
    if text.len() <= MAX_BYTES_READ_HERE {
        return Ok(Filter::from_body(&text));
    }
    let _turn = memory.turn().await;
    let parsing = web::block(move || Filter::from_body(&text));
    parsing.await.map_err(|_| Refusal::Internal)
}

/// Puts a body together.
struct Reader {
    max_bytes: usize,
    /// How long the client may take, beside the pauses that this node makes. Zero: for ever.
    patience: Duration,
    memory: Claim,
    sending: [Throttle; 2],
    metrics: Metrics,
}

impl Reader {
    fn new(max_bytes: usize, sending: Sending, node: &Node) -> Self {
        Self {
            max_bytes,
            patience: node.config.subscriber.message_timeout,
            memory: node.inbound_memory.claim(sending.memory),
            sending: [
                Throttle::new(sending.messages),
                Throttle::new(sending.bytes),
            ],
            metrics: node.metrics.clone(),
        }
    }

    async fn read(
        &mut self,
        mut body: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    ) -> Result<Bytes, Refusal> {
        let mut read = BytesMut::new();
        self.spend([1, 0]).await;
        while let Some(part) = self.waited_for(body.next()).await? {
            let part = part.map_err(|_| Refusal::BodyCutOff)?;
            let length = read.len() + part.len();
            if length > self.max_bytes {
                return Err(Refusal::BodyTooLong {
                    max_bytes: self.max_bytes,
                });
            }
            if !self.memory.resize(length) {
                return Err(Refusal::InboundFull);
            }
            read.extend_from_slice(&part);
            self.spend([0, part.len()]).await;
        }
        Ok(read.freeze())
    }

    /// What the client sends next.
    async fn waited_for<T>(&mut self, next: impl Future<Output = T>) -> Result<T, Refusal> {
        if self.patience.is_zero() {
            return Ok(next.await);
        }
        let asked = Instant::now();
        let next = timeout(self.patience, next).await;
        self.patience = self.patience.saturating_sub(asked.elapsed());
        next.ok()
            .filter(|_| !self.patience.is_zero())
            .ok_or(Refusal::BodyTimeout)
    }

    /// Takes messages and bytes from what the holder may send, and waits until they are paid for.
    async fn spend(&mut self, amounts: [usize; 2]) {
        for (throttle, amount) in self.sending.iter_mut().zip(amounts) {
            if throttle.spend(amount) {
                self.metrics.inbound_paused();
            }
            poll_fn(|cx| throttle.poll_pause(cx)).await;
        }
    }
}
