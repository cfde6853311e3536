//! What one client may take, beside places.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What one client may take, beside places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Messages per second that all subscribers from one address may send together; the rest is read later. 0: no limit.
    pub max_messages_per_second: u64,
    /// Bytes per second that all subscribers from one address may send together, beside one longest message; the rest is
    /// read later. 0: no limit.
    pub max_sent_bytes_per_second: u64,
    /// Bytes that the long messages and bodies of all clients may take while they are read; a client whose message finds no
    /// room is closed with 1013, one whose body finds none is refused with 503.
    pub max_inbound_bytes: usize,
    /// As many of them as all clients from one address may take together; one longest message always may. 0: no limit of
    /// their own.
    pub max_inbound_bytes_per_address: usize,
    /// Bytes that the long filters of all subscribers may take, as long as those are connected; who asks for one that finds no
    /// room is refused with 503, and closed with 1013 when it is connected.
    pub max_filter_bytes: usize,
    /// As many of them as all subscribers from one address may take together. 0: no limit of their own.
    pub max_filter_bytes_per_address: usize,
    /// Bytes per second that all subscribers from one address together get on their way from their cursors to what is
    /// live; they get the rest later. 0: no limit.
    pub max_replay_bytes_per_second: u64,
    /// A file with the keys of clients that get limits of their own. Empty: there are none.
    pub api_keys: PathBuf,
}
