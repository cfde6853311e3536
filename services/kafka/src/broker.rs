//! Everything that talks to Kafka.
//!
//! Calls of the client library that wait are made on the blocking pool, with a limit for each.

mod settings;
mod context;
mod topics;
mod position;
mod producer;

pub(crate) use context::{ClientEvents, Status};
pub(crate) use position::{Position, PositionKeeper};
pub(crate) use producer::{Message, Producer, Refusal};
pub(crate) use topics::{Routes, ensure_topics};

use rdkafka::error::KafkaResult;

use crate::KafkaError;

/// Runs a call that waits.
async fn blocking<T: Send + 'static>(
    doing: &str,
    call: impl FnOnce() -> KafkaResult<T> + Send + 'static,
) -> Result<T, KafkaError> {
    match tokio::task::spawn_blocking(call).await {
        Ok(outcome) => outcome.map_err(|source| KafkaError::kafka(doing, source)),
        Err(panicked) => Err(KafkaError::Broken(format!("{doing}: {panicked}"))),
    }
}
