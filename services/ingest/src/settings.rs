//! Settings of the ingest process: ingest itself, the log it writes, and what an operator sees of it.

use fanjet_config::role;
use fanjet_log_nats::NatsConfig;
use fanjet_service::Settings;
use fanjet_telemetry::{OpsConfig, OtlpConfig, TelemetryConfig};

use crate::config::IngestConfig;

role! {
    /// All sections that `fanjet ingest` reads.
    pub struct IngestSettings {
        /// Ingest itself.
        pub ingest: IngestConfig,
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

impl Settings for IngestSettings {
    const NAME: &'static str = "fanjet-ingest";

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
