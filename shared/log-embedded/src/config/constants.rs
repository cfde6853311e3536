//! Values that no operator would set, with the reasons. They are fields of the settings all the same, so that tests can have others.

use std::time::Duration;

/// Far more than arrives during one sync.
pub(super) const fn window_events() -> usize {
    16_384
}

/// Likewise, and small beside what a process takes anyway.
pub(super) const fn window_bytes() -> usize {
    16 << 20
}

/// What a solid-state disk does at once without anybody waiting longer; replays have a bound of their own.
pub(super) const fn concurrent_reads() -> usize {
    8
}

/// As NATS does.
pub(super) const fn heartbeat() -> Duration {
    Duration::from_secs(1)
}
