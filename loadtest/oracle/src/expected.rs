//! One expected event: a line of the simulator's output.

use anyhow::{Context, Result};
use serde::Deserialize;

/// The frame and operation of an event.
pub type Key = (u64, u32);

/// One event that must be in the log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Expected {
    /// The seq of the frame.
    pub relay_seq: u64,
    /// The index of the operation in its frame.
    pub op_index: u32,
    /// The number of operations in the frame.
    pub op_count: u32,
    /// The repo.
    pub did: String,
    /// The collection of a commit.
    pub collection: Option<String>,
    /// Its JSON with `time_us` 0; `None` if v1 never serves it.
    pub v1: Option<String>,
}

impl Expected {
    /// Parses one line.
    ///
    /// # Errors
    /// When it is not a line of the simulator.
    pub fn parse(line: &[u8]) -> Result<Self> {
        serde_json::from_slice(line).with_context(|| {
            let line = String::from_utf8_lossy(line);
            format!("not an expected event: {line}")
        })
    }

    /// Parses a whole file.
    ///
    /// # Errors
    /// When a line is not one of the simulator's.
    pub fn all(account: &str) -> Result<Vec<Self>> {
        let lines = account.lines();
        lines.map(|line| Self::parse(line.as_bytes())).collect()
    }

    /// The frame and operation of this event.
    pub fn key(&self) -> Key {
        (self.relay_seq, self.op_index)
    }

    /// Whether this is the last event of its frame.
    pub fn ends_frame(&self) -> bool {
        self.op_index + 1 == self.op_count
    }
}
