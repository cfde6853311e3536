//! Settings of collection freshness.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::constants;

/// Section `[ingest.freshness]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreshnessConfig {
    /// The interval at which it is published.
    #[serde(skip, default = "constants::interval")]
    pub interval: Duration,
    /// How many collections have metrics of their own.
    pub labelled_collections: usize,
}
