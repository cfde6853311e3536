//! Settings, units in the types. `config.toml` and `process.toml` beside the sources document every key.

mod ranges;
mod upstream;
mod filter;
mod freshness;
mod verify;

use std::borrow::Cow;
use std::time::Duration;

use fanjet_config::Range;
use fanjet_log_nats::NatsConfig;
use fanjet_service::{PROCESS_RANGES, Settings};
use fanjet_telemetry::{OpsConfig, OtlpConfig, TelemetryConfig};
use serde::{Deserialize, Serialize};

pub use filter::FilterConfig;
pub use freshness::FreshnessConfig;
pub use ranges::RANGES;
pub use upstream::{Endpoint, UpstreamConfig};
pub(crate) use verify::base_url;
pub use verify::{VerifyConfig, VerifyMode};

use crate::IngestError;

/// The commented defaults of ingest itself, whatever process it runs in.
pub const OWN_DEFAULTS: &str = include_str!("../config.toml");

/// The commented defaults of the ingest process.
pub const DEFAULTS: &str = concat!(
    include_str!("../config.toml"),
    include_str!("../process.toml")
);

/// Settings of the ingest process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestConfig {
    /// What is read.
    pub upstream: UpstreamConfig,
    /// What of it is kept.
    pub filter: FilterConfig,
    /// How it is processed.
    pub pipeline: PipelineConfig,
    /// Whose turn it is.
    pub lease: LeaseConfig,
    /// What is told about collections.
    pub freshness: FreshnessConfig,
    /// Where it goes.
    pub nats: NatsConfig,
    /// Health and metrics.
    pub ops: OpsConfig,
    /// Where telemetry is sent.
    pub otlp: OtlpConfig,
    /// Logs.
    pub telemetry: TelemetryConfig,
}

/// Section `[pipeline]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineConfig {
    /// Batches decoded at the same time; 0 for one per core.
    pub decode_workers: usize,
    /// Frames in one batch at the most.
    pub batch_frames: usize,
    /// Bytes in one batch at the most (a single frame may be larger).
    pub batch_bytes: usize,
    /// Batches waiting for a decoder.
    pub queue_batches: usize,
    /// How long a shutdown may take.
    #[serde(with = "humantime_serde")]
    pub drain_timeout: Duration,
    /// The share of events whose way is traced.
    pub traced: f64,
    /// Which commits are verified, and where keys come from.
    pub verify: VerifyConfig,
}

/// Section `[lease]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseConfig {
    /// Whether several ingests of one log take turns.
    pub enabled: bool,
    /// How long a leader that says nothing keeps the lease.
    #[serde(with = "humantime_serde")]
    pub ttl: Duration,
    /// How often a leader renews it, and a standby asks.
    #[serde(with = "humantime_serde")]
    pub renew_interval: Duration,
}

impl Settings for IngestConfig {
    const NAME: &'static str = "fanjet-ingest";

    fn defaults() -> Cow<'static, str> {
        DEFAULTS.into()
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

impl IngestConfig {
    /// Checks what the types cannot say, before anything is connected.
    ///
    /// # Errors
    /// [`IngestError::Config`].
    pub fn validate(&self) -> Result<(), IngestError> {
        self.upstream.validate()?;
        self.pipeline.validate()?;
        self.freshness.validate()?;
        self.lease.validate()
    }
}

impl LeaseConfig {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// [`IngestError::Config`], also for times that do not fit together.
    pub fn validate(&self) -> Result<(), IngestError> {
        let refuse = |key, value, allowed: &str| {
            let reason = format!("{value:?}: {allowed}");
            Err(IngestError::Config { key, reason })
        };
        ranges::check("lease.", self)?;
        if self.ttl.subsec_nanos() > 0 {
            let allowed = "must be whole seconds";
            return refuse("lease.ttl", self.ttl, allowed);
        }
        // So that one renewal may fail.
        if self.renew_interval > self.ttl / 3 {
            let allowed = "must be at most a third of lease.ttl";
            return refuse("lease.renew_interval", self.renew_interval, allowed);
        }
        Ok(())
    }
}

impl PipelineConfig {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// [`IngestError::Config`].
    pub fn validate(&self) -> Result<(), IngestError> {
        ranges::check("pipeline.", self)?;
        self.verify.validate()
    }
}
