//! k6, pinned, and whichever HAProxy the system has.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use fanjet_tools::shell::{run as run_command, target};

const K6: (&str, &str) = ("go.k6.io/k6", "v1.8.1");

/// The path of k6, built by Go when it is not there.
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
        .context("k6 is built from its source: Go and its module proxy are needed")?;
    }
    Ok(binary)
}

/// The path of HAProxy, installed from Debian when it is not there.
pub(super) fn haproxy() -> Result<PathBuf> {
    let binary = PathBuf::from("haproxy");
    if !works(&binary) {
        run_command(Command::new("apt-get").args(["install", "--yes", "--quiet", "haproxy"]))
            .context("haproxy is needed: install it with the system's package manager")?;
        ensure!(works(&binary), "haproxy does not run");
    }
    Ok(binary)
}

fn works(binary: &PathBuf) -> bool {
    let answer = Command::new(binary).arg("-v").output();
    answer.is_ok_and(|answer| answer.status.success())
}
