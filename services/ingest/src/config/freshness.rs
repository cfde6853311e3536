//! What is told about collections.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ranges;
use crate::IngestError;

/// Section `[freshness]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreshnessConfig {
    /// How often it is told to all.
    #[serde(with = "humantime_serde")]
    pub interval: Duration,
    /// How many collections have metrics of their own.
    pub labelled_collections: usize,
}

impl Default for FreshnessConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            labelled_collections: 50,
        }
    }
}

impl FreshnessConfig {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// [`IngestError::Config`] for a time or number that cannot be.
    pub fn validate(&self) -> Result<(), IngestError> {
        ranges::check("freshness.", self)
    }
}
