//! Settings of the Kafka process: producing itself, the log it reads, and what an operator sees of it.

use fanjet_config::role;
use fanjet_log_nats::NatsConfig;
use fanjet_service::operated_settings;
use fanjet_telemetry::{OpsConfig, OtlpConfig, TelemetryConfig};

use crate::KafkaConfig;

role! {
    /// All sections that `fanjet kafka` reads.
    pub struct KafkaSettings {
        /// Producing.
        pub kafka: KafkaConfig,
        /// Where the log is.
        pub nats: NatsConfig,
        /// Health and metrics.
        pub ops: OpsConfig,
        /// Where telemetry is sent.
        pub otlp: OtlpConfig,
        /// Logs.
        pub telemetry: TelemetryConfig,
    }
    "ops.listen = \"127.0.0.1:6011\""
}

operated_settings!(KafkaSettings, "fanjet-kafka");
