//! The events that the simulator published, read while it writes them.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use crate::expected::Expected;

const PAUSE: Duration = Duration::from_millis(2);
/// How many lines are read at once.
const LINES: u64 = 256;

/// A growing file with one line per event.
#[derive(Debug)]
pub struct ExpectedEvents {
    file: BufReader<File>,
    /// The total number of frames. Every frame of an undamaged world has an event.
    frames: u64,
    /// How long the simulator may write nothing before it counts as failed.
    patience: Duration,
    /// Frames whose last event has been read.
    seen: u64,
    lines: u64,
}

impl ExpectedEvents {
    /// Opens the file with the events of this many frames.
    ///
    /// # Errors
    /// When the file does not exist.
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

    /// Reads all events.
    ///
    /// # Errors
    /// When the file does not exist, or the simulator stops before its last frame.
    pub async fn read(path: &Path, frames: u64, patience: Duration) -> Result<Vec<Expected>> {
        let mut expected = Self::open(path, frames, patience)?;
        let mut events = Vec::new();
        while let Some(event) = expected.next().await? {
            events.push(event);
        }
        Ok(events)
    }

    /// The next event; `None` after the last one of the last frame.
    ///
    /// # Errors
    /// When the simulator stops before that, or writes an invalid line.
    pub async fn next(&mut self) -> Result<Option<Expected>> {
        if self.seen == self.frames {
            return Ok(None);
        }
        // Bytes: the file may end in the middle of a character.
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
