//! Values that no operator would set, with the reasons. They are fields of the settings all the same, so that tests can have others.

use std::time::Duration;

/// What the HTTP server takes at most; a filter that needs more is posted.
pub(super) const fn max_url_bytes() -> usize {
    64 << 10
}

/// A client that is still connected answers a close frame within a round trip.
pub(super) const fn close_linger() -> Duration {
    Duration::from_secs(1)
}

/// One MiB. With fewer, cursors are looked up in the log more often; with more, nothing gets better.
pub(super) const fn time_index_samples() -> usize {
    65_536
}

/// Ten times as many as the network has; those beyond take the slower path and work.
pub(super) const fn max_collections() -> usize {
    16_384
}

/// Short enough that a reader does not notice one failure.
pub(super) const fn retry_floor() -> Duration {
    Duration::from_millis(100)
}

/// A log that is away for long is asked gently, and found again within seconds.
pub(super) const fn retry_ceiling() -> Duration {
    Duration::from_secs(5)
}

/// What NATS sends in one go without waiting for itself; measured.
pub(super) const fn page_bytes() -> usize {
    128 << 10
}

/// As long as clients wait for an answer.
pub(super) const fn cursor_timeout() -> Duration {
    Duration::from_secs(10)
}

/// What a socket takes in one write; measured.
pub(super) const fn flush_bytes() -> usize {
    96 << 10
}

/// As [`flush_bytes`]: those behind get as much in one go as those who are live.
pub(super) const fn catch_up_bytes() -> usize {
    96 << 10
}

/// As often as the leader publishes.
pub(super) const fn refresh() -> Duration {
    Duration::from_secs(5)
}
