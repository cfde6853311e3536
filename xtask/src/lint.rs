//! All checks that run no program of the project.

use std::process::Command;

use anyhow::Result;

use crate::{deps, docs, fuzz, modules, tidy, tools, words};
use fanjet_tools::shell::{cargo, root, run as run_command};

/// Those that read files and nothing else.
pub(crate) fn texts() -> Result<()> {
    tidy::check()?;
    words::check()?;
    docs::check()
}

pub(crate) fn run() -> Result<()> {
    run_command(cargo().args(["fmt", "--all", "--check"]))?;
    texts()?;
    deps::check()?;
    modules::check(&[])?;
    fuzz::check_locks()?;
    run_command(cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))?;
    run_command(
        Command::new(tools::cargo_deny()?)
            .current_dir(root())
            .args(["check", "bans", "licenses", "sources"]),
    )?;
    println!("lint: all checks passed");
    Ok(())
}

/// Known vulnerabilities. Not a part of lint: they appear without a change of the project.
pub(crate) fn advisories() -> Result<()> {
    run_command(
        Command::new(tools::cargo_deny()?)
            .current_dir(root())
            .args(["check", "advisories"]),
    )
}
