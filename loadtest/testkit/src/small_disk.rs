//! A file system that is small enough to fill up, for tests of a full disk.
//!
//! Mounting needs a privilege. Without it a test runs again in its own namespaces, where it is root; if these are not
//! allowed either, it fails with an explanation.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rustix::process::geteuid;
use tempfile::TempDir;

/// A file system in memory, mounted until this is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    at: TempDir,
}

/// Its size.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Bytes of content.
    pub bytes: u64,
    /// Files and folders.
    pub files: u64,
}

impl SmallDisk {
    /// Mounts one for the test with this name (`module::test`). `None` if the test has run in namespaces, and passed.
    ///
    /// # Errors
    /// When mounting is not possible, or when the test has failed in namespaces.
    pub fn for_test(name: &str, room: Room) -> Result<Option<Self>> {
        let at = tempfile::tempdir()?;
        let mounted = run(
            "mount",
            &["-t", "tmpfs", "-o", &options(room), "tmpfs"],
            at.path(),
        );
        match mounted {
            Ok(()) => Ok(Some(Self { at })),
            Err(_) if !geteuid().is_root() => {
                run_in_namespaces(name)?;
                Ok(None)
            }
            Err(error) => Err(error).context(
                "this test needs a small file system: run it as root, or where user namespaces are allowed",
            ),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.at.path()
    }

    /// Grows or shrinks it.
    ///
    /// # Errors
    /// When it contains more already.
    pub fn resize(&self, room: Room) -> Result<()> {
        let options = format!("remount,{}", options(room));
        run("mount", &["-o", &options], self.path())
    }

    /// Makes it read-only, or writable.
    ///
    /// # Errors
    /// When a file is open for writing.
    pub fn set_read_only(&self, is_read_only: bool) -> Result<()> {
        let access = if is_read_only { "ro" } else { "rw" };
        run("mount", &["-o", &format!("remount,{access}")], self.path())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Files that are still open go away with their last handle.
        run("umount", &["--lazy"], self.at.path()).unwrap_or_default();
    }
}

fn options(Room { bytes, files }: Room) -> String {
    format!("size={bytes},nr_inodes={files}")
}

fn run(program: &str, args: &[&str], path: &Path) -> Result<()> {
    let output = Command::new(program).args(args).arg(path).output();
    let output = output.with_context(|| format!("cannot start {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}", said.trim());
    Ok(())
}

fn run_in_namespaces(test: &str) -> Result<()> {
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount"])
        .arg(std::env::current_exe()?)
        .args([test, "--exact", "--nocapture"])
        .status()
        .context("cannot start unshare, which is needed without the privilege to mount")?;
    ensure!(
        status.success(),
        "{test} failed in its own namespaces, or they are not allowed"
    );
    Ok(())
}
