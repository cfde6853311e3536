//! What one client may take, beside places.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::limits::Rate;

/// What one client may take, beside places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Messages of one client per second; one that sends more is closed with 1008. 0: no limit.
    pub max_messages_per_second: u64,
    /// Bytes of one client per second, over ten seconds and beside one longest message; one that sends more is closed
    /// with 1008. 0: no limit.
    pub max_sent_bytes_per_second: u64,
    /// Bytes that the long messages of all clients may take while they are read; a client whose message finds no room is
    /// closed with 1013.
    pub max_inbound_bytes: usize,
    /// Bytes per second that all subscribers from one address together get on their way from their cursors to what is
    /// live; they get the rest later. 0: no limit.
    pub max_replay_bytes_per_second: u64,
    /// A file with the keys of clients that get limits of their own. Empty: there are none.
    pub api_keys: PathBuf,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            max_messages_per_second: 100,
            max_sent_bytes_per_second: 1_000_000,
            max_inbound_bytes: 256 << 20,
            max_replay_bytes_per_second: 256 << 20,
            api_keys: PathBuf::new(),
        }
    }
}

/// Over so long a client may send its bytes as it likes.
const SECONDS_AT_ONCE: u64 = 10;

impl LimitsConfig {
    /// Messages of one client.
    pub(crate) fn messages(&self) -> Rate {
        // All of them are obeyed in one go, while other clients of the thread wait.
        Rate::steady(self.max_messages_per_second)
    }

    /// Bytes of one client whose messages may have so many.
    pub(crate) fn sent_bytes(&self, max_message_bytes: usize) -> Rate {
        let per_second = self.max_sent_bytes_per_second;
        let at_once = per_second.saturating_mul(SECONDS_AT_ONCE);
        Rate {
            per_second,
            at_once: at_once.saturating_add(max_message_bytes as u64),
        }
    }
}
