//! Blocking calls of the client library.

use rdkafka::error::KafkaResult;

use crate::KafkaError;

/// Runs a blocking call.
pub(super) async fn blocking<T: Send + 'static>(
    doing: &str,
    call: impl FnOnce() -> KafkaResult<T> + Send + 'static,
) -> Result<T, KafkaError> {
    match tokio::task::spawn_blocking(call).await {
        Ok(outcome) => outcome.map_err(|source| KafkaError::kafka(doing, source)),
        Err(panicked) => Err(KafkaError::Broken(format!("{doing}: {panicked}"))),
    }
}
