//! Values that no operator would set, with the reasons. They are fields of the settings all the same, so that tests can have others.

use std::time::Duration;

/// A handshake that often costs nothing; what counts is how long an upstream was healthy.
pub(super) const fn probe_interval() -> Duration {
    Duration::from_secs(10)
}

/// Measured: larger batches decode no faster and come later.
pub(super) const fn batch_frames() -> usize {
    64
}

/// For frames that are large; the usual ones reach the count first.
pub(super) const fn batch_bytes() -> usize {
    1 << 20
}

/// Enough to keep every decoder busy; more only waits.
pub(super) const fn queue_batches() -> usize {
    32
}

/// Silence is a matter of minutes.
pub(super) const fn interval() -> Duration {
    Duration::from_secs(5)
}

/// An account gets its key within seconds of its first commit; an identity event makes it be looked up sooner.
pub(super) const fn missing_ttl() -> Duration {
    Duration::from_mins(5)
}
