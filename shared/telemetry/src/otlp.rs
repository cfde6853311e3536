//! Export to an OpenTelemetry collector: OTLP over HTTP, as protobuf.
//!
//! A collector outage costs the data that it does not accept, and two log lines. Nothing here may block a service.

mod client;

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::PeriodicReader;
use thiserror::Error;

use crate::OtlpConfig;
use client::Client;

/// The export cannot be set up.
#[derive(Debug, Error)]
pub enum OtlpError {
    /// `otlp.endpoint` is not an address. The operator is at fault.
    #[error(
        "invalid setting otlp.endpoint: {value:?} is not the address of a collector, as in http://collector:4318: {reason}"
    )]
    Endpoint {
        /// The rejected text.
        value: String,
        /// The reason.
        reason: String,
    },
    /// The exporter rejects its settings, which may come from `OTEL_EXPORTER_OTLP_*`.
    #[error("otlp: {0}")]
    Exporter(#[from] ExporterBuildError),
}

/// The export to one collector.
#[derive(Debug, Clone)]
pub struct Otlp {
    endpoint: String,
    metrics_interval: Duration,
    client: Client,
    resource: Resource,
}

impl Otlp {
    /// The export that the settings configure, if any. `service` and `instance` identify the process. Must be called
    /// within the runtime, which sends the requests.
    ///
    /// # Errors
    /// [`OtlpError`].
    pub fn configured(
        config: &OtlpConfig,
        service: &'static str,
        instance: String,
    ) -> Result<Option<Self>, OtlpError> {
        if config.endpoint.is_empty() {
            return Ok(None);
        }
        let refused = |reason: String| OtlpError::Endpoint {
            value: config.endpoint.clone(),
            reason,
        };
        let client = Client::of(&config.endpoint).map_err(refused)?;
        Ok(Some(Self {
            endpoint: config.endpoint.trim_end_matches('/').to_owned(),
            metrics_interval: config.metrics_interval,
            client,
            resource: Resource::builder()
                .with_service_name(service)
                .with_attributes([
                    KeyValue::new("service.instance.id", instance),
                    KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                ])
                .build(),
        }))
    }

    /// The resource attributes of this process.
    pub(crate) fn resource(&self) -> Resource {
        self.resource.clone()
    }

    pub(crate) fn spans(&self) -> Result<SpanExporter, OtlpError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(self.client.clone())
            .with_endpoint(format!("{}/v1/traces", self.endpoint))
            .build()?;
        Ok(exporter)
    }

    /// The periodic reader for metrics, if they are exported.
    pub(crate) fn metrics(&self) -> Result<Option<PeriodicReader<MetricExporter>>, OtlpError> {
        if self.metrics_interval.is_zero() {
            return Ok(None);
        }
        let exporter = MetricExporter::builder()
            .with_http()
            .with_http_client(self.client.clone())
            .with_endpoint(format!("{}/v1/metrics", self.endpoint))
            .build()?;
        let reader = PeriodicReader::builder(exporter)
            .with_interval(self.metrics_interval)
            .build();
        Ok(Some(reader))
    }
}

#[cfg(test)]
mod tests;
