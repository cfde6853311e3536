//! The `[telemetry]` and `[ops]` sections that every service has.

use std::net::SocketAddr;

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

/// Section `[ops]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpsConfig {
    /// Where health and metrics are served. Keep it off the public network.
    pub listen: SocketAddr,
}
