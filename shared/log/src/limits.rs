//! Limits that every backend supports.

/// Largest body in bytes: 2 MiB minus room for a backend's own data about the event.
pub const MAX_BODY: usize = (2 << 20) - (4 << 10);
