//! OpenTelemetry instruments, exposed to Prometheus and exported to a collector if there is one.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
#[cfg(target_os = "linux")]
use prometheus::process_collector::ProcessCollector;
use prometheus::{Encoder, Registry, TextEncoder};
use thiserror::Error;
use tracing::warn;

use crate::Otlp;
use crate::logs::lost;

/// A counter with the label `kind` whose values are kept elsewhere: they are asked for at every scrape.
pub fn observe_by_kind<const N: usize>(
    meter: &Meter,
    name: &'static str,
    help: &'static str,
    values: impl Fn() -> [(&'static str, u64); N] + Send + Sync + 'static,
) {
    meter
        .u64_observable_counter(name)
        .with_description(help)
        .with_callback(move |observer| {
            for (kind, value) in values() {
                observer.observe(value, &[KeyValue::new("kind", kind)]);
            }
        })
        .build();
}

/// Metrics cannot be set up or encoded: a defect of this program.
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
    /// An empty set that is only scraped.
    ///
    /// # Errors
    /// [`MetricsError`] when the exporter rejects its settings.
    pub fn new() -> Result<Self, MetricsError> {
        Self::with(None)
    }

    /// An empty set that is scraped, and exported to `otlp` if that is configured.
    ///
    /// # Errors
    /// [`MetricsError`] when an exporter rejects its settings.
    pub fn with(otlp: Option<&Otlp>) -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .without_target_info()
            .scope_info_enabled(false)
            .without_counter_suffixes()
            .without_units()
            .build()
            .map_err(|error| MetricsError(error.to_string()))?;
        // CPU time, memory and descriptors, under the names that every Prometheus dashboard knows.
        #[cfg(target_os = "linux")]
        registry
            .register(Box::new(ProcessCollector::for_self()))
            .map_err(|error| MetricsError(error.to_string()))?;
        let mut provider = SdkMeterProvider::builder().with_reader(exporter);
        if let Some(otlp) = otlp {
            provider = provider.with_resource(otlp.resource());
            let sender = otlp.metrics();
            if let Some(sender) = sender.map_err(|error| MetricsError(error.to_string()))? {
                provider = provider.with_reader(sender);
            }
        }
        let provider = provider.build();
        let meter = provider.meter("fanjet-telemetry");
        show_build(&meter);
        lost::show(&meter);
        Ok(Self { provider, registry })
    }

    /// The meter for a service's instruments. Names are given in full, as Prometheus shows them.
    pub fn meter(&self, service: &'static str) -> Meter {
        self.provider.meter(service)
    }

    /// Exports the last values, if there is a collector. Blocks.
    pub fn end(&self) {
        if let Err(error) = self.provider.shutdown() {
            warn!(%error, "failed to export the last metrics");
        }
    }

    /// The current values in Prometheus' text format.
    ///
    /// # Errors
    /// [`MetricsError`] when two instruments conflict.
    pub fn render(&self) -> Result<Vec<u8>, MetricsError> {
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.registry.gather(), &mut text)
            .map_err(|error| MetricsError(error.to_string()))?;
        Ok(text)
    }
}

/// What runs: its value is always 1, so that a query can multiply by it to see the version.
fn show_build(meter: &Meter) {
    meter
        .u64_observable_gauge("fanjet_build_info")
        .with_description("1, with the version of the program")
        .with_callback(|observer| {
            let version = KeyValue::new("version", env!("CARGO_PKG_VERSION"));
            observer.observe(1, &[version]);
        })
        .build();
}

#[cfg(test)]
mod tests;
