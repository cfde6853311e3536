//! Instruments with readable values.

use std::sync::Arc;

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::Registry;

/// The instruments of one node. Clones read the same values.
#[derive(Clone)]
pub(crate) struct Instruments {
    registry: Registry,
    /// Kept alive: without it nothing is recorded.
    provider: Arc<SdkMeterProvider>,
}

impl Instruments {
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            // Names as the program shows them.
            .without_counter_suffixes()
            .without_units()
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

    /// The sum of a counter or gauge over its labels, or for one label value.
    pub(crate) fn sum(&self, name: &str, wanted: Option<(&str, &str)>) -> f64 {
        self.registry
            .gather()
            .iter()
            .filter(|family| family.name() == name)
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
