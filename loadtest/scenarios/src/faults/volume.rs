//! A small file system for a program's files: it can be filled, run out of inodes, or become read-only.
//!
//! Mounting needs root, or a user namespace; in a mount namespace the mount is invisible elsewhere, and ends with the
//! last process in it.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

/// Write size when a volume is filled: a page.
const PIECE: usize = 4096;

/// A mounted tmpfs. Dropping it unmounts it.
pub(super) struct Volume {
    folder: TempDir,
}

/// The file that fills the volume.
pub(super) struct Ballast {
    files: Vec<PathBuf>,
}

impl Volume {
    /// With this size and number of files.
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

    /// Fills the volume except for this many bytes, until the system refuses.
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

    /// Uses all inodes: no file can be created.
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

    /// Makes it read-only; no file may be open for writing.
    pub(super) fn forbid_writing(&self) -> Result<()> {
        run("mount", &["-o", "remount,ro"], self.path())
    }

    pub(super) fn allow_writing(&self) -> Result<()> {
        run("mount", &["-o", "remount,rw"], self.path())
    }

    /// The system's error for a new file with some bytes.
    ///
    /// # Errors
    /// When the write succeeds.
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
        // A process that still has files there keeps it until it ends; it is not reachable by path any more.
        drop(run("umount", &["--lazy"], self.folder.path()));
    }
}

impl Ballast {
    /// Frees the space.
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
