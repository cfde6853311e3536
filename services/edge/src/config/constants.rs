//! Values that operators do not need to change, with their reasons. They are fields of the settings so that tests can change
//! them.

use std::time::Duration;

/// The maximum of the HTTP server. Longer filters are sent in the body of a POST.
pub(super) const fn max_url_bytes() -> usize {
    64 << 10
}

/// A connected client answers a close frame within a round trip.
pub(super) const fn close_linger() -> Duration {
    Duration::from_secs(1)
}

/// One MiB. Fewer samples cause more cursor lookups in the log; more do not help.
pub(super) const fn time_index_samples() -> usize {
    65_536
}

/// Ten times the number of collections on the network. Events of others take the slower path.
pub(super) const fn max_collections() -> usize {
    16_384
}

/// Short enough that readers do not notice a single failure.
pub(super) const fn retry_floor() -> Duration {
    Duration::from_millis(100)
}

/// Spares a log that is unavailable for long, and reconnects within seconds.
pub(super) const fn retry_ceiling() -> Duration {
    Duration::from_secs(5)
}

/// What NATS sends at once without internal waits; measured.
pub(super) const fn page_bytes() -> usize {
    128 << 10
}

/// As long as clients wait for a response.
pub(super) const fn cursor_timeout() -> Duration {
    Duration::from_secs(10)
}

/// What a socket accepts in one write; measured.
pub(super) const fn flush_bytes() -> usize {
    96 << 10
}

/// As [`flush_bytes`]: a subscriber that is catching up gets as much at once as a live one.
pub(super) const fn catch_up_bytes() -> usize {
    96 << 10
}

/// As often as the leader publishes.
pub(super) const fn refresh() -> Duration {
    Duration::from_secs(5)
}
