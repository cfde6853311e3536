//! Fuzzing the parsers of foreign bytes.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::tools;
use fanjet_tools::shell::{cargo, root, run as run_command};

/// The fuzzed crate, and its targets.
const TARGETS: &[(&str, &[&str])] = &[
    ("shared/firehose", &["frame", "car", "record"]),
    ("shared/verify", &["inversion", "document"]),
    ("shared/filter", &["query", "client_message"]),
    ("shared/log-embedded", &["segment"]),
];

/// Checks that the lock files of the fuzz crates, which are outside the workspace, follow the manifests of what they use.
///
/// # Errors
/// When cargo would write another one.
pub(crate) fn check_locks() -> Result<()> {
    for (folder, _) in TARGETS {
        let folder = root().join(folder).join("fuzz");
        let mut metadata = cargo();
        metadata.current_dir(&folder);
        metadata.args(["metadata", "--locked", "--format-version", "1"]);
        let ended = metadata.output().context("cannot run cargo metadata")?;
        ensure!(
            ended.status.success(),
            "{}/Cargo.lock is out of date: run `cargo metadata` there, and commit it\n{}",
            folder.display(),
            String::from_utf8_lossy(&ended.stderr).trim()
        );
    }
    println!("fuzz: {} lock files up to date", TARGETS.len());
    Ok(())
}

pub(crate) fn run(seconds: u64) -> Result<()> {
    let cargo_fuzz = tools::cargo_fuzz()?;
    for (folder, targets) in TARGETS {
        for target in *targets {
            // cargo-fuzz needs a nightly compiler, which rustup selects by this variable.
            run_command(
                Command::new(&cargo_fuzz)
                    .current_dir(root().join(folder))
                    .env("RUSTUP_TOOLCHAIN", "nightly")
                    .args(["run", target, "--", &format!("-max_total_time={seconds}")]),
            )?;
        }
    }
    Ok(())
}
