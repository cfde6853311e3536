//! Sending to an OpenTelemetry collector: OTLP over HTTP, as protobuf.
//!
//! A collector that is away costs what it does not take, and two lines in the log. Nothing here may hold a service up.

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

/// Sending cannot be set up.
#[derive(Debug, Error)]
pub enum OtlpError {
    /// `otlp.endpoint` is no address. The operator's fault.
    #[error(
        "wrong setting otlp.endpoint: {value:?} is not the address of a collector, as in http://collector:4318: {reason}"
    )]
    Endpoint {
        /// The refused text.
        value: String,
        /// Why.
        reason: String,
    },
    /// The exporter refuses its settings, which may stand in `OTEL_EXPORTER_OTLP_*`.
    #[error("otlp: {0}")]
    Exporter(#[from] ExporterBuildError),
}

/// The way to a collector.
#[derive(Debug, Clone)]
pub struct Otlp {
    endpoint: String,
    metrics_interval: Duration,
    client: Client,
    resource: Resource,
}

impl Otlp {
    /// The way that the settings name, if they name one. `service` and `instance` tell the collector who sends. Must be called
    /// within the runtime, which carries the requests.
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

    /// Who sends.
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

    /// What sends metrics from time to time, if they shall be sent.
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
