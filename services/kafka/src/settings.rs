//! Settings of the Kafka process: producing itself, the log it reads, and what an operator sees of it.

use std::borrow::Cow;

use fanjet_config::Range;
use fanjet_log_nats::NatsConfig;
use fanjet_service::{PROCESS_RANGES, Settings};
use fanjet_telemetry::{OpsConfig, OtlpConfig, TelemetryConfig};
use serde::{Deserialize, Serialize};

use crate::KafkaConfig;
use crate::config::RANGES;

/// Everything in `kafka.toml` and `process.toml` beside the sources, which name every key there is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaSettings {
    /// Producing.
    #[serde(default)]
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

impl Settings for KafkaSettings {
    const NAME: &'static str = "fanjet-kafka";

    fn defaults() -> Cow<'static, str> {
        Self::DEFAULTS.into()
    }

    fn ranges() -> impl Iterator<Item = Range> {
        let nats = fanjet_log_nats::RANGES.iter().copied();
        RANGES.iter().copied().chain(nats).chain(PROCESS_RANGES)
    }

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

impl KafkaSettings {
    /// The commented defaults of producing itself, whatever process it runs in.
    pub const OWN_DEFAULTS: &'static str = include_str!("../kafka.toml");

    /// The commented defaults of the Kafka process.
    pub const DEFAULTS: &'static str = concat!(
        include_str!("../kafka.toml"),
        include_str!("../process.toml")
    );
}
