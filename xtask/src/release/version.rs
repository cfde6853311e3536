//! The version, as every file of the tree has it, and what else is the same for all files of a release.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use fanjet_tools::shell::root;

/// The version of a release.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) number: &'static str,
    /// Of the commit, in seconds: the time of every file.
    pub(super) time: String,
    pub(super) is_dry: bool,
}

impl Version {
    /// # Errors
    /// When the files of the tree disagree, or for a release when the commit has no tag of this version or is not everything.
    pub(super) fn of_the_tree(is_dry: bool) -> Result<Self> {
        let number = env!("CARGO_PKG_VERSION");
        let chart = fs::read_to_string(root().join("helm/fanjet/Chart.yaml"))?;
        for field in ["version: ", "appVersion: "] {
            let line = chart.lines().find_map(|line| line.strip_prefix(field));
            let found = line.unwrap_or_default().trim_matches('"');
            ensure!(
                found == number,
                "Chart.yaml: {field}{found}, Cargo.toml: {number}"
            );
        }
        if !is_dry {
            let tag = git(&["tag", "--points-at", "HEAD"])?;
            ensure!(
                tag.lines().any(|tag| tag == format!("v{number}")),
                "the commit has no tag v{number}: --dry-run builds it all the same"
            );
            let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
            ensure!(changed.is_empty(), "not committed: {changed}");
        }
        Ok(Self {
            number,
            time: git(&["log", "-1", "--format=%ct"])?,
            is_dry,
        })
    }

    /// `fanjet-1.2.3`.
    pub(super) fn name(&self) -> String {
        format!("fanjet-{}", self.number)
    }

    /// `linux-amd64`.
    pub(super) fn platform(&self) -> String {
        format!("linux-{}", architecture())
    }
}

/// As Debian and container images name it.
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn git(words: &[&str]) -> Result<String> {
    let answer = Command::new("git").current_dir(root()).args(words).output();
    let answer = answer.context("failed to run git")?;
    ensure!(answer.status.success(), "git {} failed", words.join(" "));
    Ok(String::from_utf8(answer.stdout)?.trim().to_owned())
}
