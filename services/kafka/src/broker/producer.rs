//! Sends messages, and runs transactions.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::blocking::blocking;
use super::context::{ClientEvents, is_the_messages_fault};
use super::settings;
use crate::KafkaError;
use crate::config::KafkaConfig;

/// One message.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) topic: &'a str,
    pub(crate) key: &'a [u8],
    pub(crate) payload: &'a [u8],
    pub(crate) headers: Option<OwnedHeaders>,
    /// The token that its acknowledgement carries.
    pub(crate) index: usize,
}

/// Why a message was not sent.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Too much is in flight; retry later.
    Full,
    /// It can never be sent as it is.
    Message(ClientError),
    /// The producer is unusable.
    Producer(KafkaError),
}

/// The producer of one session. Acknowledgements arrive on a thread of its own.
#[derive(Clone)]
pub(crate) struct Producer {
    inner: Arc<ThreadedProducer<ClientEvents>>,
    patience: Duration,
}

impl Producer {
    pub(crate) fn new(
        config: &KafkaConfig,
        host: &str,
        topic_limit: Option<usize>,
        events: ClientEvents,
    ) -> Result<Self, KafkaError> {
        let inner = settings::producer(config, host, topic_limit)
            .create_with_context(events)
            .map_err(|source| KafkaError::kafka("failed to create a producer", source))?;
        Ok(Self {
            inner: Arc::new(inner),
            patience: config.request_timeout,
        })
    }

    /// Queues a message; the library sends it.
    pub(crate) fn send(&self, message: &mut Message<'_>) -> Result<(), Refusal> {
        let mut record = BaseRecord::with_opaque_to(message.topic, message.index)
            .key(message.key)
            .payload(message.payload);
        if let Some(headers) = message.headers.take() {
            record = record.headers(headers);
        }
        let Err((error, record)) = self.inner.send(record) else {
            return Ok(());
        };
        message.headers = record.headers;
        match error.rdkafka_error_code() {
            Some(Code::QueueFull) => Err(Refusal::Full),
            Some(code) if is_the_messages_fault(code) => Err(Refusal::Message(error)),
            _ => {
                let doing = format!("failed to produce to topic {}", message.topic);
                Err(Refusal::Producer(KafkaError::kafka(doing, error)))
            }
        }
    }

    /// Claims the transactional id: the previous owner is fenced, and its open transaction is aborted.
    pub(crate) async fn init_transactions(&self) -> Result<(), KafkaError> {
        let (inner, patience) = (Arc::clone(&self.inner), self.patience);
        blocking("failed to initialize transactions", move || {
            inner.init_transactions(patience)
        })
        .await
    }

    pub(crate) fn begin(&self) -> Result<(), KafkaError> {
        self.inner
            .begin_transaction()
            .map_err(|source| KafkaError::kafka("failed to begin a transaction", source))
    }

    /// Commits messages and position together. After an error the session must end.
    pub(crate) async fn commit(
        &self,
        offsets: TopicPartitionList,
        group: ConsumerGroupMetadata,
    ) -> Result<(), KafkaError> {
        let (inner, patience) = (Arc::clone(&self.inner), self.patience);
        blocking("failed to commit the transaction", move || {
            retried(|| inner.send_offsets_to_transaction(&offsets, &group, patience))?;
            retried(|| inner.commit_transaction(patience))
        })
        .await
    }

    /// Aborts what was sent since the transaction began.
    pub(crate) async fn abort(&self) -> Result<(), KafkaError> {
        let (inner, patience) = (Arc::clone(&self.inner), self.patience);
        blocking("failed to abort the transaction", move || {
            inner.abort_transaction(patience)
        })
        .await
    }

    /// Closes the client. Messages in flight are no longer sent.
    pub(crate) async fn close(self) -> Result<(), KafkaError> {
        let inner = self.inner;
        blocking("failed to close the producer", move || {
            drop(inner);
            Ok(())
        })
        .await
    }
}

/// Errors that the library marks as retriable are retriable.
fn retried(mut call: impl FnMut() -> Result<(), ClientError>) -> Result<(), ClientError> {
    const TRIES: usize = 3;
    let mut outcome = call();
    for _ in 1..TRIES {
        match &outcome {
            Err(ClientError::Transaction(error)) if error.is_retriable() => outcome = call(),
            _ => break,
        }
    }
    outcome
}
