//! The settings of the edge process: the node, its log, and its operations.

use fanjet_config::role;
use fanjet_log::{LabelsConfig, RawConfig};
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
        /// Which labelers are served.
        pub labels: LabelsConfig,
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
