//! Settings of the edge process: the node itself, the log it reads, and what an operator sees of it.

use fanjet_config::role;
use fanjet_log_nats::NatsConfig;
use fanjet_service::Settings;
use fanjet_telemetry::{OpsConfig, OtlpConfig, TelemetryConfig};

use crate::EdgeConfig;

role! {
    /// All sections that `fanjet edge` reads.
    pub struct EdgeSettings {
        /// The node itself.
        pub edge: EdgeConfig,
        /// Where the log is.
        pub nats: NatsConfig,
        /// Health and metrics.
        pub ops: OpsConfig,
        /// Where telemetry is sent.
        pub otlp: OtlpConfig,
        /// Logs.
        pub telemetry: TelemetryConfig,
    }
}

impl Settings for EdgeSettings {
    const NAME: &'static str = "fanjet-edge";

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
