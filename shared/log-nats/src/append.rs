//! The writer.
//!
//! Every publish carries the sequence that it must follow. That alone does not fence a *pipeline*: if another writer
//! takes the place of event `k`, the server rejects `k`, but finds the right sequence for `k + 1` and stores it. So the
//! events of an appender are one fast-ingest batch (ADR-50): the server identifies it by an ID, and the first rejected
//! or missing event ends it. Everything after is rejected, whatever its sequence.
//!
//! No other feature of batches is used. The batch acknowledges each event (`FLOW`), it is never committed while the
//! appender lives, and its length is unlimited.

use std::sync::Arc;
use std::time::Duration;

use async_nats::client::PublishErrorKind;
use async_nats::{HeaderMap, Message, Subscriber, jetstream};
use async_trait::async_trait;
use bytes::Bytes;
use fanjet_event::Topic;
use fanjet_log::{AppendError, Appender, NewEvent, Seq};
use futures::{FutureExt, StreamExt};
use serde::Deserialize;
use tokio::time::Instant;

use crate::allotment::{Allotment, SubjectSlot};
use crate::connect::BreakWatch;
use crate::error::{Unavailable, rejected};
use crate::headers::{headers, name_collection};
use crate::inner::Inner;

/// Events per acknowledgement. One, so that the last is acknowledged without a request.
const FLOW: u32 = 1;
/// The server drops a batch that is idle for 10 s. Half of that leaves room for clocks and queues.
const BATCH_IDLE: Duration = Duration::from_secs(5);

pub(crate) struct NatsAppender {
    log: Arc<Inner>,
    breaks: BreakWatch,
    inbox: String,
    acks: Subscriber,
    allotment: Allotment,
    batch: Option<Batch>,
    /// Number of batches started.
    batches: u64,
    acked: Seq,
    queued: Seq,
    is_finished: bool,
}

/// The server-side state of one run of events.
struct Batch {
    /// `<inbox>.<batch id>`, the prefix of all its reply subjects.
    prefix: String,
    /// The seq before its first event.
    base: Seq,
    /// Events so far.
    count: u64,
    used_at: Instant,
}

/// The third last token of a reply subject: what a message does to its batch.
#[derive(Clone, Copy)]
enum BatchAction {
    Begin = 0,
    Go = 1,
    /// Ends the batch; the message itself is not stored.
    End = 3,
}

/// The acknowledgement of a publish. Acknowledgements are cumulative.
#[derive(Debug, Deserialize)]
struct PublishAck {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    /// The number within the batch up to which events are stored.
    #[serde(default)]
    seq: u64,
    error: Option<jetstream::Error>,
}

impl NatsAppender {
    pub(crate) async fn open(log: Arc<Inner>, after: Seq) -> Result<Self, AppendError> {
        let breaks = log.link.watch();
        let allotment = log.allotment().await.map_err(AppendError::unavailable)?;
        log.spread.set_own(allotment.len());
        let inbox = log.link.client.new_inbox();
        let acks = log
            .link
            .client
            .subscribe(format!("{inbox}.>"))
            .await
            .map_err(|_| Unavailable::Disconnected)?;
        Ok(Self {
            log,
            breaks,
            inbox,
            acks,
            allotment,
            batch: None,
            batches: 0,
            acked: after,
            queued: after,
            is_finished: false,
        })
    }

    async fn publish_all(&mut self, events: &[NewEvent]) -> Result<(), AppendError> {
        // If everything is acknowledged the batch may be replaced by a new one.
        self.take_arrived_answers()?;
        let window = self.log.config.publish_window.max(1) as u64;
        for event in events {
            event.check_size()?;
            while self.queued - self.acked >= window {
                self.wait_for_answers().await?;
            }
            self.publish(event).await?;
        }
        self.take_arrived_answers()
    }

    async fn publish(&mut self, event: &NewEvent) -> Result<(), AppendError> {
        let after = self.queued;
        let reply = self.next_reply();
        let mut headers = headers(event, after);
        let subject = self.subject(&event.topic, &mut headers);
        self.log
            .link
            .client
            .publish_with_reply_and_headers(subject, reply, headers, event.body.clone())
            .await
            .map_err(|error| match error.kind() {
                PublishErrorKind::MaxPayloadExceeded => {
                    let allowed = self.log.link.client.server_info().max_payload;
                    Unavailable::SmallPayload(allowed, self.log.config.stream.content)
                }
                _ => Unavailable::Disconnected,
            })?;
        self.queued += 1;
        Ok(())
    }

    /// The subject of an event. On a shared subject a header names the collection.
    fn subject(&mut self, topic: &Topic, headers: &mut HeaderMap) -> String {
        let Topic::Commit(collection) = topic else {
            return self.log.subjects.of(topic);
        };
        let before = self.allotment.len();
        let place = self.allotment.place(collection, std::time::Instant::now());
        if self.allotment.len() != before {
            self.log.spread.set_own(self.allotment.len());
        }
        match place {
            SubjectSlot::Own => self.log.subjects.of(topic),
            SubjectSlot::Shared => {
                self.log.spread.count_shared();
                name_collection(headers, collection.as_str());
                self.log.subjects.shared(collection)
            }
        }
    }

    /// The reply subject of the next event, in a new batch if there is none or the server may have dropped it.
    fn next_reply(&mut self) -> String {
        let now = Instant::now();
        let is_all_acked = self.acked == self.queued;
        if let Some(batch) = &mut self.batch
            && !(is_all_acked && now - batch.used_at >= BATCH_IDLE)
        {
            batch.count += 1;
            batch.used_at = now;
            return batch.reply(batch.count, BatchAction::Go);
        }
        // Nothing is in flight here: a failed appender publishes no more, so no pipeline is broken.
        self.batches += 1;
        let batch = Batch {
            prefix: format!("{}.{}", self.inbox, self.batch_id()),
            base: self.queued,
            count: 1,
            used_at: now,
        };
        let reply = batch.reply(1, BatchAction::Begin);
        self.batch = Some(batch);
        reply
    }

    /// Unique in the stream: the inbox is unique, and so is the counter.
    fn batch_id(&self) -> String {
        let own = self.inbox.rsplit('.').next().unwrap_or_default();
        format!("{own}-{}", self.batches)
    }

    /// Waits for one acknowledgement and handles all that are available.
    async fn wait_for_answers(&mut self) -> Result<(), AppendError> {
        let answer = tokio::select! {
            biased;
            answer = self.acks.next() => answer.ok_or(Unavailable::Disconnected)?,
            () = self.breaks.broken() => return Err(Unavailable::Disconnected.into()),
            () = tokio::time::sleep(self.log.config.ack_timeout) => {
                return Err(Unavailable::Timeout("a publish").into());
            }
        };
        self.take(&answer)?;
        self.take_arrived_answers()
    }

    fn take_arrived_answers(&mut self) -> Result<(), AppendError> {
        while let Some(Some(answer)) = self.acks.next().now_or_never() {
            self.take(&answer)?;
        }
        Ok(())
    }

    fn take(&mut self, message: &Message) -> Result<(), AppendError> {
        let Some(batch) = &self.batch else {
            return Ok(());
        };
        // An earlier batch, fully acknowledged, is of no interest any more.
        if !batch.owns(&message.subject) {
            return Ok(());
        }
        if message.status.is_some() {
            return Err(Unavailable::NoResponders.into());
        }
        let answer: PublishAck = serde_json::from_slice(&message.payload)
            .map_err(|error| Unavailable::Nonsense(error.to_string()))?;
        if let Some(error) = answer.error {
            return Err(rejected(error, self.acked));
        }
        let stored = batch.base.saturating_add(answer.seq);
        if answer.kind.as_deref() != Some("ack") || stored > self.queued {
            let what = format!("{answer:?} to a batch of {}", batch.count);
            return Err(Unavailable::Nonsense(what).into());
        }
        self.acked = self.acked.max(stored);
        Ok(())
    }

    async fn wait_until_acked(&mut self) -> Result<Seq, AppendError> {
        while self.acked < self.queued {
            self.wait_for_answers().await?;
        }
        Ok(self.acked)
    }

    /// The server rejects with few words, or none. A check of the stream finds what an operator has changed.
    async fn explained(&self, error: AppendError) -> AppendError {
        let AppendError::Unavailable(source) = error else {
            return error;
        };
        let mut why = vec![source.to_string()];
        why.extend(self.log.link.complaint());
        if self.log.is_connected() {
            why.extend(self.log.flaws().await);
        }
        AppendError::unavailable(why.join("; "))
    }

    fn check_unfinished(&self) -> Result<(), AppendError> {
        if self.is_finished {
            return Err(Unavailable::Finished.into());
        }
        Ok(())
    }
}

#[async_trait]
impl Appender for NatsAppender {
    async fn append(&mut self, events: &[NewEvent]) -> Result<(), AppendError> {
        self.check_unfinished()?;
        // Even if this future is dropped half-way: then the state of the window is unknown.
        self.is_finished = true;
        match self.publish_all(events).await {
            Ok(()) => self.is_finished = false,
            Err(error) => return Err(self.explained(error).await),
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<Seq, AppendError> {
        self.check_unfinished()?;
        match self.wait_until_acked().await {
            Ok(acked) => Ok(acked),
            Err(error) => {
                self.is_finished = true;
                Err(self.explained(error).await)
            }
        }
    }

    fn acked(&self) -> Seq {
        self.acked
    }
}

impl Drop for NatsAppender {
    /// Ends the batch on the server now instead of after 10 s, if that is possible without waiting.
    fn drop(&mut self) {
        if let (Some(batch), false) = (&self.batch, self.is_finished) {
            let reply = batch.reply(batch.count + 1, BatchAction::End);
            let subject = self.log.subjects.nothing();
            let client = &self.log.link.client;
            client
                .publish_with_reply(subject, reply, Bytes::new())
                .now_or_never();
        }
    }
}

impl Batch {
    /// `<inbox>.<batch id>.<flow>.<what to do about a gap>.<number>.<step>.$FI`.
    fn reply(&self, number: u64, step: BatchAction) -> String {
        format!("{}.{FLOW}.fail.{number}.{}.$FI", self.prefix, step as u8)
    }

    fn owns(&self, subject: &str) -> bool {
        subject
            .strip_prefix(self.prefix.as_str())
            .is_some_and(|rest| rest.starts_with('.'))
    }
}
