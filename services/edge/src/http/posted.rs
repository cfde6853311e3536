//! The body of `POST /events`: a filter that is too long for a URL.
//!
//! Bounded like a long message over a WebSocket, and by the same limits: as many bytes, in the same time, from the same memory
//! and at the rate that all subscribers of one holder share. Neither the end of the node nor anybody else waits for it.

use std::future::poll_fn;
use std::task::Poll;

use actix_web::HttpRequest;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web;
use bytes::{Bytes, BytesMut};
use fanjet_filter::{MessageError, OptionsUpdate};
use fanjet_runtime::Stop;
use futures::{Stream, StreamExt};

use crate::limits::Sending;
use crate::refusal::Refusal;
use crate::subscriber::{Allowed, InboundLimits, MAX_BYTES_READ_HERE, Patience};

/// What a request's body asks for.
///
/// # Errors
/// [`Refusal`].
pub(super) async fn posted_options(
    request: &HttpRequest,
    body: web::Payload,
    sending: Sending,
    limits: &InboundLimits,
    draining: &Stop,
) -> Result<OptionsUpdate, Refusal> {
    let max_bytes = limits.max_message_bytes;
    if announced(request).is_some_and(|bytes| bytes > max_bytes as u64) {
        return Err(Refusal::BodyTooLong { max_bytes });
    }
    let mut reader = Reader::new(Allowed::new(limits, sending));
    let text = tokio::select! {
        read = reader.read(body) => read?,
        () = draining.cancelled() => return Err(Refusal::Draining),
    };
    let update = if text.len() <= MAX_BYTES_READ_HERE {
        OptionsUpdate::from_body(&text)
    } else {
        let reading = limits
            .memory
            .read_aside(move || OptionsUpdate::from_body(&text));
        reading.await.map_err(|_| Refusal::Internal)?
    };
    // The memory is claimed until the text is read.
    drop(reader);
    update.map_err(|refused| match refused {
        MessageError::Options(refused) => Refusal::InvalidOptions(refused),
        MessageError::Envelope | MessageError::Payload => Refusal::BadBody,
    })
}

/// What a request says about the length of its body.
fn announced(request: &HttpRequest) -> Option<u64> {
    let length = request.headers().get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// Puts a body together.
struct Reader {
    allowed: Allowed,
    patience: Patience,
}

impl Reader {
    fn new(allowed: Allowed) -> Self {
        Self {
            patience: Patience::new(allowed.message_timeout),
            allowed,
        }
    }

    async fn read(
        &mut self,
        mut body: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    ) -> Result<Bytes, Refusal> {
        let max_bytes = self.allowed.max_message_bytes;
        let mut read = BytesMut::new();
        self.allowed.obeyed_one();
        loop {
            poll_fn(|cx| self.allowed.poll_pause(cx)).await;
            let Some(part) = self.next_of(&mut body).await? else {
                return Ok(read.freeze());
            };
            let part = part.map_err(|_| Refusal::BodyCutOff)?;
            let length = read.len() + part.len();
            if length > max_bytes {
                return Err(Refusal::BodyTooLong { max_bytes });
            }
            if !self.allowed.memory.resize(length) {
                return Err(Refusal::InboundFull);
            }
            read.extend_from_slice(&part);
            self.allowed.came(part.len());
        }
    }

    /// What the client sends next, unless it has taken too long.
    async fn next_of<S: Stream + Unpin>(
        &mut self,
        body: &mut S,
    ) -> Result<Option<S::Item>, Refusal> {
        let next = poll_fn(|cx| match body.poll_next_unpin(cx) {
            Poll::Ready(next) => Poll::Ready(Ok(next)),
            Poll::Pending => self
                .patience
                .poll_over(cx)
                .map(|()| Err(Refusal::BodyTimeout)),
        });
        let next = next.await;
        self.patience.pause();
        next
    }
}
