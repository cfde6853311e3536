//! The sections `[telemetry]`, `[otlp]` and `[ops]`, with what the files of the same names beside the sources say.

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
    /// How they look.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Section `[otlp]`. Headers for the collector, such as its key, come from the standard `OTEL_EXPORTER_OTLP_HEADERS`, which
/// the exporter reads by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtlpConfig {
    /// A collector's address, as in `http://collector:4318`. Empty: nothing is sent.
    pub endpoint: String,
    /// How often metrics are sent to it. 0: they are only scraped.
    #[serde(with = "humantime_serde")]
    pub metrics_interval: Duration,
}

/// Section `[ops]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpsConfig {
    /// Where health and metrics are served. Keep it off the public network.
    pub listen: SocketAddr,
}

section!(TelemetryConfig, "telemetry", "../telemetry.toml");
section!(OtlpConfig, "otlp", "../otlp.toml");
section!(OpsConfig, "ops", "../ops.toml");
