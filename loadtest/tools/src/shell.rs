//! Runs commands, and finds the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// The workspace's root.
pub fn root() -> &'static Path {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    folders.into_iter().nth(2).unwrap_or(Path::new("."))
}

/// The target folder.
pub fn target() -> PathBuf {
    root().join("target")
}

/// The folder of recorded frames beside the workspace, if it exists; tests pass without it.
pub fn corpus_folder() -> Option<PathBuf> {
    root()
        .join("../shared/corpus")
        .canonicalize()
        .ok()
        .filter(|folder| folder.join("frames.bin.zst").exists())
}

/// The cargo that built this command.
///
/// Without the variables that `cargo run` sets for this command: build scripts (ring's) watch them, so that a plain
/// `cargo build` and one from here would each invalidate the other's work.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root());
    let about_us = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in about_us
        .filter(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
    {
        cargo.env_remove(name);
    }
    cargo
}

/// Prints and runs a command.
///
/// # Errors
/// When it cannot be started, or fails.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    println!("$ {shown}");
    let status = command
        .status()
        .with_context(|| format!("cannot run {shown}"))?;
    ensure!(status.success(), "{shown} failed: {status}");
    Ok(())
}

/// Runs a command and shows its output only if it fails.
pub(crate) fn run_quietly(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?} failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

fn show(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
