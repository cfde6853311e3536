//! Packages of other languages, each in its own folder, pinned by their lock files.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell::run;

/// Creates a Python environment in a folder, with the packages of a requirements file and no others.
///
/// # Errors
/// When `python3` with `venv` and `pip`, or its package index, is not available.
pub fn python_packages(folder: &Path, requirements: &Path) -> Result<()> {
    once_per_lock(folder, requirements, || {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let mut pip = Command::new(folder.join("bin/python3"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]);
        pip.args(["--require-hashes", "--only-binary", ":all:", "-r"]);
        run(pip.arg(requirements))
    })
}

/// Installs the packages of the lock file next to a `package.json`.
///
/// # Errors
/// When `npm` or its registry is not available.
pub fn node_packages(folder: &Path) -> Result<()> {
    once_per_lock(folder, &folder.join("package-lock.json"), || {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        run(npm.current_dir(folder))
    })
}

/// Installs unless that was done for the same lock file.
///
/// # Errors
/// When the lock file cannot be read, or `install` fails.
pub fn once_per_lock(folder: &Path, lock: &Path, install: impl Fn() -> Result<()>) -> Result<()> {
    let wanted = fs::read(lock).with_context(|| format!("cannot read {}", lock.display()))?;
    let stamp = folder.join("installed.lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    install()?;
    fs::write(&stamp, wanted)?;
    Ok(())
}
