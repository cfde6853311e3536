//! OpenTelemetry instruments, exposed for Prometheus.

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Encoder, Registry, TextEncoder};
use thiserror::Error;

/// Metrics cannot be set up or written out: a defect of this program.
#[derive(Debug, Error)]
#[error("metrics: {0}")]
pub struct MetricsError(String);

/// All instruments of one process.
#[derive(Debug, Clone)]
pub struct Metrics {
    provider: SdkMeterProvider,
    registry: Registry,
}

impl Metrics {
    /// An empty set.
    ///
    /// # Errors
    /// [`MetricsError`] when the exporter refuses its settings.
    pub fn new() -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .without_target_info()
            .scope_info_enabled(false)
            .without_counter_suffixes()
            .without_units()
            .build()
            .map_err(|error| MetricsError(error.to_string()))?;
        Ok(Self {
            provider: SdkMeterProvider::builder().with_reader(exporter).build(),
            registry,
        })
    }

    /// Where a service makes its instruments. Names are given in full, as Prometheus shows them.
    pub fn meter(&self, service: &'static str) -> Meter {
        self.provider.meter(service)
    }

    /// The current values in Prometheus' text format.
    ///
    /// # Errors
    /// [`MetricsError`] when two instruments contradict each other.
    pub fn render(&self) -> Result<Vec<u8>, MetricsError> {
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.registry.gather(), &mut text)
            .map_err(|error| MetricsError(error.to_string()))?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
