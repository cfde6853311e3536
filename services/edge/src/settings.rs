//! The settings of the edge process: the node, its log, and its operations.

use fanjet_config::role;
use fanjet_log::RawConfig;
use fanjet_log_nats::NatsConfig;
use fanjet_service::operated_settings;
use fanjet_telemetry::{OpsConfig, OtlpConfig, TelemetryConfig};

use crate::EdgeConfig;

role! {
    /// All sections that `fanjet edge` reads.
    pub struct EdgeSettings {
        /// The node.
        pub edge: EdgeConfig,
        /// Whether the raw log is served.
        pub raw: RawConfig,
        /// The log.
        pub nats: NatsConfig,
        /// Health and metrics.
        pub ops: OpsConfig,
        /// Telemetry export.
        pub otlp: OtlpConfig,
        /// Logs.
        pub telemetry: TelemetryConfig,
    }
}

operated_settings!(EdgeSettings, "fanjet-edge");
