//! Section `[ingest]`, units in the types. `ingest.toml` beside the sources says what each key means, is by default, and may be.

mod constants;
mod upstream;
mod filter;
mod freshness;
mod verify;

use std::time::Duration;

use fanjet_config::section;
use serde::{Deserialize, Serialize};

pub use filter::FilterConfig;
pub use freshness::FreshnessConfig;
pub use upstream::{Endpoint, UpstreamConfig};
pub(crate) use verify::base_url;
pub use verify::{VerifyConfig, VerifyMode};

use crate::IngestError;

/// Settings of ingest itself, whatever process it runs in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestConfig {
    /// What is read.
    pub upstream: UpstreamConfig,
    /// What of it is kept.
    pub filter: FilterConfig,
    /// How it is processed.
    pub pipeline: PipelineConfig,
    /// Which commits are verified, and where keys come from.
    pub verify: VerifyConfig,
    /// Whose turn it is.
    pub lease: LeaseConfig,
    /// Collection freshness.
    pub freshness: FreshnessConfig,
}

section!(IngestConfig, "ingest", "../ingest.toml");

/// Section `[ingest.pipeline]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineConfig {
    /// Batches decoded at the same time; 0 for one per core.
    pub decode_workers: usize,
    /// Frames in one batch at the most.
    #[serde(skip, default = "constants::batch_frames")]
    pub batch_frames: usize,
    /// Bytes in one batch at the most (a single frame may be larger).
    #[serde(skip, default = "constants::batch_bytes")]
    pub batch_bytes: usize,
    /// Batches waiting for a decoder.
    #[serde(skip, default = "constants::queue_batches")]
    pub queue_batches: usize,
    /// How long a shutdown may take.
    #[serde(with = "humantime_serde")]
    pub drain_timeout: Duration,
    /// The share of events whose way is traced.
    pub traced: f64,
}

/// Section `[ingest.lease]`.
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

impl IngestConfig {
    /// Checks what the types cannot say, before anything is connected.
    ///
    /// # Errors
    /// [`IngestError::Config`].
    pub fn validate(&self) -> Result<(), IngestError> {
        self.upstream.validate()?;
        self.filter.load()?;
        self.verify.validate()?;
        self.lease.validate()
    }
}

impl LeaseConfig {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// [`IngestError::Config`], for times that do not fit together.
    pub fn validate(&self) -> Result<(), IngestError> {
        let refuse = |key, value, allowed: &str| {
            let reason = format!("{value:?}: {allowed}");
            Err(IngestError::Config { key, reason })
        };
        if self.ttl.subsec_nanos() > 0 {
            let allowed = "must be whole seconds";
            return refuse("ingest.lease.ttl", self.ttl, allowed);
        }
        // So that one renewal may fail.
        if self.renew_interval > self.ttl / 3 {
            let allowed = "must be at most a third of ingest.lease.ttl";
            return refuse("ingest.lease.renew_interval", self.renew_interval, allowed);
        }
        Ok(())
    }
}
