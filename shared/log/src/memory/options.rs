//! Options of the in-memory log.

use std::time::Duration;

/// How a [`MemoryLog`](super::MemoryLog) behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryOptions {
    /// Entries kept; the oldest are deleted first.
    pub max_entries: usize,
    /// Bytes of bodies kept; the oldest are deleted first. The newest entry stays, however large.
    pub max_bytes: usize,
    /// Entries that one page scans. A page stops there, empty if nothing matched.
    pub page_scan: usize,
    /// Interval of heartbeats of an idle follow.
    pub heartbeat: Duration,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            max_entries: usize::MAX,
            max_bytes: usize::MAX,
            page_scan: 4096,
            heartbeat: Duration::from_secs(1),
        }
    }
}
