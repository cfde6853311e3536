//! All settings of `fanjet serve`: those of ingest, those of the edge, those of Kafka, and which log is between them.

use fanjet_config::{role, section};
use fanjet_edge::EdgeConfig;
use fanjet_ingest::IngestConfig;
use fanjet_kafka::KafkaConfig;
use fanjet_log_embedded::EmbeddedConfig;
use fanjet_log_nats::NatsConfig;
use fanjet_service::{Failure, Settings};
use fanjet_telemetry::{OpsConfig, OtlpConfig, TelemetryConfig};
use serde::{Deserialize, Serialize};

role! {
    /// Every section that there is.
    pub struct ServeSettings {
        /// Reading an upstream.
        pub(crate) ingest: IngestConfig,
        /// Serving clients.
        pub(crate) edge: EdgeConfig,
        /// Producing to Kafka, if its brokers are named.
        pub(crate) kafka: KafkaConfig,
        /// Which log is between them.
        pub(crate) log: LogSettings,
        /// The log in a folder.
        pub(crate) embedded: EmbeddedConfig,
        /// The log in NATS.
        pub(crate) nats: NatsConfig,
        /// Health and metrics.
        pub(crate) ops: OpsConfig,
        /// Where telemetry is sent.
        pub(crate) otlp: OtlpConfig,
        /// Logs.
        pub(crate) telemetry: TelemetryConfig,
    }
}

impl Settings for ServeSettings {
    const NAME: &'static str = "fanjet";

    fn telemetry(&self) -> &TelemetryConfig {
        &self.telemetry
    }

    fn otlp(&self) -> Option<&OtlpConfig> {
        Some(&self.otlp)
    }

    fn ops(&self) -> Option<&OpsConfig> {
        Some(&self.ops)
    }
}

/// Section `[log]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSettings {
    /// Which one.
    pub(crate) kind: LogKind,
}

section!(LogSettings, "log", "../../log.toml");

/// What keeps the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogKind {
    /// Files of this process.
    Embedded,
    /// NATS JetStream.
    Nats,
}

impl ServeSettings {
    /// Checks what the types cannot say, before anything is opened.
    ///
    /// # Errors
    /// An invalid setting by its name.
    pub(crate) fn validate(&self) -> Result<(), Failure> {
        self.ingest.validate()?;
        if self.kafka.is_wanted() {
            self.kafka.validate()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
