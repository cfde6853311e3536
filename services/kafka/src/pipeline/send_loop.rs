//! The send loop: turns one event after another into a message in flight.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use fanjet_log::{Entry, Seq, TraceParent};
use fanjet_runtime::Clock;
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::types::RDKafkaErrorCode as Code;
use tracing::error;

use super::dead_letter::{dead_letter, reason, without_event};
use super::rules::Rules;
use crate::KafkaError;
use crate::broker::{Message, Producer, Refusal};
use crate::enrich::{Enricher, Known};
use crate::event::{Event, What};
use crate::format::{Info, Metadata};
use crate::metrics::{Metrics, Tally};
use crate::window::{Mark, Refused, Window};

/// The key of what belongs to no account.
const NO_DID: &str = "<unknown>";

/// How long to wait for room in the client library's own queue.
const QUEUE_PAUSE: Duration = Duration::from_millis(10);

/// Turns events into messages in flight.
pub(super) struct SendLoop<'a> {
    pub(super) rules: &'a Rules,
    pub(super) producer: &'a Producer,
    pub(super) window: &'a Arc<Window>,
    pub(super) metrics: &'a Metrics,
    pub(super) clock: &'a dyn Clock,
    pub(super) tally: &'a mut Tally,
    /// Seqs of events that Kafka rejected within a transaction: they become dead letters directly.
    pub(super) refused: &'a mut HashSet<Seq>,
    /// Whether a rejection aborts what was sent with it.
    pub(super) is_transactional: bool,
}

impl SendLoop<'_> {
    /// Sends one event, or skips it. The window must have room.
    pub(super) async fn take(
        &mut self,
        entry: &Entry,
        enricher: Option<&Enricher>,
    ) -> Result<(), KafkaError> {
        let event = Event::of(entry)?;
        let mark = Mark {
            seq: event.seq,
            time_us: event.time_us,
        };
        if let Some(reason) = self.rules.wanted.skip(&event) {
            self.tally.skipped(reason);
            self.window.pass(mark);
            return Ok(());
        }
        let now_us = self.clock.now_us();
        let account = enricher.map(|enricher| enricher.known(event.did, now_us));
        let host = account.as_ref().and_then(|account| account.host.as_deref());
        if let Some(reason) = self.rules.wanted.skip_host(host) {
            self.tally.skipped(reason);
            self.window.pass(mark);
            return Ok(());
        }
        let metadata = metadata(&event, account.as_ref());
        let payload = self.rules.format.event(&event, metadata, now_us);
        let action = self.rules.format.action_name(&event);
        self.tally
            .handled(&action, event.collection(), payload.len());
        let topic = self.rules.routes.topic(event.collection());
        let is_stale = account.as_ref().is_some_and(|account| account.is_stale);
        let headers = (self.rules.headers).then(|| headers(&event, entry.trace, is_stale));
        self.send(mark, topic, event.did, payload, headers).await
    }

    /// Sends a marker about the log itself.
    pub(super) async fn say(&mut self, mark: Mark, info: &Info<'_>) -> Result<(), KafkaError> {
        let payload = self.rules.format.info(info, mark.seq, self.clock.now_us());
        self.tally.handled("info", None, payload.len());
        let topic = self.rules.routes.topic(None);
        self.send(mark, topic, NO_DID, payload, None).await
    }

    async fn send(
        &mut self,
        mark: Mark,
        topic: &str,
        key: &str,
        payload: Vec<u8>,
        headers: Option<OwnedHeaders>,
    ) -> Result<(), KafkaError> {
        let index = self.window.send(mark, payload.len());
        let refusal = if self.refused.contains(&mark.seq) {
            Err(ClientError::MessageProduction(Code::InvalidRecord))
        } else {
            self.queue(Message {
                topic,
                key: key.as_bytes(),
                payload: &payload,
                headers,
                index,
            })
            .await?
        };
        match refusal {
            Ok(()) => Ok(()),
            Err(error) => {
                let refused = Refused {
                    index,
                    seq: mark.seq,
                    topic: topic.to_owned(),
                    key: key.as_bytes().to_vec(),
                    payload,
                    error,
                };
                self.dead_letter(refused, true).await
            }
        }
    }

    /// Handles failures and rejections that arrived with acknowledgements.
    pub(super) async fn handle_refusals(&mut self) -> Result<(), KafkaError> {
        for refused in self.window.take_refused() {
            if self.is_transactional {
                self.refused.insert(refused.seq);
                let doing = format!("the event of seq {} aborted its transaction", refused.seq);
                return Err(KafkaError::kafka(doing, refused.error));
            }
            if refused.topic != self.rules.routes.dead_letter() {
                self.dead_letter(refused, true).await?;
                continue;
            }
            match without_event(&refused.payload) {
                Some(text) => self.write_again(refused, &text).await?,
                None => return Err(lost_letter(refused.seq, refused.error)),
            }
        }
        match self.window.take_failure() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// Sends a dead letter instead of a message.
    async fn dead_letter(&mut self, refused: Refused, encloses: bool) -> Result<(), KafkaError> {
        let Refused {
            index,
            seq,
            topic,
            key,
            payload,
            error,
        } = refused;
        error!(seq, topic, bytes = payload.len(), %error, "Kafka can never accept an event, sending it to the dead-letter topic");
        self.metrics.dead_letter(reason(&error));
        let text = dead_letter(seq, &topic, &key, &payload, &error, encloses);
        let outcome = self.queue_letter(index, &key, &text).await?;
        if outcome.is_err() && encloses {
            let text = dead_letter(seq, &topic, &key, &payload, &error, false);
            let outcome = self.queue_letter(index, &key, &text).await?;
            return outcome.map_err(|error| lost_letter(seq, error));
        }
        outcome.map_err(|error| lost_letter(seq, error))
    }

    /// Sends a replacement for a rejected dead letter.
    async fn write_again(&mut self, refused: Refused, text: &[u8]) -> Result<(), KafkaError> {
        let outcome = self.queue_letter(refused.index, &refused.key, text).await?;
        outcome.map_err(|error| lost_letter(refused.seq, error))
    }

    async fn queue_letter(
        &self,
        index: usize,
        key: &[u8],
        text: &[u8],
    ) -> Result<Result<(), ClientError>, KafkaError> {
        self.queue(Message {
            topic: self.rules.routes.dead_letter(),
            key,
            payload: text,
            headers: None,
            index,
        })
        .await
    }

    /// Passes a message to the client library; the inner error is the message's own fault.
    async fn queue(&self, mut message: Message<'_>) -> Result<Result<(), ClientError>, KafkaError> {
        loop {
            match self.producer.send(&mut message) {
                Ok(()) => return Ok(Ok(())),
                Err(Refusal::Full) => tokio::time::sleep(QUEUE_PAUSE).await,
                Err(Refusal::Message(error)) => return Ok(Err(error)),
                Err(Refusal::Producer(failure)) => return Err(failure),
            }
        }
    }
}

fn lost_letter(seq: Seq, error: ClientError) -> KafkaError {
    KafkaError::kafka(format!("the dead letter of seq {seq} was rejected"), error)
}

/// As in at-kafka: commits always have an object, other events only when the account's document is known.
fn metadata<'a>(event: &Event<'_>, account: Option<&'a Known>) -> Metadata<'a> {
    let is_commit = matches!(event.what, What::Commit(_));
    match account {
        Some(account) if is_commit || account.has_identity => Metadata::Json(&account.json),
        _ => Metadata::Null,
    }
}

/// What consumers may want to know without parsing.
fn headers(event: &Event<'_>, trace: Option<TraceParent>, is_stale: bool) -> OwnedHeaders {
    let mut headers = OwnedHeaders::new_with_capacity(7);
    let (seq, time_us) = (event.seq.to_string(), event.time_us.to_string());
    let trace = trace.map(|trace| trace.to_string());
    let (rev, operation) = match event.what {
        What::Commit(commit) => (Some(commit.rev), Some(commit.operation)),
        What::Sync(sync) => (Some(sync.rev), None),
        What::Account(_) | What::Identity(_) => (None, None),
    };
    let all = [
        ("seq", Some(seq.as_str())),
        ("time_us", Some(time_us.as_str())),
        ("kind", Some(event.kind())),
        ("rev", rev),
        ("operation", operation),
        ("traceparent", trace.as_deref()),
        ("metadata", is_stale.then_some("stale")),
    ];
    for (key, value) in all {
        if let Some(value) = value {
            let value = Some(value);
            headers = headers.insert(Header { key, value });
        }
    }
    headers
}
