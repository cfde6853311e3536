//! All settings of `fanjet serve`: those of ingest, those of the edge, those of Kafka, and which log is between them.

use std::borrow::Cow;

use fanjet_config::Range;
use fanjet_edge::config::{
    DrainConfig, HttpConfig, HubConfig, LimitsConfig, ReplayConfig, StatusConfig, SubscriberConfig,
    TailConfig, ZstdConfig,
};
use fanjet_edge::{EdgeConfig, EdgeSettings};
use fanjet_ingest::{FilterConfig, FreshnessConfig, LeaseConfig, PipelineConfig, UpstreamConfig};
use fanjet_kafka::{KafkaConfig, KafkaSettings};
use fanjet_log_embedded::EmbeddedConfig;
use fanjet_log_nats::NatsConfig;
use fanjet_service::{Failure, PROCESS_RANGES, Settings};
use fanjet_telemetry::{OpsConfig, OtlpConfig, TelemetryConfig};
use serde::{Deserialize, Serialize};

/// The part of the defaults that is neither ingest's, nor the edge's, nor Kafka's.
const PROCESS_DEFAULTS: &str = include_str!("../../process.toml");

/// The sections of ingest and edge as they are in the cluster.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServeSettings {
    pub(crate) upstream: UpstreamConfig,
    pub(crate) filter: FilterConfig,
    pub(crate) pipeline: PipelineConfig,
    pub(crate) lease: LeaseConfig,
    pub(crate) freshness: FreshnessConfig,
    #[serde(default)]
    pub(crate) http: HttpConfig,
    #[serde(default)]
    pub(crate) tail: TailConfig,
    #[serde(default)]
    pub(crate) replay: ReplayConfig,
    #[serde(default)]
    pub(crate) hub: HubConfig,
    #[serde(default)]
    pub(crate) subscriber: SubscriberConfig,
    #[serde(default)]
    pub(crate) limits: LimitsConfig,
    #[serde(default)]
    pub(crate) zstd: ZstdConfig,
    #[serde(default)]
    pub(crate) drain: DrainConfig,
    #[serde(default)]
    pub(crate) status: StatusConfig,
    #[serde(default)]
    pub(crate) kafka: KafkaConfig,
    pub(crate) log: LogSettings,
    pub(crate) embedded: EmbeddedConfig,
    pub(crate) nats: NatsConfig,
    pub(crate) ops: OpsConfig,
    pub(crate) otlp: OtlpConfig,
    pub(crate) telemetry: TelemetryConfig,
}

impl Settings for ServeSettings {
    const NAME: &'static str = "fanjet";

    fn defaults() -> Cow<'static, str> {
        [
            fanjet_ingest::OWN_DEFAULTS,
            EdgeSettings::OWN_DEFAULTS,
            KafkaSettings::OWN_DEFAULTS,
            PROCESS_DEFAULTS,
        ]
        .join("\n")
        .into()
    }

    fn ranges() -> impl Iterator<Item = Range> {
        let parts = [
            fanjet_ingest::RANGES,
            fanjet_edge::config::RANGES,
            fanjet_kafka::config::RANGES,
            fanjet_log_embedded::RANGES,
            fanjet_log_nats::RANGES,
        ];
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

/// Section `[log]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSettings {
    /// Which one.
    pub(crate) kind: LogKind,
}

/// What keeps the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub(crate) enum LogKind {
    /// Files of this process.
    Embedded,
    /// NATS JetStream.
    Nats,
}

impl TryFrom<String> for LogKind {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "embedded" => Ok(Self::Embedded),
            "nats" => Ok(Self::Nats),
            _ => Err(format!("{text:?} is no log; allowed: embedded, nats")),
        }
    }
}

impl ServeSettings {
    /// Checks what the types cannot say, before anything is opened.
    ///
    /// # Errors
    /// A wrong setting by its name.
    pub(crate) fn validate(&self) -> Result<(), Failure> {
        self.upstream.validate()?;
        self.pipeline.validate()?;
        self.lease.validate()?;
        self.freshness.validate()?;
        if self.kafka.is_wanted() {
            self.kafka.validate()?;
        }
        Ok(())
    }

    /// The edge's part.
    pub(crate) fn edge(&self) -> EdgeConfig {
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

#[cfg(test)]
mod tests;
