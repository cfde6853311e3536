//! One line of the simulator's account: an event that must come out.

use anyhow::{Context, Result};
use serde::Deserialize;

/// Which operation of which frame.
pub type Key = (u64, u32);

/// One event that must be in the log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Expected {
    /// The seq of the frame.
    pub relay_seq: u64,
    /// Which operation of the frame this is.
    pub op_index: u32,
    /// How many the frame has.
    pub op_count: u32,
    /// The repo.
    pub did: String,
    /// Of a commit.
    pub collection: Option<String>,
    /// Its JSON with `time_us` 0; `None` for what v1 never serves.
    pub v1: Option<String>,
}

impl Expected {
    /// Reads one line.
    ///
    /// # Errors
    /// When it is none of the simulator's.
    pub fn parse(line: &[u8]) -> Result<Self> {
        serde_json::from_slice(line).with_context(|| {
            let line = String::from_utf8_lossy(line);
            format!("not a line of the simulator's account: {line}")
        })
    }

    /// Reads a whole account.
    ///
    /// # Errors
    /// When a line is none of the simulator's.
    pub fn all(account: &str) -> Result<Vec<Self>> {
        let lines = account.lines();
        lines.map(|line| Self::parse(line.as_bytes())).collect()
    }

    /// Which operation of which frame it is.
    pub fn key(&self) -> Key {
        (self.relay_seq, self.op_index)
    }

    /// Whether nothing more of its frame comes.
    pub fn ends_frame(&self) -> bool {
        self.op_index + 1 == self.op_count
    }
}
