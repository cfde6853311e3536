//! The simulator's account of what it published, read while it is written.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use crate::expected::Expected;

const PAUSE: Duration = Duration::from_millis(2);
/// So many lines are read in one go.
const LINES: u64 = 256;

/// A file that grows by whole lines, one per event.
#[derive(Debug)]
pub struct Account {
    file: BufReader<File>,
    /// How many frames there will be. Every frame of an undamaged world has an event.
    frames: u64,
    /// How long the simulator may write nothing before it is done for.
    patience: Duration,
    /// Frames whose last event has been read.
    seen: u64,
    lines: u64,
}

impl Account {
    /// Opens the account of so many frames.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn open(path: &Path, frames: u64, patience: Duration) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self {
            file: BufReader::new(file),
            frames,
            patience,
            seen: 0,
            lines: 0,
        })
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// When there is no such file, or the simulator stops before its last frame.
    pub async fn read(path: &Path, frames: u64, patience: Duration) -> Result<Vec<Expected>> {
        let mut account = Self::open(path, frames, patience)?;
        let mut events = Vec::new();
        while let Some(event) = account.next().await? {
            events.push(event);
        }
        Ok(events)
    }

    /// The next event; `None` behind the last one of the last frame.
    ///
    /// # Errors
    /// When the simulator stops before that, or writes anything else.
    pub async fn next(&mut self) -> Result<Option<Expected>> {
        if self.seen == self.frames {
            return Ok(None);
        }
        // Bytes: what has been written so far may end in the middle of a character.
        let mut line = Vec::new();
        let started = Instant::now();
        while !line.ends_with(b"\n") {
            if self.file.read_until(b'\n', &mut line)? == 0 {
                ensure!(
                    started.elapsed() < self.patience,
                    "the simulator stopped after {} of {} frames",
                    self.seen,
                    self.frames
                );
                sleep(PAUSE).await;
            }
        }
        self.lines += 1;
        if self.lines.is_multiple_of(LINES) {
            yield_now().await;
        }
        let event = Expected::parse(&line)?;
        self.seen += u64::from(event.ends_frame());
        Ok(Some(event))
    }
}

#[cfg(test)]
mod tests;
