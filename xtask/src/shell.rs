//! Running commands, and knowing where the workspace is.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// The cargo that built this command.
///
/// Without what `cargo run` says about xtask itself: build scripts (ring's) watch these variables, so that a plain
/// `cargo build` and one from here would each undo the other's work.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root());
    let about_xtask = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in about_xtask
        .filter(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
    {
        cargo.env_remove(name);
    }
    cargo
}

/// Runs a command to its end, saying which it is.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    println!("$ {shown}");
    let status = command
        .status()
        .with_context(|| format!("cannot run {shown}"))?;
    ensure!(status.success(), "{shown} failed: {status}");
    Ok(())
}

/// Whether these commands themselves were built with optimisation.
pub(crate) fn is_optimised() -> bool {
    !cfg!(debug_assertions)
}

/// Runs the same command again with optimisation: one that judges hundreds of streams is part of the load.
pub(crate) fn again_optimised() -> Result<()> {
    let mut again = cargo();
    again.args([
        "run",
        "--quiet",
        "--release",
        "--locked",
        "-p",
        "xtask",
        "--",
    ]);
    run(again.args(std::env::args_os().skip(1)))
}

/// Runs the asynchronous part of a command.
pub(crate) fn block_on(command: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(command)
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
