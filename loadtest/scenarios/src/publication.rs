//! A simulator that can be held to account: it publishes so many frames, from when somebody listens, and writes down what must
//! come of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use fanjet_oracle::Ledger;
use tempfile::TempDir;

/// What is published. Its file goes with it.
pub(crate) struct Publication {
    pub(crate) frames: u64,
    flags: Vec<String>,
    folder: TempDir,
}

impl Publication {
    /// Frames per second, and how many of them.
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

    /// With another flag of the simulator.
    pub(crate) fn with(mut self, flag: &str, value: impl ToString) -> Self {
        self.flags.extend([flag.to_owned(), value.to_string()]);
        self
    }

    /// It keeps so few frames that it does not grow: ingest has long read what it forgets.
    pub(crate) fn forgetful(self) -> Self {
        self.with("--history-frames", 20_000)
    }

    /// It keeps all frames: on a busy machine, or behind a fault, ingest may be far behind.
    pub(crate) fn unforgetful(self) -> Self {
        let frames = self.frames;
        self.with("--history-frames", frames)
            .with("--history-bytes", 16_u64 << 30)
    }

    /// What the simulator is told.
    pub(crate) fn flags(&self) -> &[String] {
        &self.flags
    }

    /// A folder that goes with it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the account is written.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("expected.jsonl")
    }

    /// A ledger with room for all of its events: a frame has 1.2 of them on average.
    pub(crate) fn ledger(&self) -> Arc<Ledger> {
        let room = (self.frames as usize).saturating_mul(2) + 10_000;
        Ledger::new(&self.file(), room)
    }
}
