//! A table at one moment, as it is published to other processes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Row;

/// Everything in the table at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When it was taken, in Unix microseconds.
    pub at_us: u64,
    /// When it was taken, in seconds of flow time.
    pub at: f64,
    /// The collections, unordered.
    pub rows: Vec<Row>,
    /// Totals of collections without a row.
    pub other: Other,
    /// The recent upstreams, the current one last.
    pub upstreams: Vec<UpstreamSeen>,
}

/// Totals of collections without a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Other {
    /// Events of collections that had no row at the time.
    pub events: u64,
    /// Rows that were evicted.
    pub forgotten_rows: u64,
}

/// One upstream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpstreamSeen {
    /// Its name.
    pub name: Arc<str>,
    /// When its last frame was processed, in Unix microseconds.
    pub last_us: u64,
    /// Its events since it was first read.
    pub events: u64,
    /// Events per second while it was last read.
    pub per_second: f64,
}

impl Snapshot {
    /// Rows whose silence is unusual.
    pub fn silent(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.is_silent(self.at))
    }
}
