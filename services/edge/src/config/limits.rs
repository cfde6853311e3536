//! Limits per client, except the number of connections.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Limits per client, except the number of connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Messages per second from all subscribers of one address together; the node reads the rest later. 0: no limit.
    pub max_messages_per_second: u64,
    /// Bytes per second from all subscribers of one address together, in addition to one message of maximum length; the node
    /// reads the rest later. 0: no limit.
    pub max_sent_bytes_per_second: u64,
    /// Bytes that the long messages and bodies of all clients may occupy while they are read. Without room a connected client
    /// is closed with 1013, and a body is refused with 503.
    pub max_inbound_bytes: usize,
    /// The share of these bytes for all clients of one address together; one message of maximum length is always allowed. 0:
    /// no separate limit.
    pub max_inbound_bytes_per_address: usize,
    /// Bytes that the long filters of all connected subscribers may occupy. Without room a request is refused with 503, and a
    /// connected client is closed with 1013.
    pub max_filter_bytes: usize,
    /// The share of these bytes for all subscribers of one address together. 0: no separate limit.
    pub max_filter_bytes_per_address: usize,
    /// Bytes per second that all subscribers of one address together get while they replay; they get the rest later. 0: no
    /// limit.
    pub max_replay_bytes_per_second: u64,
    /// A file with the API keys of clients that have their own limits. Empty: no keys.
    pub api_keys: PathBuf,
}
