//! The simulator's own account of what a client must receive, read while it is written.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::time::{Instant, sleep};

/// How long the simulator may write nothing before it is done for.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(2);

/// A file that grows by whole lines, one per event.
pub(super) struct ExpectedEvents {
    file: BufReader<File>,
    /// Frames whose last event has been read. Every frame of an undamaged world has one.
    frames: u64,
}

impl ExpectedEvents {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self {
            file: BufReader::new(file),
            frames: 0,
        })
    }

    /// The next event that v1 serves; `None` behind the last one of `frames` frames.
    pub(super) async fn next(&mut self, frames: u64) -> Result<Option<String>> {
        while self.frames < frames {
            let event: Value = serde_json::from_slice(&self.line().await?)?;
            if event["op_index"].as_u64().map(|index| index + 1) == event["op_count"].as_u64() {
                self.frames += 1;
            }
            if let Some(v1) = event["v1"].as_str() {
                return Ok(Some(v1.to_owned()));
            }
        }
        Ok(None)
    }

    /// Bytes: what has been written so far may end in the middle of a character.
    async fn line(&mut self) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        let started = Instant::now();
        while !line.ends_with(b"\n") {
            if self.file.read_until(b'\n', &mut line)? == 0 {
                ensure!(
                    started.elapsed() < PATIENCE,
                    "the simulator stopped after {} frames",
                    self.frames
                );
                sleep(PAUSE).await;
            }
        }
        Ok(line)
    }
}
