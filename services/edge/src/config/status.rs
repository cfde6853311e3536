//! Cluster information on the status page. Not a settings section: nothing here is configurable.

use std::time::Duration;

use super::constants;

/// The status page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusConfig {
    /// How often the node reads the cluster state.
    pub refresh: Duration,
}

impl Default for StatusConfig {
    fn default() -> Self {
        Self {
            refresh: constants::refresh(),
        }
    }
}
