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
use futures::StreamExt;

use crate::consumer::ConsumerName;
use crate::delivery::Delivery;
use crate::log::Inner;
use crate::read::Filling;

/// Replays at the same time that keep their consumers. With more, the oldest are read without.
const MAX_REPLAYS: usize = 64;
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

/// A consumer and what it has delivered beyond the last page.
struct Replay {
    consumer: ConsumerName,
    inbox: String,
    messages: Subscriber,
    ahead: VecDeque<Message>,
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
        let page = page.finish(stop == Stop::AtEnd && filter.is_none());
        if !page.at_end {
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
        let consumer = ConsumerName::new(log);
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
            ahead: VecDeque::new(),
            consumer_seq: 0,
        })
    }

    async fn fill(
        &mut self,
        log: &Inner,
        page: &mut Filling<'_>,
        filter: Option<&str>,
    ) -> Result<Stop, LogError> {
        loop {
            if self.ahead.is_empty() && self.pull(log, page, filter).await.is_none() {
                return Ok(Stop::Odd);
            }
            while let Some(message) = self.ahead.pop_front() {
                let place = message.reply.as_ref().and_then(|it| Delivery::parse(it));
                let Some(place) = place.filter(|place| self.follows(*place, page.next, filter))
                else {
                    return Ok(Stop::Odd);
                };
                let (subject, headers) = (&message.subject, message.headers.as_ref());
                let body = message.payload.clone();
                if !page.push(place.stream_seq, subject, headers, body)? {
                    self.ahead.push_front(message);
                    return Ok(Stop::Enough);
                }
                self.consumer_seq = place.consumer_seq;
                if place.pending == 0 {
                    return Ok(Stop::AtEnd);
                }
            }
            if page.is_enough() || filter.is_some() {
                return Ok(Stop::Enough);
            }
        }
    }

    fn follows(&self, place: Delivery, expected: Seq, filter: Option<&str>) -> bool {
        place.consumer_seq == self.consumer_seq + 1
            && (filter.is_some() || place.stream_seq == expected)
    }

    /// Asks for more and waits until it is there. `None` when there is nothing, or nothing that can be trusted.
    async fn pull(&mut self, log: &Inner, page: &Filling<'_>, filter: Option<&str>) -> Option<()> {
        let count = page.batch_size(filter);
        let bytes = page.batch_bytes();
        let request = format!(r#"{{"batch":{count},"max_bytes":{bytes},"no_wait":true}}"#);
        let subject = format!(
            "$JS.API.CONSUMER.MSG.NEXT.{}.{}",
            log.stream_name,
            self.consumer.as_str()
        );
        log.link
            .client
            .publish_with_reply(subject, self.inbox.clone(), request.into())
            .await
            .ok()?;
        while self.ahead.len() < count {
            let message = tokio::time::timeout(log.config.request_timeout, self.messages.next());
            let message = message.await.ok()??;
            // Says that no more comes for this request, whatever the reason.
            if message.status.is_some() {
                break;
            }
            self.ahead.push_back(message);
        }
        (!self.ahead.is_empty()).then_some(())
    }
}
