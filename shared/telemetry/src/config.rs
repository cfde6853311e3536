//! The sections `[telemetry]`, `[otlp]` and `[ops]`; their settings are documented in the TOML files of the same names.

use std::net::SocketAddr;
use std::time::Duration;

use fanjet_config::section;
use serde::{Deserialize, Serialize};

/// Section `[telemetry]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Which log lines are written: a level, or `tracing` directives such as `info,fanjet_ingest=debug`.
    pub log: String,
    /// Their format.
    pub format: LogFormat,
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Section `[otlp]`. Headers for the collector, such as its key, come from the standard `OTEL_EXPORTER_OTLP_HEADERS`,
/// which the exporter reads itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtlpConfig {
    /// The collector's address, for example `http://collector:4318`. Empty: no export.
    pub endpoint: String,
    /// Interval of metric exports. 0: metrics are only scraped.
    #[serde(with = "humantime_serde")]
    pub metrics_interval: Duration,
}

/// Section `[ops]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpsConfig {
    /// Listen address of health and metrics. Keep it off the public network.
    pub listen: SocketAddr,
}

section!(TelemetryConfig, "telemetry", "../telemetry.toml");
section!(OtlpConfig, "otlp", "../otlp.toml");
section!(OpsConfig, "ops", "../ops.toml");
