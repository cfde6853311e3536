//! The chart as a part of another one, which turns it on and off.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::folders::chart;
use super::tools::Tools;
use fanjet_tools::shell::run as run_command;

/// A chart whose only part this one is.
const PARENT: &str = "apiVersion: v2
name: platform
version: 1.0.0
dependencies:
  - { name: fanjet, version: '>=0.0.0-0', repository: '', condition: fanjet.enabled }
";

/// # Errors
/// When `fanjet.enabled` is not accepted, or changes nothing.
pub(super) fn check(tools: &Tools, kubernetes: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let parts = folder.path().join("charts");
    fs::create_dir(&parts)?;
    fs::write(folder.path().join("Chart.yaml"), PARENT)?;
    let mut package = Command::new(&tools.helm);
    run_command(
        package
            .args(["package", "--destination"])
            .arg(&parts)
            .arg(chart()),
    )?;
    for (enabled, is_rendered) in [("true", true), ("false", false)] {
        let rendered = render(tools, folder.path(), kubernetes, enabled)?;
        ensure!(
            rendered.contains("kind: Deployment") == is_rendered,
            "fanjet.enabled={enabled} as a condition renders: {rendered}"
        );
    }
    println!("chart: another chart turns it on and off");
    Ok(())
}

fn render(tools: &Tools, parent: &Path, kubernetes: &str, enabled: &str) -> Result<String> {
    let mut template = Command::new(&tools.helm);
    template.args(["template", "platform", "--kube-version", kubernetes]);
    template
        .args(["--set", &format!("fanjet.enabled={enabled}")])
        .arg(parent);
    let answer = template.output().context("failed to run helm")?;
    ensure!(
        answer.status.success(),
        "fanjet.enabled={enabled}: {}",
        String::from_utf8_lossy(&answer.stderr)
    );
    Ok(String::from_utf8(answer.stdout)?)
}
