//! What the node says about the cluster. No section: nothing of it is a setting.

use std::time::Duration;

use super::constants;

/// The status page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusConfig {
    /// How often the node asks what the leader tells about collections.
    pub refresh: Duration,
}

impl Default for StatusConfig {
    fn default() -> Self {
        Self {
            refresh: constants::refresh(),
        }
    }
}
