//! Spans and their export to a collector.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::warn;

use crate::{Otlp, OtlpError};

/// A time in a span, from Unix microseconds.
pub fn span_time(unix_us: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(unix_us)
}

/// The tracer provider of a process. Without a collector it is disabled.
#[derive(Debug, Clone, Default)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Exports to `otlp` in batches, from its own thread. Spans that do not fit into its queue are dropped.
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

    /// The tracer for a service's spans; `None` without a collector.
    pub fn tracer(&self, service: &'static str) -> Option<SdkTracer> {
        Some(self.0.as_ref()?.tracer(service))
    }

    /// Exports the remaining spans. Blocks.
    pub fn end(&self) {
        if let Some(provider) = &self.0
            && let Err(error) = provider.shutdown()
        {
            warn!(%error, "failed to export the last spans");
        }
    }
}
