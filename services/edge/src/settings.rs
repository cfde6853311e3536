//! Settings of the edge process: the node itself, the log it reads, and what an operator sees of it.

use fanjet_log_nats::NatsConfig;
use fanjet_telemetry::{OpsConfig, TelemetryConfig};
use serde::{Deserialize, Serialize};

use crate::EdgeConfig;
use crate::config::{
    DrainConfig, HttpConfig, HubConfig, ReplayConfig, SubscriberConfig, TailConfig, ZstdConfig,
};

/// Everything in `config.toml` and `process.toml` beside the sources, which name every key there is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeSettings {
    /// Letting clients in.
    #[serde(default)]
    pub http: HttpConfig,
    /// Following the log.
    #[serde(default)]
    pub tail: TailConfig,
    /// Reading what the ring no longer holds.
    #[serde(default)]
    pub replay: ReplayConfig,
    /// Routing and flushing.
    #[serde(default)]
    pub hub: HubConfig,
    /// One connection.
    #[serde(default)]
    pub subscriber: SubscriberConfig,
    /// Compression.
    #[serde(default)]
    pub zstd: ZstdConfig,
    /// Shutting down.
    #[serde(default)]
    pub drain: DrainConfig,
    /// Where the log is.
    pub nats: NatsConfig,
    /// Health and metrics.
    pub ops: OpsConfig,
    /// Logs.
    pub telemetry: TelemetryConfig,
}

impl EdgeSettings {
    /// The commented defaults.
    pub const DEFAULTS: &'static str = concat!(
        include_str!("../config.toml"),
        include_str!("../process.toml")
    );

    /// The node's own part.
    pub fn edge(&self) -> EdgeConfig {
        EdgeConfig {
            http: self.http.clone(),
            tail: self.tail.clone(),
            replay: self.replay.clone(),
            hub: self.hub.clone(),
            subscriber: self.subscriber.clone(),
            zstd: self.zstd.clone(),
            drain: self.drain.clone(),
        }
    }
}
