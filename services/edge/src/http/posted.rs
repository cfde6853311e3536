//! The body of `POST /events`: a filter that is too long for a URL.
//!
//! Bodies have the limits of long WebSocket messages: the same size, deadline, memory budget and rate per holder. A slow body
//! delays neither the shutdown nor other clients.

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

use crate::limits::SendAllowance;
use crate::refusal::Refusal;
use crate::subscriber::{Allowed, InboundLimits, MAX_BYTES_READ_HERE, MessageDeadline};

/// The options in a request's body.
///
/// # Errors
/// [`Refusal`].
pub(super) async fn posted_options(
    request: &HttpRequest,
    body: web::Payload,
    sending: SendAllowance,
    limits: &InboundLimits,
    draining: &Stop,
) -> Result<OptionsUpdate, Refusal> {
    let max_bytes = limits.max_message_bytes;
    let read = OptionsUpdate::from_body;
    let update = read_posted(request, body, sending, limits, draining, max_bytes, read).await?;
    update.map_err(|refused| match refused {
        MessageError::Options(refused) => Refusal::InvalidOptions(refused),
        MessageError::Envelope | MessageError::Payload => Refusal::BadBody,
    })
}

/// What `parse` makes of a request's body of at most `max_bytes`.
///
/// # Errors
/// [`Refusal`].
pub(super) async fn read_posted<T: Send + 'static>(
    request: &HttpRequest,
    body: web::Payload,
    sending: SendAllowance,
    limits: &InboundLimits,
    draining: &Stop,
    max_bytes: usize,
    parse: impl FnOnce(&[u8]) -> T + Send + 'static,
) -> Result<T, Refusal> {
    let max_bytes = max_bytes.min(limits.max_message_bytes);
    if content_length(request).is_some_and(|bytes| bytes > max_bytes as u64) {
        return Err(Refusal::BodyTooLong { max_bytes });
    }
    let mut reader = Reader::new(Allowed::new(limits, sending), max_bytes);
    let text = tokio::select! {
        read = reader.read(body) => read?,
        () = draining.cancelled() => return Err(Refusal::Draining),
    };
    let parsed = if text.len() <= MAX_BYTES_READ_HERE {
        parse(&text)
    } else {
        let reading = limits.memory.run_blocking(move || parse(&text));
        reading.await.map_err(|_| Refusal::Internal)?
    };
    // The memory stays claimed until the text is parsed.
    drop(reader);
    Ok(parsed)
}

/// The declared length of the body.
fn content_length(request: &HttpRequest) -> Option<u64> {
    let length = request.headers().get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// Assembles a body.
struct Reader {
    allowed: Allowed,
    max_bytes: usize,
    deadline: MessageDeadline,
}

impl Reader {
    fn new(allowed: Allowed, max_bytes: usize) -> Self {
        Self {
            max_bytes,
            deadline: MessageDeadline::new(allowed.message_timeout),
            allowed,
        }
    }

    async fn read(
        &mut self,
        mut body: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    ) -> Result<Bytes, Refusal> {
        let max_bytes = self.max_bytes;
        let mut read = BytesMut::new();
        self.allowed.count_message();
        loop {
            poll_fn(|cx| self.allowed.poll_pause(cx)).await;
            let Some(part) = self.next_part(&mut body).await? else {
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
            self.allowed.count_bytes(part.len());
        }
    }

    /// The next part of the body, unless the deadline has passed.
    async fn next_part<S: Stream + Unpin>(
        &mut self,
        body: &mut S,
    ) -> Result<Option<S::Item>, Refusal> {
        let next = poll_fn(|cx| match body.poll_next_unpin(cx) {
            Poll::Ready(next) => Poll::Ready(Ok(next)),
            Poll::Pending => self
                .deadline
                .poll_over(cx)
                .map(|()| Err(Refusal::BodyTimeout)),
        });
        let next = next.await;
        self.deadline.pause();
        next
    }
}
