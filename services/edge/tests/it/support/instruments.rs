//! Instruments whose values can be read where they are.

use std::sync::Arc;

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::Registry;

/// Those of one node. Whoever holds them reads the same.
#[derive(Clone)]
pub(crate) struct Instruments {
    registry: Registry,
    /// Held: without it nothing counts any more.
    provider: Arc<SdkMeterProvider>,
}

impl Instruments {
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .build()
            .unwrap();
        let provider = SdkMeterProvider::builder().with_reader(exporter).build();
        Self {
            registry,
            provider: Arc::new(provider),
        }
    }

    pub(crate) fn meter(&self) -> Meter {
        self.provider.meter("read-in-place")
    }

    /// The sum of a counter or a gauge over its labels, or where one label has a value.
    pub(crate) fn sum(&self, name: &str, wanted: Option<(&str, &str)>) -> f64 {
        self.registry
            .gather()
            .iter()
            .filter(|family| family.name().trim_end_matches("_total") == name)
            .flat_map(|family| family.get_metric())
            .filter(|metric| {
                wanted.is_none_or(|(name, value)| {
                    let labels = metric.get_label();
                    labels
                        .iter()
                        .any(|label| label.name() == name && label.value() == value)
                })
            })
            .map(|metric| metric.get_counter().get_value() + metric.get_gauge().get_value())
            .sum()
    }
}
