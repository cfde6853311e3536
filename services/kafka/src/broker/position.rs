//! The position in the log, stored in Kafka itself: as the offset of a consumer group without members.
//!
//! It is stored beside the messages that it covers, needs no other store, whatever the log is, and can be written in
//! the same transaction as they are. The offset is the seq to read next; its metadata is the time of the last completed
//! event and the log that the seq belongs to: in another log it is meaningless.

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::{LogIdentity, Seq};
use futures::future::BoxFuture;
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerGroupMetadata};
use rdkafka::topic_partition_list::TopicPartitionList;
use tokio::time::Instant;

use super::blocking::blocking;
use super::context::{ClientEvents, Status};
use super::settings;
use crate::KafkaError;
use crate::config::KafkaConfig;
use crate::window::{Mark, Window};

const TIME: &str = "time_us=";
const LOG: &str = "log=";

/// Brokers expire the offsets of an empty group after a week by default.
const REFRESH: Duration = Duration::from_secs(3_600);

/// A stored position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// The seq to read next.
    pub(crate) next: Seq,
    /// The log time of the event before it, if any.
    pub(crate) time_us: Option<u64>,
    /// The log of the seq; `None` when a version that did not record it wrote the position.
    pub(crate) log: Option<LogIdentity>,
}

impl Position {
    fn of(next: i64, metadata: &str) -> Self {
        let part = |name| metadata.split(' ').find_map(|part| part.strip_prefix(name));
        Self {
            next: Seq::try_from(next).unwrap_or(0),
            time_us: part(TIME).and_then(|time| time.parse().ok()),
            log: part(LOG).and_then(|log| log.parse().ok()),
        }
    }
}

fn metadata(mark: Mark, log: LogIdentity) -> String {
    format!("{TIME}{} {LOG}{log}", mark.time_us)
}

/// Reads and writes the position.
pub(crate) struct PositionStore {
    consumer: Arc<BaseConsumer<ClientEvents>>,
    topic: String,
    patience: Duration,
    log: LogIdentity,
    begun: Mark,
    written: Option<(Mark, Instant)>,
}

impl PositionStore {
    pub(crate) fn new(
        config: &KafkaConfig,
        host: &str,
        (status, window): (Status, Arc<Window>),
        log: LogIdentity,
    ) -> Result<Self, KafkaError> {
        let consumer: BaseConsumer<ClientEvents> = settings::position_store(config, host)
            .create_with_context(ClientEvents { status, window })
            .map_err(|source| KafkaError::kafka("failed to create a client", source))?;
        Ok(Self {
            consumer: Arc::new(consumer),
            topic: config.topic.clone(),
            patience: config.request_timeout,
            log,
            begun: Mark::default(),
            written: None,
        })
    }

    /// The connection, for queries.
    pub(crate) fn consumer(&self) -> &Arc<BaseConsumer<ClientEvents>> {
        &self.consumer
    }

    /// Processes the client library's reports about the connection. Must be called regularly.
    pub(crate) fn listen(&self) {
        while self.consumer.poll(Duration::ZERO).is_some() {}
    }

    /// The stored position.
    pub(crate) async fn read(&self) -> Result<Option<Position>, KafkaError> {
        let (consumer, patience) = (Arc::clone(&self.consumer), self.patience);
        let mut asked = TopicPartitionList::new();
        asked.add_partition(&self.topic, 0);
        let doing = "failed to read the position";
        let found = blocking(doing, move || consumer.committed_offsets(asked, patience)).await?;
        let elements = found.elements();
        let Some(element) = elements.first() else {
            return Ok(None);
        };
        element
            .error()
            .map_err(|source| KafkaError::kafka(doing, source))?;
        Ok(match element.offset() {
            Offset::Offset(next) => Some(Position::of(next, element.metadata())),
            _ => None,
        })
    }

    /// The position in Kafka's form.
    pub(crate) fn offsets(&self, mark: Mark) -> Result<TopicPartitionList, KafkaError> {
        let failed = |source| KafkaError::kafka("failed to write the position", source);
        let mut offsets = TopicPartitionList::new();
        let next = i64::try_from(mark.seq + 1)
            .map_err(|_| KafkaError::Broken(format!("seq {} is no offset", mark.seq)))?;
        offsets
            .add_partition_offset(&self.topic, 0, Offset::Offset(next))
            .map_err(failed)?;
        if let Some(mut element) = offsets.find_partition(&self.topic, 0) {
            element.set_metadata(metadata(mark, self.log));
        }
        Ok(offsets)
    }

    /// Earlier sessions stored the position up to here.
    pub(crate) fn begin(&mut self, mark: Mark) {
        self.begun = mark;
    }

    /// What a transaction needs to store the position.
    pub(crate) fn group(&self) -> Option<ConsumerGroupMetadata> {
        self.consumer.group_metadata()
    }

    /// Stores a position. Waits for Kafka's response, up to the request timeout.
    pub(crate) fn writing(&self, mark: Mark) -> BoxFuture<'static, Result<Mark, KafkaError>> {
        let (consumer, offsets) = (Arc::clone(&self.consumer), self.offsets(mark));
        let doing = "failed to write the position";
        Box::pin(async move {
            let offsets = offsets?;
            // The library reports the result only to a caller that waits for it.
            blocking(doing, move || consumer.commit(&offsets, CommitMode::Sync)).await?;
            Ok(mark)
        })
    }

    /// Whether to store this position: it is new, or the brokers may expire the stored one.
    pub(crate) fn is_due(&self, mark: Mark) -> bool {
        self.written
            .is_none_or(|(written, at)| written != mark || at.elapsed() >= REFRESH)
    }

    /// The position that is certainly stored.
    pub(crate) fn written(&self) -> Mark {
        self.written.map_or(self.begun, |(mark, _)| mark)
    }

    /// Everything up to here is certainly stored.
    pub(crate) fn was_written(&mut self, mark: Mark) {
        self.written = Some((mark, Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_says_which_log_it_belongs_to() {
        let log = LogIdentity::new(1_783_175_888_000_000_000, 7);
        let mark = Mark {
            seq: 41,
            time_us: 1_783_175_888_085_434,
        };
        let written = metadata(mark, log);
        let expected = Position {
            next: 42,
            time_us: Some(1_783_175_888_085_434),
            log: Some(log),
        };
        assert_eq!(Position::of(42, &written), expected);
        // As if it had been stored before, by another process.
        let before = Position::of(42, "time_us=1783175888085434");
        assert_eq!(
            before,
            Position {
                log: None,
                ..expected
            }
        );
        for other in ["", "nonsense", "log=1 time_us=x"] {
            let unknown = Position {
                time_us: None,
                log: None,
                ..expected
            };
            assert_eq!(Position::of(42, other), unknown, "{other:?}");
        }
    }
}
