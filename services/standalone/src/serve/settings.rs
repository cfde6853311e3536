//! All settings of `fanjet serve`: ingest, edge, Kafka, and the log between them.

use fanjet_config::{role, section};
use fanjet_edge::EdgeConfig;
use fanjet_ingest::{IngestConfig, Labels};
use fanjet_kafka::KafkaConfig;
use fanjet_log::{LabelsConfig, RawConfig};
use fanjet_log_embedded::EmbeddedConfig;
use fanjet_log_nats::NatsConfig;
use fanjet_service::{Failure, operated_settings};
use fanjet_telemetry::{OpsConfig, OtlpConfig, TelemetryConfig};
use serde::{Deserialize, Serialize};

role! {
    /// Every existing section.
    pub struct ServeSettings {
        /// Reads an upstream.
        pub(crate) ingest: IngestConfig,
        /// Serves clients.
        pub(crate) edge: EdgeConfig,
        /// Sends to Kafka, if it names brokers.
        pub(crate) kafka: KafkaConfig,
        /// The log between them.
        pub(crate) log: LogSettings,
        /// The raw log beside it.
        pub(crate) raw: RawConfig,
        /// The labelers, and the log of their frames.
        pub(crate) labels: LabelsConfig,
        /// The log in a folder.
        pub(crate) embedded: EmbeddedConfig,
        /// The log in NATS.
        pub(crate) nats: NatsConfig,
        /// Health and metrics.
        pub(crate) ops: OpsConfig,
        /// The collector of telemetry.
        pub(crate) otlp: OtlpConfig,
        /// Logs.
        pub(crate) telemetry: TelemetryConfig,
    }
}

operated_settings!(ServeSettings, "fanjet");

/// Section `[log]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSettings {
    /// The backend.
    pub(crate) kind: LogKind,
}

section!(LogSettings, "log", "../../log.toml");

/// The backend that keeps the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogKind {
    /// Files in a folder.
    Embedded,
    /// NATS JetStream.
    Nats,
}

impl ServeSettings {
    /// Checks what the types cannot express, before anything is opened.
    ///
    /// # Errors
    /// The name of an invalid setting.
    pub(crate) fn validate(&self) -> Result<(), Failure> {
        self.ingest.validate()?;
        Labels::validate(&self.ingest, &self.labels)?;
        if self.kafka.is_wanted() {
            self.kafka.validate()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
