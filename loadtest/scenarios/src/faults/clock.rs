//! Another real-time clock for one program, as if the machine's clock had been set: a preloaded library, so that the
//! program needs no back door.
//!
//! The library is built with the C compiler that links every Rust program.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::service::Launch;

const SOURCE: &str = include_str!("clock.c");

/// The clock of one program.
pub(super) struct Clock {
    file: File,
    folder: TempDir,
}

impl Clock {
    /// A correct clock.
    pub(super) fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("clock");
        fs::write(&path, [0; 16])?;
        let file = File::options().read(true).write(true).open(&path)?;
        let source = folder.path().join("clock.c");
        fs::write(&source, SOURCE)?;
        let clock = Self { file, folder };
        let made = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([clock.library(), source])
            .output()
            .context("cannot run cc, a C compiler")?;
        let said = String::from_utf8_lossy(&made.stderr);
        ensure!(made.status.success(), "cc failed: {}", said.trim());
        Ok(clock)
    }

    /// A program with this clock.
    pub(super) fn launch(&self) -> Launch {
        let path = |path: PathBuf| path.display().to_string();
        let env = [
            ("LD_PRELOAD", path(self.library())),
            ("CLOCK_FILE", path(self.folder.path().join("clock"))),
        ];
        Launch::with_env(env.to_vec())
    }

    /// Sets how many seconds it is ahead from now on.
    pub(super) fn set(&self, ahead: i64) -> Result<()> {
        Ok(self.file.write_all_at(&ahead.to_ne_bytes(), 0)?)
    }

    /// How often the program has read it while it was wrong.
    pub(super) fn asked(&self) -> Result<u64> {
        let mut asked = [0; 8];
        self.file.read_exact_at(&mut asked, 8)?;
        Ok(u64::from_ne_bytes(asked))
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("clock.so")
    }
}
