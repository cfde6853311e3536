//! A table at one moment, as it is told to others.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Row;

/// Everything that is known at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When it was made, in Unix microseconds.
    pub at_us: u64,
    /// When it was made, in seconds of flow time.
    pub at: f64,
    /// The collections, in no order.
    pub rows: Vec<Row>,
    /// What has no row.
    pub other: Other,
    /// The upstreams that were read of late, the present one last.
    pub upstreams: Vec<UpstreamSeen>,
}

/// What is counted together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Other {
    /// Events of collections that had no row when they came.
    pub events: u64,
    /// Rows that made room for others.
    pub forgotten_rows: u64,
}

/// One upstream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpstreamSeen {
    /// Its name.
    pub name: Arc<str>,
    /// When something of it was last processed, in Unix microseconds.
    pub last_us: u64,
    /// Events that it brought since it is known.
    pub events: u64,
    /// Events per second while it was last read.
    pub per_second: f64,
}

impl Snapshot {
    /// Rows that are silent against their own rhythm.
    pub fn silent(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.is_silent(self.at))
    }
}
