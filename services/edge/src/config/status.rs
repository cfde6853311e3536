//! What the node says about the cluster.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The status page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StatusConfig {
    /// How often the node asks what the leader tells about collections.
    #[serde(with = "humantime_serde")]
    pub refresh: Duration,
}

impl Default for StatusConfig {
    fn default() -> Self {
        Self {
            refresh: Duration::from_secs(5),
        }
    }
}
