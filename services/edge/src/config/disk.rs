//! History on the node's own disk.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The local tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskConfig {
    /// The folder, for one node alone.
    pub path: PathBuf,
    /// Maximum bytes on disk. 0: no local tier.
    pub max_bytes: u64,
    /// Bytes per second at which older events are read from the log. 0: none are.
    pub fill: u64,
}
