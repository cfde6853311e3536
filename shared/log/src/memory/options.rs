//! What a test may choose.

use std::time::Duration;

/// How a [`MemoryLog`](super::MemoryLog) behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryOptions {
    /// Entries kept; the oldest go first.
    pub max_entries: usize,
    /// Bytes of bodies kept; the oldest go first. The newest entry stays, however large.
    pub max_bytes: usize,
    /// Entries one page looks at: beyond it a page comes back, empty when nothing matched.
    pub page_scan: usize,
    /// How often an idle follow says that it is alive.
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
