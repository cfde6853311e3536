//! What every backend can take.

/// Largest body in bytes: 2 MiB less what a backend needs for its own words about the event.
pub const MAX_BODY: usize = (2 << 20) - (4 << 10);
