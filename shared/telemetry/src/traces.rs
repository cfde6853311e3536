//! Spans on their way to a collector.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::warn;

use crate::{Otlp, OtlpError};

/// A moment of a span, from Unix microseconds.
pub fn span_time(unix_us: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(unix_us)
}

/// Where the spans of one process go. Without a collector there are none.
#[derive(Debug, Clone, Default)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Sends to `otlp`, in batches, from a thread of its own. What does not fit into its queue is lost.
    ///
    /// # Errors
    /// [`OtlpError`] when the exporter cannot be built.
    pub fn to(otlp: Option<&Otlp>) -> Result<Self, OtlpError> {
        let Some(otlp) = otlp else {
            return Ok(Self::default());
        };
        let provider = SdkTracerProvider::builder()
            .with_resource(otlp.resource())
            .with_batch_exporter(otlp.spans()?)
            .build();
        Ok(Self(Some(provider)))
    }

    /// Where a service begins its spans; `None` when nobody would see them.
    pub fn tracer(&self, service: &'static str) -> Option<SdkTracer> {
        Some(self.0.as_ref()?.tracer(service))
    }

    /// Sends what is left, and blocks meanwhile.
    pub fn end(&self) {
        if let Some(provider) = &self.0
            && let Err(error) = provider.shutdown()
        {
            warn!(%error, "the last spans are lost");
        }
    }
}
