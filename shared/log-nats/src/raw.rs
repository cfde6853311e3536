//! What the stream's leader says of a message: a text that holds it, so the client library parses nothing of it.

use async_nats::header::HeaderName;
use async_nats::jetstream::context::RequestErrorKind;
use async_nats::jetstream::{self, Context, ErrorCode};
use async_nats::{HeaderMap, HeaderValue};
use base64_simd::STANDARD;
use bytes::Bytes;
use fanjet_log::Seq;
use serde::{Deserialize, Serialize};

use crate::error::Unavailable;
use crate::headers::is_origin;

/// Which message is asked for.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub(crate) enum GetRequest<'a> {
    /// The one with this seq.
    At { seq: Seq },
    /// The first one at or above a seq under a subject.
    Next { seq: Seq, next_by_subj: &'a str },
    /// The newest one under a subject.
    Newest { last_by_subj: &'a str },
}

/// A message.
#[derive(Debug)]
pub(crate) struct RawMessage {
    pub(crate) seq: Seq,
    /// What is no UTF-8 of it is replaced.
    pub(crate) subject: String,
    pub(crate) headers: Result<HeaderMap, Unreadable>,
    pub(crate) body: Bytes,
}

/// Headers that the client library cannot parse, or might not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Whether they say where the message comes from.
    pub(crate) carries_origin: bool,
}

#[derive(Debug, Deserialize)]
struct ApiResponse {
    message: Option<Message>,
    error: Option<jetstream::Error>,
}

#[derive(Debug, Deserialize)]
struct Message {
    subject: String,
    seq: Seq,
    #[serde(default)]
    hdrs: String,
    #[serde(default)]
    data: String,
}

/// Asks the leader of a stream; `None` when there is no such message.
pub(crate) async fn get(
    jetstream: &Context,
    stream: &str,
    request: GetRequest<'_>,
) -> Result<Option<RawMessage>, Unavailable> {
    let answer = jetstream.request(format!("STREAM.MSG.GET.{stream}"), &request);
    let answer: ApiResponse = answer.await.map_err(|error| match error.kind() {
        RequestErrorKind::TimedOut => Unavailable::Timeout("a read"),
        RequestErrorKind::NoResponders => Unavailable::NoResponders,
        _ => Unavailable::Nonsense(error.to_string()),
    })?;
    if let Some(error) = answer.error {
        return match error.error_code() {
            ErrorCode::NO_MESSAGE_FOUND => Ok(None),
            _ => Err(Unavailable::Refused(error)),
        };
    }
    let nonsense = || Unavailable::Nonsense("a message that is none".to_owned());
    let message = answer.message.ok_or_else(nonsense)?;
    let decode = |text: String| STANDARD.decode_to_vec(text).map_err(|_| nonsense());
    let body = decode(message.data)?;
    Ok(Some(RawMessage {
        seq: message.seq,
        subject: message.subject,
        headers: parse(&decode(message.hdrs)?),
        body: body.into(),
    }))
}

impl RawMessage {
    /// Whether the client library can take it from a connection.
    pub(crate) fn is_readable(&self) -> bool {
        let is_plain = self.subject.bytes().all(|byte| byte.is_ascii_graphic());
        is_plain && self.headers.is_ok()
    }
}

/// Headers as they are stored. What is not exactly as clients write it is taken for unreadable.
fn parse(head: &[u8]) -> Result<HeaderMap, Unreadable> {
    if head.is_empty() {
        return Ok(HeaderMap::new());
    }
    plain(head).ok_or_else(|| Unreadable {
        carries_origin: head.split(|byte| *byte == b'\n').any(|line| {
            let name = line.split(|byte| *byte == b':').next();
            line.contains(&b':') && name.is_some_and(is_origin)
        }),
    })
}

fn plain(head: &[u8]) -> Option<HeaderMap> {
    let lines = std::str::from_utf8(head).ok()?.strip_suffix("\r\n\r\n")?;
    let mut lines = lines.split("\r\n");
    // A status stands behind it in what servers say.
    if lines.next()? != "NATS/1.0" {
        return None;
    }
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name: HeaderName = name.parse().ok().filter(|_| !name.is_empty())?;
        let value = value.trim();
        if value.contains(char::is_control) {
            return None;
        }
        headers.append(name, value.parse::<HeaderValue>().ok()?);
    }
    Some(headers)
}

#[cfg(test)]
mod tests;
