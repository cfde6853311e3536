//! A small filesystem of its own for a program's files: it can be filled, run out of inodes, or refuse to be written.
//!
//! Mounting needs root, or a user namespace in which one is root; in a mount namespace nobody else sees any of it, and it ends
//! with the last process there.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

/// What is written in one go when a volume is filled: a page.
const PIECE: usize = 4096;

/// A mounted tmpfs. Dropping it takes it away.
pub(super) struct Volume {
    folder: TempDir,
}

/// What takes all the room.
pub(super) struct Ballast {
    files: Vec<PathBuf>,
}

impl Volume {
    /// So large, with so many files.
    pub(super) fn mount(mebibytes: u32, inodes: u32) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let limits = format!("size={mebibytes}m,nr_inodes={inodes}");
        run(
            "mount",
            &["-t", "tmpfs", "-o", &limits, "tmpfs"],
            folder.path(),
        )?;
        Ok(Self { folder })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all room but so many bytes; the system's own refusal ends it.
    pub(super) fn fill(&self, leave: usize) -> Result<Ballast> {
        let path = self.path().join("ballast");
        let mut file = File::create(&path)?;
        let piece = [0; PIECE];
        let refusal = loop {
            if let Err(error) = file.write_all(&piece) {
                break error;
            }
        };
        ensure!(
            refusal.kind() == ErrorKind::StorageFull,
            "not full: {refusal}"
        );
        let length = file.metadata()?.len();
        file.set_len(length.saturating_sub(leave as u64))?;
        Ok(Ballast { files: vec![path] })
    }

    /// Takes all inodes: nobody can make a file any more.
    pub(super) fn fill_inodes(&self) -> Result<Ballast> {
        let mut files = Vec::new();
        loop {
            let path = self.path().join(format!("ballast-{}", files.len()));
            match File::create_new(&path) {
                Ok(_) => files.push(path),
                Err(error) if error.kind() == ErrorKind::StorageFull => {
                    return Ok(Ballast { files });
                }
                Err(error) => bail!("not full: {error}"),
            }
        }
    }

    /// Nothing can be written there; nobody may have a file open for writing.
    pub(super) fn forbid_writing(&self) -> Result<()> {
        run("mount", &["-o", "remount,ro"], self.path())
    }

    pub(super) fn allow_writing(&self) -> Result<()> {
        run("mount", &["-o", "remount,rw"], self.path())
    }

    /// What the system says to somebody who writes some bytes into a new file.
    ///
    /// # Errors
    /// When it lets that happen.
    pub(super) fn refusal(&self, bytes: usize) -> Result<String> {
        let path = self.path().join("probe");
        let written = File::create(&path).and_then(|mut file| file.write_all(&vec![0; bytes]));
        let removed = fs::remove_file(&path);
        match written {
            Err(error) => Ok(error.to_string()),
            Ok(()) => {
                removed?;
                bail!("{bytes} bytes can still be written")
            }
        }
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // A process that still has files there keeps it until it ends; nobody else finds it any more.
        drop(run("umount", &["--lazy"], self.folder.path()));
    }
}

impl Ballast {
    /// Gives the room back.
    pub(super) fn remove(self) -> Result<()> {
        self.files.iter().try_for_each(fs::remove_file)?;
        Ok(())
    }
}

fn run(program: &str, args: &[&str], path: &Path) -> Result<()> {
    let output = Command::new(program)
        .args(args)
        .arg(path)
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    ensure!(
        output.status.success(),
        "{program} {args:?} failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
