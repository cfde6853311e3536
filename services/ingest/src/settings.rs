//! Settings of the ingest process: ingest itself, the log it writes, and what an operator sees of it.

use fanjet_config::role;
use fanjet_log::{LabelsConfig, RawConfig};
use fanjet_log_nats::NatsConfig;
use fanjet_service::operated_settings;
use fanjet_telemetry::{OpsConfig, OtlpConfig, TelemetryConfig};

use crate::config::IngestConfig;

role! {
    /// All sections that `fanjet ingest` reads.
    pub struct IngestSettings {
        /// Ingest itself.
        pub ingest: IngestConfig,
        /// Whether the raw log is written too.
        pub raw: RawConfig,
        /// Where the log is.
        pub nats: NatsConfig,
        /// Health and metrics.
        pub ops: OpsConfig,
        /// Where telemetry is sent.
        pub otlp: OtlpConfig,
        /// Logs.
        pub telemetry: TelemetryConfig,
    }
    "ops.listen = \"127.0.0.1:6010\""
}

operated_settings!(IngestSettings, "fanjet-ingest");

role! {
    /// All sections that `fanjet labels` reads.
    pub struct LabelsSettings {
        /// The lease, lookups and connections.
        pub ingest: IngestConfig,
        /// The labelers, and the log of their frames.
        pub labels: LabelsConfig,
        /// Where the log is.
        pub nats: NatsConfig,
        /// Health and metrics.
        pub ops: OpsConfig,
        /// Where telemetry is sent.
        pub otlp: OtlpConfig,
        /// Logs.
        pub telemetry: TelemetryConfig,
    }
    "ops.listen = \"127.0.0.1:6013\""
}

operated_settings!(LabelsSettings, "fanjet-labels");
