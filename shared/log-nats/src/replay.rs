//! Pages for readers that read on: a pull consumer that is kept from page to page.
//!
//! Only the middle of a replay is read this way. Whenever anything is odd (a hole, an error, the end of the log, a
//! message larger than asked for) the consumer is dropped, and the page is read as if there had been none: that way knows
//! the difference between an expired entry and a lost one, and where the log ends.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::{Message, Subscriber};
use fanjet_log::{LogError, Page, ReadLimit, Selection, Seq};
use futures::{FutureExt, StreamExt};

use crate::consumer::ConsumerName;
use crate::delivery::Delivery;
use crate::log::Inner;
use crate::read::{BATCH, Filling};

/// Replays at the same time that keep their consumers. With more, the oldest are read without.
const MAX_REPLAYS: usize = 64;
/// Messages of one request: the server sends the next pages while the first is being worked on.
const AHEAD: usize = 4 * BATCH;
/// Bytes of one request: what a replay holds in memory beyond its page.
const AHEAD_BYTES: usize = 4 << 20;
/// When the server forgets a consumer that nobody reads from.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);

/// The places where pages ended, at each of which its reader may go on.
#[derive(Default)]
pub(crate) struct Replays {
    expected: Mutex<VecDeque<Place>>,
}

/// Where a page ended.
struct Place {
    next: Seq,
    filter: Option<String>,
    /// From the second page on.
    replay: Option<Replay>,
}

/// A consumer, and what it delivers beyond the last page.
struct Replay {
    consumer: ConsumerName,
    inbox: String,
    messages: Subscriber,
    /// How many more the last request may bring.
    requested: usize,
    /// The first that did not fit into the last page.
    peeked: Option<Message>,
    consumer_seq: u64,
}

impl Replays {
    /// Remembers that a page ended here.
    pub(crate) fn expect(&self, next: Seq, filter: Option<String>) {
        self.keep(Place {
            next,
            filter,
            replay: None,
        });
    }

    /// The page at `from`, if one ended there before. `None`: read it otherwise.
    pub(crate) async fn page(
        &self,
        log: &Inner,
        from: Seq,
        filter: Option<&str>,
        selection: &Selection,
        limit: ReadLimit,
    ) -> Result<Option<Page>, LogError> {
        let Some(place) = self.take(from, filter) else {
            return Ok(None);
        };
        let replay = match place.replay {
            Some(replay) => Some(replay),
            None => Replay::open(log, from, filter).await,
        };
        let Some(mut replay) = replay else {
            return Ok(None);
        };
        let mut page = Filling::new(log, from, selection, limit);
        let stop = replay.fill(log, &mut page, filter).await?;
        if page.next == from {
            return Ok(None);
        }
        // Where a replica's messages end, or those that match, the log need not end.
        let page = page.finish(false);
        if stop != Stop::AtEnd {
            self.keep(Place {
                next: page.next,
                filter: place.filter,
                replay: (stop == Stop::Enough).then_some(replay),
            });
        }
        Ok(Some(page))
    }

    fn take(&self, next: Seq, filter: Option<&str>) -> Option<Place> {
        let mut expected = self.lock();
        let at = expected
            .iter()
            .position(|place| place.next == next && place.filter.as_deref() == filter)?;
        expected.remove(at)
    }

    fn keep(&self, place: Place) {
        let mut expected = self.lock();
        let oldest = if expected.len() == MAX_REPLAYS {
            expected.pop_front()
        } else {
            None
        };
        expected.push_back(place);
        drop(expected);
        // Outside the lock: it says goodbye to the server.
        drop(oldest);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Place>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a replay stopped filling a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// It is enough.
    Enough,
    /// Nothing more was there.
    AtEnd,
    /// Something is odd; the replay is over.
    Odd,
}

impl Replay {
    async fn open(log: &Inner, from: Seq, filter: Option<&str>) -> Option<Self> {
        let client = &log.link.client;
        let inbox = client.new_inbox();
        let messages = client.subscribe(inbox.clone()).await.ok()?;
        let consumer = ConsumerName::new(&log.link.client, &log.stream_name);
        let wanted = pull::Config {
            name: Some(consumer.as_str().to_owned()),
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: from,
            },
            ack_policy: AckPolicy::None,
            filter_subject: filter.unwrap_or_default().to_owned(),
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
            consumer,
            inbox,
            messages,
            requested: 0,
            peeked: None,
            consumer_seq: 0,
        })
    }

    async fn fill(
        &mut self,
        log: &Inner,
        page: &mut Filling<'_>,
        filter: Option<&str>,
    ) -> Result<Stop, LogError> {
        while !page.is_enough() {
            let Some(message) = self.next(log).await else {
                return Ok(Stop::Odd);
            };
            let place = message.reply.as_ref().and_then(|it| Delivery::parse(it));
            let Some(place) = place.filter(|place| self.follows(*place, page.next, filter)) else {
                return Ok(Stop::Odd);
            };
            let (subject, headers) = (&message.subject, message.headers.as_ref());
            let body = message.payload.clone();
            if !page.push(place.stream_seq, subject, headers, body)? {
                self.peeked = Some(message);
                return Ok(Stop::Enough);
            }
            self.consumer_seq = place.consumer_seq;
            if place.pending == 0 {
                return Ok(Stop::AtEnd);
            }
        }
        Ok(Stop::Enough)
    }

    fn follows(&self, place: Delivery, expected: Seq, filter: Option<&str>) -> bool {
        place.consumer_seq == self.consumer_seq + 1
            && (filter.is_some() || place.stream_seq == expected)
    }

    /// The next message. `None` when there is none, or nothing that can be trusted.
    async fn next(&mut self, log: &Inner) -> Option<Message> {
        if let Some(message) = self.peeked.take() {
            return Some(message);
        }
        let has_requested = self.requested == 0;
        if has_requested {
            self.request(log).await?;
        }
        let message = self.arriving(log).await?;
        if message.status.is_none() {
            self.requested -= 1;
            return Some(message);
        }
        // A request ends early when the next message would be too much for it. Asked alone it comes, unless it is
        // too large by itself.
        self.requested = 0;
        if has_requested {
            return None;
        }
        self.request(log).await?;
        let message = self.arriving(log).await?;
        self.requested -= 1;
        message.status.is_none().then_some(message)
    }

    async fn request(&mut self, log: &Inner) -> Option<()> {
        let request = format!(r#"{{"batch":{AHEAD},"max_bytes":{AHEAD_BYTES},"no_wait":true}}"#);
        let subject = format!(
            "$JS.API.CONSUMER.MSG.NEXT.{}.{}",
            log.stream_name,
            self.consumer.as_str()
        );
        let client = &log.link.client;
        client
            .publish_with_reply(subject, self.inbox.clone(), request.into())
            .await
            .ok()?;
        self.requested = AHEAD;
        Some(())
    }

    async fn arriving(&mut self, log: &Inner) -> Option<Message> {
        if let Some(message) = self.messages.next().now_or_never() {
            return message;
        }
        let arriving = tokio::time::timeout(log.config.request_timeout, self.messages.next());
        arriving.await.ok()?
    }
}
