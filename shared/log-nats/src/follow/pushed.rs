//! An ephemeral push consumer, and a reader that believes nothing it cannot count.
//!
//! The consumer acknowledges nothing and lives in the server's memory.

use std::sync::Arc;
use std::time::Duration;

use async_nats::header::{HeaderName, NATS_LAST_CONSUMER};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, push};
use async_nats::{Message, StatusCode, Subject, Subscriber};
use bytes::Bytes;
use fanjet_log::{Entry, Follow, LogError, Selection, Seq};
use futures::StreamExt;
use futures::stream::ReadyChunks;
use tokio::time::Instant;

use super::position::{DeliveryCheck, FollowPosition};
use crate::connect::{BreakWatch, Link};
use crate::consumer::ConsumerName;
use crate::delivery::Delivery;
use crate::entry::EntryReader;
use crate::error::Unavailable;
use crate::inner::Inner;

/// How often an idle consumer sends a heartbeat.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(1);
/// After this long without a message it counts as lost.
const SILENCE: Duration = Duration::from_secs(3);
/// When the server removes a consumer without a listener.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);
/// Messages of one batch.
const BATCH: usize = 1024;

/// Set on a heartbeat when the server waits for an answer to its flow control.
const STALLED: HeaderName = HeaderName::from_static("Nats-Consumer-Stalled");

/// Follows on a connection, from a seq on, what stands under these subjects; none for all.
pub(super) async fn open(
    log: Arc<Inner>,
    link: &Link,
    from: Seq,
    filters: Vec<String>,
    selection: &Selection,
) -> Result<Follow, LogError> {
    // Before the consumer: what breaks while it is being created must not go unseen.
    let breaks = link.watch();
    let (inbox, messages) = link.push_inbox().await?;
    let consumer = ConsumerName::new(&log.link.client, &log.config, &log.stream_name);
    let is_unfiltered = filters.is_empty();
    let wanted = config(consumer.as_str(), inbox, from, filters);
    // On the same connection: the server knows who listens before it has something to push.
    link.jetstream(&log.config)
        .create_consumer_on_stream(wanted, &log.stream_name)
        .await
        .map_err(LogError::unavailable)?;
    // After creating the consumer, which belongs to the current stream. If that stream is deleted, so is the consumer.
    log.bounds().await?;
    let reader = Reader {
        reader: log.reader(),
        selection: selection.clone(),
        log,
        consumer,
        messages: messages.ready_chunks(BATCH),
        breaks,
        position: FollowPosition::new(from, is_unfiltered),
        spoke_at: Instant::now(),
        failure: None,
    };
    let batches = futures::stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        match reader.next_batch().await {
            Ok(batch) => Some((Ok(batch), Some(reader))),
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(batches.boxed())
}

fn config(name: &str, inbox: String, from: Seq, mut filters: Vec<String>) -> push::Config {
    // One filter has its own field, and its own fast path in the server.
    let filter_subject = match filters.as_slice() {
        [_] => filters.remove(0),
        _ => String::new(),
    };
    push::Config {
        name: Some(name.to_owned()),
        deliver_subject: inbox,
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: from,
        },
        ack_policy: AckPolicy::None,
        filter_subject,
        filter_subjects: filters,
        flow_control: true,
        idle_heartbeat: HEARTBEAT,
        inactive_threshold: FORGOTTEN_AFTER,
        memory_storage: true,
        num_replicas: 1,
        ..push::Config::default()
    }
}

struct Reader {
    log: Arc<Inner>,
    selection: Selection,
    reader: EntryReader,
    /// Keeps the consumer alive.
    #[allow(dead_code, reason = "dropped for its effect")]
    consumer: ConsumerName,
    messages: ReadyChunks<Subscriber>,
    breaks: BreakWatch,
    position: FollowPosition,
    /// When the owner last heard anything.
    spoke_at: Instant,
    /// Found behind entries that are still to be shown.
    failure: Option<LogError>,
}

impl Reader {
    async fn next_batch(&mut self) -> Result<Vec<Entry>, LogError> {
        loop {
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            let chunk = self.chunk().await?;
            let mut batch = Vec::with_capacity(chunk.len());
            for message in chunk {
                if let Err(failure) = self.take(message, &mut batch).await {
                    self.failure = Some(failure);
                    break;
                }
            }
            // The unwanted and heartbeats both prove that the follow is alive; its owner hears of it now and then.
            if !batch.is_empty() || self.failure.is_none() && self.spoke_at.elapsed() >= HEARTBEAT {
                self.spoke_at = Instant::now();
                return Ok(batch);
            }
        }
    }

    /// Everything that has arrived, at least one message.
    async fn chunk(&mut self) -> Result<Vec<Message>, LogError> {
        tokio::select! {
            // What arrived before the connection broke is still good.
            biased;
            chunk = self.messages.next() => {
                chunk.ok_or_else(|| Unavailable::Disconnected.into())
            }
            () = self.breaks.broken() => Err(Unavailable::Disconnected.into()),
            () = tokio::time::sleep(SILENCE) => Err(Unavailable::Silent.into()),
        }
    }

    async fn take(&mut self, message: Message, batch: &mut Vec<Entry>) -> Result<(), LogError> {
        let reply = message.reply.as_ref();
        if let Some(delivery) = reply.and_then(|reply| Delivery::parse(reply)) {
            // Any status it carries was set by its publisher.
            return self.take_event(delivery, message, batch).await;
        }
        match message.status {
            None => Err(Unavailable::Nonsense("a delivery without a place".to_owned()).into()),
            Some(StatusCode::IDLE_HEARTBEAT) => self.answer(&message).await,
            Some(status) => Err(Unavailable::Nonsense(format!(
                "the consumer ended: {status:?} {}",
                message.description.unwrap_or_default()
            ))
            .into()),
        }
    }

    async fn take_event(
        &mut self,
        delivery: Delivery,
        message: Message,
        batch: &mut Vec<Entry>,
    ) -> Result<(), LogError> {
        match self.position.judge(delivery) {
            DeliveryCheck::Fine => {}
            DeliveryCheck::Gap => return Err(self.position.gap(delivery.stream_seq)),
            DeliveryCheck::Hole => {
                let expected = self.position.expected();
                self.log.check_gone(expected, delivery.stream_seq).await?;
            }
        }
        self.position.advance(delivery);
        let seq = delivery.stream_seq;
        if self.position.is_before_start(seq) {
            return Ok(());
        }
        let (subject, headers) = (&message.subject, message.headers.as_ref());
        let entry = self
            .reader
            .entry(&self.selection, seq, subject, headers, message.payload)?;
        batch.extend(entry);
        Ok(())
    }

    /// Answers flow control; checks a heartbeat against what has arrived.
    async fn answer(&self, message: &Message) -> Result<(), LogError> {
        let headers = message.headers.as_ref();
        let stalled = headers.and_then(|headers| headers.get(STALLED));
        let reply = match (&message.reply, stalled) {
            (Some(reply), _) => Some(reply.clone()),
            (None, stalled) => stalled.map(|subject| Subject::from(subject.as_str())),
        };
        if let Some(reply) = reply {
            self.log
                .link
                .client
                .publish(reply, Bytes::new())
                .await
                .map_err(|_| Unavailable::Disconnected)?;
        }
        let delivered = headers
            .and_then(|headers| headers.get(NATS_LAST_CONSUMER))
            .and_then(|delivered| delivered.as_str().parse().ok());
        match delivered {
            Some(delivered) if self.position.is_behind(delivered) => {
                Err(self.position.gap(self.position.expected() + 1))
            }
            _ => Ok(()),
        }
    }
}
