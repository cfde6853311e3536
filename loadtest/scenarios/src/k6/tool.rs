//! k6, pinned, and the system's HAProxy.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use fanjet_tools::shell::{run as run_command, target};

const K6: (&str, &str) = ("go.k6.io/k6", "v1.8.1");

/// The path of k6, built with Go if missing.
pub(super) fn k6() -> Result<PathBuf> {
    let (module, version) = K6;
    let folder = target().join("tools").join(format!("k6-{version}"));
    let binary = folder.join("k6");
    if !binary.exists() {
        let module = format!("{module}@{version}");
        run_command(
            Command::new("go")
                .args(["install", &module])
                .env("GOBIN", &folder),
        )
        .context("building k6 needs Go and its module proxy")?;
    }
    Ok(binary)
}

/// The path of HAProxy, installed from Debian if missing.
pub(super) fn haproxy() -> Result<PathBuf> {
    let binary = PathBuf::from("haproxy");
    if !works(&binary) {
        run_command(Command::new("apt-get").args(["install", "--yes", "--quiet", "haproxy"]))
            .context("haproxy is needed: install it with the system's package manager")?;
        ensure!(works(&binary), "failed to run haproxy");
    }
    Ok(binary)
}

fn works(binary: &PathBuf) -> bool {
    let answer = Command::new(binary).arg("-v").output();
    answer.is_ok_and(|answer| answer.status.success())
}
