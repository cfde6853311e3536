//! Reading stored messages without a consumer: one by seq or time, or many in a row.
//!
//! Any replica may answer, also one that lags behind the leader: what it does not have proves nothing.

use std::sync::Arc;
use std::time::Duration;

use async_nats::header::{HeaderName, NATS_SEQUENCE, NATS_SUBJECT};
use async_nats::{HeaderMap, Message, StatusCode};
use bytes::Bytes;
use fanjet_log::Seq;
use futures::StreamExt;

use crate::config::NatsConfig;
use crate::error::Unavailable;
use crate::reads::Reads;

const PENDING: HeaderName = HeaderName::from_static("Nats-Num-Pending");
/// Ends a batch: "EOB".
const END_OF_BATCH: u16 = 204;

/// Reads one stream.
#[derive(Clone)]
pub(crate) struct Direct {
    reads: Arc<Reads>,
    subject: String,
    timeout: Duration,
}

/// A stored message.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) seq: Seq,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Messages in a row.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) messages: Vec<Stored>,
    /// Whether the stream holds no more that match.
    pub(crate) is_last: bool,
}

/// Which messages a batch asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchRequest<'a> {
    /// The first seq that may come; at least 1.
    pub(crate) from: Seq,
    /// One subject, which may end in a wildcard.
    pub(crate) filter: Option<&'a str>,
    /// Messages at most.
    pub(crate) count: usize,
    /// Bytes after which no further one comes.
    pub(crate) bytes: usize,
}

impl Stored {
    /// The subject under which it was stored. The server names it behind what the message itself says.
    pub(crate) fn subject(&self) -> &str {
        let subject = self.headers.get_last(NATS_SUBJECT);
        subject.map_or("", |it| it.as_str())
    }
}

impl Direct {
    pub(crate) fn new(reads: Arc<Reads>, config: &NatsConfig, stream: &str) -> Self {
        Self {
            reads,
            subject: format!("{}.DIRECT.GET.{stream}", config.api()),
            timeout: config.request_timeout,
        }
    }

    /// The message at `seq`.
    pub(crate) async fn at(&self, seq: Seq) -> Result<Option<Stored>, Unavailable> {
        self.one(format!(r#"{{"seq":{seq}}}"#)).await
    }

    /// The first message that the server stored at or after a time, in RFC 3339.
    pub(crate) async fn stored_since(&self, time: &str) -> Result<Option<Stored>, Unavailable> {
        self.one(format!(r#"{{"start_time":"{time}"}}"#)).await
    }

    /// Messages in order. Without a filter they may still have a hole, where one expired or was lost on its way.
    pub(crate) async fn batch(&self, wanted: BatchRequest<'_>) -> Result<Batch, Unavailable> {
        let BatchRequest {
            from,
            filter,
            count,
            bytes,
        } = wanted;
        let filter = filter.map_or(String::new(), |subject| {
            format!(r#","next_by_subj":"{subject}""#)
        });
        let request = format!(r#"{{"seq":{from},"batch":{count},"max_bytes":{bytes}{filter}}}"#);
        self.many(request).await
    }

    /// The newest message under each subject that matches.
    pub(crate) async fn newest_of_each(&self, filter: &str) -> Result<Vec<Stored>, Unavailable> {
        let request = format!(r#"{{"multi_last":["{filter}"]}}"#);
        Ok(self.many(request).await?.messages)
    }

    async fn many(&self, request: String) -> Result<Batch, Unavailable> {
        let link = self.reads.only_link().await?;
        let mut breaks = link.watch();
        let (inbox, mut answers) = link.inbox().await?;
        link.client
            .publish_with_reply(self.subject.clone(), inbox, request.into())
            .await
            .map_err(|_| Unavailable::Disconnected)?;

        let mut batch = Batch::default();
        loop {
            let answer = tokio::select! {
                biased;
                answer = answers.next() => answer.ok_or(Unavailable::Disconnected)?,
                () = breaks.broken() => return Err(Unavailable::Disconnected),
                () = tokio::time::sleep(self.timeout) => return Err(Unavailable::Timeout("a batch")),
            };
            match status(&answer).map(|status| status.as_u16()) {
                None => batch.messages.push(stored(answer)?),
                Some(END_OF_BATCH) => {
                    let pending = answer.headers.as_ref().and_then(|it| it.get(PENDING));
                    batch.is_last = pending.is_some_and(|pending| pending.as_str() == "0");
                    return Ok(batch);
                }
                Some(404) => return Ok(batch),
                Some(_) => return Err(refused(&answer)),
            }
        }
    }

    async fn one(&self, request: String) -> Result<Option<Stored>, Unavailable> {
        let subject = self.subject.clone();
        let link = self.reads.only_link().await?;
        let mut breaks = link.watch();
        let answer = tokio::select! {
            biased;
            answer = link.request("a read", subject, request.into()) => answer?,
            () = breaks.broken() => return Err(Unavailable::Disconnected),
        };
        match status(&answer) {
            None => stored(answer).map(Some),
            Some(StatusCode::NOT_FOUND) => Ok(None),
            Some(_) => Err(refused(&answer)),
        }
    }
}

/// The server's status in place of a message. A stored message may carry any status, set by its publisher.
fn status(answer: &Message) -> Option<StatusCode> {
    let headers = answer.headers.as_ref();
    let is_stored = headers.is_some_and(|headers| headers.get(NATS_SEQUENCE).is_some());
    answer.status.filter(|_| !is_stored)
}

/// Where it stands, says the server behind what the message itself says.
fn stored(answer: Message) -> Result<Stored, Unavailable> {
    let headers = answer
        .headers
        .ok_or_else(|| Unavailable::Nonsense("a stored message without headers".to_owned()))?;
    let seq = headers.get_last(NATS_SEQUENCE);
    let seq = seq.map(|seq| seq.as_str().parse());
    match seq {
        Some(Ok(seq)) => Ok(Stored {
            seq,
            headers,
            body: answer.payload,
        }),
        _ => Err(Unavailable::Nonsense(
            "a stored message without a sequence".to_owned(),
        )),
    }
}

fn refused(answer: &Message) -> Unavailable {
    match answer.status {
        Some(StatusCode::NO_RESPONDERS) => Unavailable::NoResponders,
        status => Unavailable::Nonsense(format!(
            "{status:?} {}",
            answer.description.as_deref().unwrap_or_default()
        )),
    }
}
