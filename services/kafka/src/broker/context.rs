//! What the client library reports by itself: errors, its log, acknowledgements.

use std::sync::Arc;

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::Message;
use rdkafka::producer::{DeliveryResult, ProducerContext};
use rdkafka::types::RDKafkaErrorCode as Code;
use tracing::{debug, error, info, warn};

use crate::KafkaError;
use crate::error::code_of;
use crate::window::{Refused, Window};

/// The state of the connection, shared by all clones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Status(Arc<Mutex<Trouble>>);

#[derive(Debug, Default)]
struct Trouble {
    /// The error.
    failed: Option<String>,
    /// What the client library reported about the connection since the last success.
    heard: Option<String>,
}

impl Status {
    /// All errors since the last success.
    pub(crate) fn trouble(&self) -> Option<String> {
        let trouble = self.0.lock();
        match (&trouble.failed, &trouble.heard) {
            (Some(failed), Some(heard)) => Some(format!("{failed}; {heard}")),
            (failed, heard) => failed.as_ref().or(heard.as_ref()).cloned(),
        }
    }

    pub(crate) fn failed(&self, what: impl Into<String>) {
        self.0.lock().failed = Some(what.into());
    }

    /// Whether the error is news. "All brokers down" never replaces a cause.
    fn heard(&self, what: &KafkaError, is_why: bool) -> bool {
        let mut trouble = self.0.lock();
        let is_news = trouble.heard.is_none();
        if is_why || is_news {
            trouble.heard = Some(what.to_string());
        }
        is_news
    }

    pub(crate) fn fine(&self) {
        *self.0.lock() = Trouble::default();
    }
}

/// Receives the client library's reports.
#[derive(Debug, Clone)]
pub(crate) struct ClientEvents {
    pub(crate) status: Status,
    pub(crate) window: Arc<Window>,
}

impl ClientContext for ClientEvents {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error => info!(facility, said = message, "Kafka client"),
            _ => debug!(facility, said = message, "Kafka client"),
        }
    }

    fn error(&self, error: ClientError, reason: &str) {
        let is_why = code_of(&error) != Some(Code::AllBrokersDown);
        let known = KafkaError::kafka(reason, error);
        // Unreachable brokers are retried many times per second.
        if self.status.heard(&known, is_why) {
            warn!(error = %known, "Kafka is failing");
        } else {
            debug!(error = %known, "Kafka is still failing");
        }
    }
}

impl ProducerContext for ClientEvents {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        let (error, message) = match result {
            Ok(_) => {
                self.window.complete(index);
                return;
            }
            Err(failed) => failed,
        };
        let code = code_of(error);
        match self.window.seq(index) {
            Some(seq) if code.is_some_and(is_the_messages_fault) => self.window.refuse(Refused {
                index,
                seq,
                topic: message.topic().to_owned(),
                key: message.key().unwrap_or_default().to_vec(),
                payload: message.payload().unwrap_or_default().to_vec(),
                error: error.clone(),
            }),
            // The remaining messages when a session ends.
            _ if matches!(code, Some(Code::PurgeQueue | Code::PurgeInflight)) => {}
            _ => {
                let doing = format!("failed to produce to topic {}", message.topic());
                let failure = KafkaError::kafka(doing, error.clone());
                error!(error = %failure, "Kafka rejected a message");
                self.window.fail(failure);
            }
        }
    }
}

impl ConsumerContext for ClientEvents {}

/// Whether Kafka would accept another message in its place.
pub(super) fn is_the_messages_fault(code: Code) -> bool {
    matches!(
        code,
        Code::MessageSizeTooLarge
            | Code::InvalidMessage
            | Code::InvalidMessageSize
            | Code::InvalidRecord
            | Code::InvalidTimestamp
            | Code::PolicyViolation
    )
}
