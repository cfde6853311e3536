//! Limits that every backend supports.

use fanjet_event::Topic;

/// Largest body of an event in bytes: 2 MiB minus room for a backend's own data about the event.
pub const MAX_BODY: usize = (2 << 20) - (4 << 10);

/// Largest raw frame in bytes: what relays and their clients accept.
pub const MAX_FRAME: usize = 5_000_000;

/// Largest body of an entry about `topic`.
pub fn max_body(topic: &Topic) -> usize {
    match topic {
        Topic::Frame(_) | Topic::Labels(_) => MAX_FRAME,
        _ => MAX_BODY,
    }
}
