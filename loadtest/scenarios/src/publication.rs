//! A simulator whose output is known: it publishes a number of frames, starting when a client connects, and writes down
//! the expected events.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use fanjet_oracle::Ledger;
use tempfile::TempDir;

/// A published world. Its file is deleted with it.
pub(crate) struct Publication {
    pub(crate) frames: u64,
    flags: Vec<String>,
    folder: TempDir,
}

impl Publication {
    /// Frames per second, and the number of frames.
    pub(crate) fn new(rate: u32, frames: u64) -> Result<Self> {
        let publication = Self {
            frames,
            flags: vec!["--wait-for-client".to_owned()],
            folder: tempfile::tempdir()?,
        };
        let file = publication.file().display().to_string();
        Ok(publication
            .with("--rate", rate)
            .with("--limit", frames)
            .with("--expect-out", file))
    }

    /// Adds a flag of the simulator.
    pub(crate) fn with(mut self, flag: &str, value: impl ToString) -> Self {
        self.flags.extend([flag.to_owned(), value.to_string()]);
        self
    }

    /// It keeps so few frames that its memory stays flat: ingest has read the dropped ones long before.
    pub(crate) fn forgetful(self) -> Self {
        self.with("--history-frames", 20_000)
    }

    /// It keeps all frames: on a busy machine, or after a fault, ingest may be far behind.
    pub(crate) fn unforgetful(self) -> Self {
        let frames = self.frames;
        self.with("--history-frames", frames)
            .with("--history-bytes", 16_u64 << 30)
    }

    /// The simulator's flags.
    pub(crate) fn flags(&self) -> &[String] {
        &self.flags
    }

    /// A temporary folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The path of the file of expected events.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("expected.jsonl")
    }

    /// A ledger with room for all events: a frame has 1.2 of them on average.
    pub(crate) fn ledger(&self) -> Arc<Ledger> {
        let room = (self.frames as usize).saturating_mul(2) + 10_000;
        Ledger::new(&self.file(), room)
    }
}
