//! Archives whose bytes depend on nothing but their contents.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use fanjet_tools::shell::{root, run as run_command};

use super::version::Version;

/// A program with documents, in a folder of the archive's name.
pub(super) fn of_program(
    version: &Version,
    program: &Path,
    documents: &[&str],
    name: &str,
    to: &Path,
) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let inner = folder.path().join(name);
    fs::create_dir(&inner)?;
    fs::copy(program, inner.join("fanjet"))?;
    for document in documents {
        let original = root().join(document);
        let file = original.file_name().context("documents have names")?;
        fs::copy(&original, inner.join(file))?;
    }
    of_folder(
        version,
        folder.path(),
        name,
        &to.join(format!("{name}.tar.gz")),
    )
}

/// A folder below another one.
pub(super) fn of_folder(version: &Version, at: &Path, name: &str, to: &Path) -> Result<()> {
    let mut tar = Command::new("tar");
    tar.current_dir(at)
        .args([
            "--create",
            "--sort=name",
            "--format=gnu",
            "--mode=u=rwX,go=rX",
        ])
        .args(["--owner=0", "--group=0", "--numeric-owner"])
        .arg(format!("--mtime=@{}", version.time))
        // gzip would write the time of this moment.
        .args(["--use-compress-program", "gzip -9n", "--file"])
        .arg(to)
        .arg(name);
    run_command(&mut tar)
}

#[cfg(test)]
mod tests;
