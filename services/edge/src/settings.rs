//! Settings of the edge process: the node itself, the log it reads, and what an operator sees of it.

use std::borrow::Cow;

use fanjet_config::Range;
use fanjet_log_nats::NatsConfig;
use fanjet_service::{PROCESS_RANGES, Settings};
use fanjet_telemetry::{OpsConfig, OtlpConfig, TelemetryConfig};
use serde::{Deserialize, Serialize};

use crate::EdgeConfig;
use crate::config::{
    DrainConfig, HttpConfig, HubConfig, LimitsConfig, RANGES, ReplayConfig, StatusConfig,
    SubscriberConfig, TailConfig, ZstdConfig,
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
    /// What one client may take.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// Compression.
    #[serde(default)]
    pub zstd: ZstdConfig,
    /// Shutting down.
    #[serde(default)]
    pub drain: DrainConfig,
    /// What the node says about the cluster.
    #[serde(default)]
    pub status: StatusConfig,
    /// Where the log is.
    pub nats: NatsConfig,
    /// Health and metrics.
    pub ops: OpsConfig,
    /// Where telemetry is sent.
    pub otlp: OtlpConfig,
    /// Logs.
    pub telemetry: TelemetryConfig,
}

impl Settings for EdgeSettings {
    const NAME: &'static str = "fanjet-edge";

    fn defaults() -> Cow<'static, str> {
        Self::DEFAULTS.into()
    }

    fn ranges() -> impl Iterator<Item = Range> {
        let parts = [RANGES, fanjet_log_nats::RANGES];
        parts.into_iter().flatten().copied().chain(PROCESS_RANGES)
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

impl EdgeSettings {
    /// The commented defaults of the node itself, whatever process it runs in.
    pub const OWN_DEFAULTS: &'static str = include_str!("../config.toml");

    /// The commented defaults of the edge process.
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
            limits: self.limits.clone(),
            zstd: self.zstd.clone(),
            drain: self.drain.clone(),
            status: self.status.clone(),
        }
    }
}
