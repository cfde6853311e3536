//! The simulator's own account of everything it published, read when it is complete.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tokio::time::sleep;

const PAUSE: Duration = Duration::from_millis(500);

/// Which operation of which frame.
pub(crate) type Key = (u64, u32);

/// One event that must be in the log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Expected {
    pub(crate) relay_seq: u64,
    pub(crate) op_index: u32,
    op_count: u32,
    /// Of a commit.
    pub(crate) collection: Option<String>,
    /// Its JSON with `time_us` 0; `None` for what v1 never serves.
    pub(crate) v1: Option<String>,
}

impl Expected {
    pub(crate) fn key(&self) -> Key {
        (self.relay_seq, self.op_index)
    }
}

/// Waits until the account covers so many frames, then reads it.
pub(crate) async fn read(path: &Path, frames: u64, patience: Duration) -> Result<Vec<Expected>> {
    let started = Instant::now();
    loop {
        let text = fs::read_to_string(path).context("the simulator's account")?;
        let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
        let events: Vec<Expected> = complete
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?;
        let published = events
            .iter()
            .filter(|event| event.op_index + 1 == event.op_count)
            .count() as u64;
        if published == frames {
            return Ok(events);
        }
        ensure!(
            started.elapsed() < patience,
            "the simulator published {published} of {frames} frames"
        );
        sleep(PAUSE).await;
    }
}
