//! What is told about collections.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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
    /// Most collections with metrics of their own.
    const MAX_LABELLED: usize = 500;

    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// [`IngestError::Config`] for a time or number that cannot be.
    pub fn validate(&self) -> Result<(), IngestError> {
        if self.interval.is_zero() {
            return Err(IngestError::Config {
                key: "freshness.interval",
                reason: "0s: must be above 0".to_owned(),
            });
        }
        if self.labelled_collections > Self::MAX_LABELLED {
            return Err(IngestError::Config {
                key: "freshness.labelled_collections",
                reason: format!(
                    "{}: must be at most {}",
                    self.labelled_collections,
                    Self::MAX_LABELLED
                ),
            });
        }
        Ok(())
    }
}
