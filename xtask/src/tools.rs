//! Pinned tools under `target/tools`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::shell::{cargo, run as run_command, target};

const CARGO_DENY: (&str, &str) = ("cargo-deny", "0.20.2");
const CARGO_FUZZ: (&str, &str) = ("cargo-fuzz", "0.13.1");

/// Installs what `cargo xtask test` and `lint` need.
pub(crate) fn run() -> Result<()> {
    println!(
        "nats-server: {}",
        fanjet_testkit::tools::nats_server()?.display()
    );
    println!("Kafka: {}", fanjet_testkit::tools::kafka_jars()?.display());
    println!("cargo-deny: {}", cargo_deny()?.display());
    Ok(())
}

/// The path of cargo-deny, installed when it is not there.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    cargo_tool(CARGO_DENY)
}

/// The path of cargo-fuzz, installed when it is not there.
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
            format!("{name} {version} cannot be installed; it is needed for lint and fuzz runs")
        })?;
    }
    let works = Command::new(&binary)
        .arg("--version")
        .output()
        .is_ok_and(|answer| answer.status.success());
    ensure!(
        works,
        "{} does not run; delete it and try again",
        binary.display()
    );
    Ok(binary)
}

/// A Python of its own in a folder, with the packages of a requirements file and no others.
pub(crate) fn python_packages(folder: &Path, requirements: &Path) -> Result<()> {
    once_per_lock(folder, requirements, || {
        run_command(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let mut pip = Command::new(folder.join("bin/python3"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]);
        pip.args(["--require-hashes", "--only-binary", ":all:", "-r"]);
        run_command(pip.arg(requirements))
    })
}

/// The packages of the lock file that lies in a folder beside its `package.json`.
pub(crate) fn node_packages(folder: &Path) -> Result<()> {
    once_per_lock(folder, &folder.join("package-lock.json"), || {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        run_command(npm.current_dir(folder))
    })
}

/// Installs unless that was done for this very lock file.
pub(crate) fn once_per_lock(
    folder: &Path,
    lock: &Path,
    install: impl Fn() -> Result<()>,
) -> Result<()> {
    let wanted = fs::read(lock).with_context(|| format!("cannot read {}", lock.display()))?;
    let stamp = folder.join("installed.lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    install()?;
    fs::write(&stamp, wanted)?;
    Ok(())
}
