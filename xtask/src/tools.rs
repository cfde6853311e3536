//! Pinned tools under `target/tools`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use fanjet_tools::shell::{cargo, run as run_command, target};

const CARGO_DENY: (&str, &str) = ("cargo-deny", "0.20.2");
const CARGO_FUZZ: (&str, &str) = ("cargo-fuzz", "0.13.1");

/// Installs the tools for `cargo xtask test` and `lint`.
pub(crate) fn run() -> Result<()> {
    println!("nats-server: {}", fanjet_tools::nats_server()?.display());
    println!("Kafka: {}", fanjet_tools::kafka_jars()?.display());
    println!("cargo-deny: {}", cargo_deny()?.display());
    Ok(())
}

/// The path of cargo-deny, installed if missing.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    cargo_tool(CARGO_DENY)
}

/// The path of cargo-fuzz, installed if missing.
pub(crate) fn cargo_fuzz() -> Result<PathBuf> {
    cargo_tool(CARGO_FUZZ)
}

fn cargo_tool((name, version): (&str, &str)) -> Result<PathBuf> {
    let folder = target().join("tools").join(format!("{name}-{version}"));
    let binary = folder.join("bin").join(name);
    if !binary.exists() {
        let install = ["install", name, "--version", version, "--locked", "--root"];
        run_command(
            cargo()
                .args(install)
                .arg(&folder)
                .arg("--target-dir")
                .arg(target().join("tools-build")),
        )
        .with_context(|| {
            format!("failed to install {name} {version}, which lint and fuzz runs need")
        })?;
    }
    let works = Command::new(&binary)
        .arg("--version")
        .output()
        .is_ok_and(|answer| answer.status.success());
    ensure!(
        works,
        "{} does not run: delete it and retry",
        binary.display()
    );
    Ok(binary)
}
