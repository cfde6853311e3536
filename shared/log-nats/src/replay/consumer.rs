//! A consumer, and what it delivers beyond the last page.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::{Message, Subscriber};
use fanjet_log::{LogError, Seq};
use futures::{FutureExt, StreamExt};

use super::budget::Share;
use crate::connect::{BreakWatch, Link};
use crate::consumer::ConsumerName;
use crate::delivery::Delivery;
use crate::entry::EntryReader;
use crate::filling::Filling;
use crate::inner::Inner;

/// When the server removes a consumer without a reader.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);
/// How long a page that has something waits for more: the next match may be far away.
const LINGER: Duration = Duration::from_millis(20);

/// Gives room for what a request may bring, if there is any.
type Room<'a> = &'a (dyn Fn() -> Option<Share> + Sync);

/// Reads on where its last page ended.
pub(super) struct Replay {
    link: Link,
    breaks: BreakWatch,
    consumer: ConsumerName,
    inbox: String,
    /// Requests so far: each has a reply subject of its own, `<inbox>.<number>`.
    requests: u64,
    messages: Subscriber,
    reader: EntryReader,
    is_filtered: bool,
    /// For the first request.
    first_room: Option<Share>,
    /// What the last request may still bring.
    requested: Option<Requested>,
    /// The first that did not fit into the last page.
    peeked: Option<Message>,
    consumer_seq: u64,
}

/// What a request may still bring; bytes are counted low, so there may be fewer.
struct Requested {
    messages: usize,
    bytes: usize,
    room: Share,
}

/// Why a replay stopped filling a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// It is enough.
    Enough,
    /// Nothing more was there.
    AtEnd,
    /// Something is odd; the replay is over.
    Odd,
}

impl Replay {
    /// A consumer, which costs the server something: not without room for what it brings.
    pub(super) async fn open(
        log: &Inner,
        room: Share,
        from: Seq,
        filters: &[String],
    ) -> Option<Self> {
        let link = log.reads.link().await.ok()??;
        let breaks = link.watch();
        let inbox = link.client.new_inbox();
        let messages = link.client.subscribe(format!("{inbox}.*")).await.ok()?;
        let consumer = ConsumerName::new(&log.link.client, &log.config, &log.stream_name);
        // One filter has its own field, and its own fast path in the server.
        let (filter_subject, filter_subjects) = match filters {
            [one] => (one.clone(), Vec::new()),
            several => (String::new(), several.to_vec()),
        };
        let wanted = pull::Config {
            name: Some(consumer.as_str().to_owned()),
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: from,
            },
            ack_policy: AckPolicy::None,
            filter_subject,
            filter_subjects,
            inactive_threshold: FORGOTTEN_AFTER,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let created = log
            .jetstream
            .create_consumer_on_stream(wanted, &log.stream_name);
        created.await.ok()?;
        Some(Self {
            link,
            breaks,
            consumer,
            inbox,
            requests: 0,
            messages,
            reader: log.reader(),
            is_filtered: !filters.is_empty(),
            first_room: Some(room),
            requested: None,
            peeked: None,
            consumer_seq: 0,
        })
    }

    /// Whether others could have room if it went.
    pub(super) fn holds_room(&self) -> bool {
        self.requested.is_some()
    }

    pub(super) async fn fill(
        &mut self,
        log: &Inner,
        page: &mut Filling<'_>,
        room: Room<'_>,
    ) -> Result<Stop, LogError> {
        let stop = self.add_to(log, page, room).await?;
        if let Some(requested) = &mut self.requested {
            let (messages, bytes) = (requested.messages, requested.bytes);
            // The one that was peeked at is still held.
            let peeked = self.peeked.as_ref().map(|it| it.payload.len());
            let messages = messages + usize::from(peeked.is_some());
            requested
                .room
                .keep_for(messages, bytes + peeked.unwrap_or_default());
        }
        Ok(stop)
    }

    async fn add_to(
        &mut self,
        log: &Inner,
        page: &mut Filling<'_>,
        room: Room<'_>,
    ) -> Result<Stop, LogError> {
        while !page.is_enough() {
            // Where everything is wanted the next one is as near as any.
            let lingers = self.is_filtered && !page.is_empty();
            let message = if lingers {
                match tokio::time::timeout(LINGER, self.next(log, room)).await {
                    Ok(message) => message,
                    Err(_) => return Ok(Stop::Enough),
                }
            } else {
                self.next(log, room).await
            };
            let Some(message) = message else {
                return Ok(Stop::Odd);
            };
            let place = message.reply.as_ref().and_then(|it| Delivery::parse(it));
            let Some(place) = place.filter(|place| self.follows(*place, page.next)) else {
                return Ok(Stop::Odd);
            };
            if !page.has_room(message.payload.len()) {
                self.peeked = Some(message);
                return Ok(Stop::Enough);
            }
            let (subject, headers) = (&message.subject, message.headers.as_ref());
            let seq = place.stream_seq;
            let body = message.payload;
            if !page.push(&mut self.reader, seq, subject, headers, body)? {
                return Ok(Stop::Odd);
            }
            self.consumer_seq = place.consumer_seq;
            if place.pending == 0 {
                return Ok(Stop::AtEnd);
            }
        }
        Ok(Stop::Enough)
    }

    fn follows(&self, place: Delivery, expected: Seq) -> bool {
        place.consumer_seq == self.consumer_seq + 1
            && (self.is_filtered || place.stream_seq == expected)
    }

    /// The next message. `None` when there is none, or nothing that can be trusted. May be dropped while it waits.
    async fn next(&mut self, log: &Inner, room: Room<'_>) -> Option<Message> {
        if let Some(message) = self.peeked.take() {
            return Some(message);
        }
        // A request ends early when the next message would be too much for it. Asked alone it comes, unless it is
        // too large by itself.
        for _ in 0..2 {
            let is_new = self.requested.as_ref().is_none_or(|it| it.messages == 0);
            if is_new {
                self.request(log, room).await?;
            }
            let message = self.arriving(log).await?;
            if message.status.is_none() {
                self.arrived(&message);
                return Some(message);
            }
            self.requested = None;
            if is_new {
                return None;
            }
        }
        None
    }

    fn arrived(&mut self, message: &Message) {
        if let Some(requested) = &mut self.requested {
            requested.messages = requested.messages.saturating_sub(1);
            requested.bytes = requested.bytes.saturating_sub(message.payload.len());
        }
    }

    async fn request(&mut self, log: &Inner, room: Room<'_>) -> Option<()> {
        // Its room may be what is lacking.
        self.requested = None;
        let room = match self.first_room.take() {
            Some(room) => room,
            None => room()?,
        };
        let (messages, bytes) = room.fits();
        let request = format!(r#"{{"batch":{messages},"max_bytes":{bytes},"no_wait":true}}"#);
        let subject = format!(
            "{}.CONSUMER.MSG.NEXT.{}.{}",
            log.config.api(),
            log.stream_name,
            self.consumer.as_str()
        );
        let client = &self.link.client;
        self.requests += 1;
        // Before anything is sent: a duplicate request is worse than a wait without success.
        self.requested = Some(Requested {
            messages,
            bytes,
            room,
        });
        client
            .publish_with_reply(subject, self.reply(), request.into())
            .await
            .ok()
    }

    /// A message, or the server's status for the last request. A status for an earlier request is no news: a request
    /// with a byte limit gets a completion status although everything arrived.
    async fn arriving(&mut self, log: &Inner) -> Option<Message> {
        loop {
            let message = match self.messages.next().now_or_never() {
                Some(message) => message?,
                None => {
                    let patience = log.config.request_timeout;
                    tokio::select! {
                        biased;
                        message = self.messages.next() => message?,
                        () = self.breaks.broken() => return None,
                        () = tokio::time::sleep(patience) => return None,
                    }
                }
            };
            if message.status.is_none() || *message.subject == self.reply() {
                return Some(message);
            }
        }
    }

    fn reply(&self) -> String {
        format!("{}.{}", self.inbox, self.requests)
    }
}
