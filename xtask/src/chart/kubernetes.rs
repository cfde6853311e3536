//! Validates every object against Kubernetes' own schemas, strictly: an unknown field is an error.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::folders::output;
use super::render::{Rendered, field};
use super::tools::Tools;

/// Custom resources, which those schemas do not cover.
const EXTENSIONS: [&str; 3] = [
    "monitoring.coreos.com/",
    "gateway.networking.k8s.io/",
    "keda.sh/",
];

pub(super) fn validate(tools: &Tools, rendered: &[Rendered], versions: [&str; 2]) -> Result<()> {
    let folder = output().join("objects");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let mut files = Vec::<PathBuf>::new();
    let mut extensions = Vec::<PathBuf>::new();
    for Rendered { shape, manifests } in rendered {
        ensure!(!manifests.is_empty(), "{shape} renders nothing");
        for (number, manifest) in manifests.iter().enumerate() {
            let version = field(manifest, "apiVersion");
            let version = version.with_context(|| format!("{shape}: no apiVersion: {manifest}"))?;
            let kind = field(manifest, "kind").unwrap_or_default();
            let file = folder.join(format!("{shape}-{number}-{kind}.yaml"));
            fs::write(&file, manifest)?;
            if EXTENSIONS.iter().any(|group| version.starts_with(group)) {
                extensions.push(file);
            } else {
                files.push(file);
            }
        }
    }
    for version in versions {
        let mut validate = Command::new(&tools.kubernetes_validate);
        validate.current_dir(&folder);
        validate.args(["--strict", "--quiet", "-k", version]);
        let names = files.iter().filter_map(|file| file.file_name());
        validate.args(names);
        let shown = format!("{} objects, Kubernetes {version}", files.len());
        let answer = validate
            .output()
            .context("failed to run kubernetes-validate")?;
        ensure!(
            answer.status.success(),
            "{shown}: {}{}",
            String::from_utf8_lossy(&answer.stdout),
            String::from_utf8_lossy(&answer.stderr)
        );
        println!("chart: {shown}: valid");
    }
    check_extensions(tools, &extensions)?;
    println!("chart: {} custom resources: valid", extensions.len());
    must_find_a_mistake(tools, versions)
}

fn check_extensions(tools: &Tools, files: &[PathBuf]) -> Result<()> {
    let mut check = Command::new("node");
    let answer = check.arg(&tools.extensions).args(files).output()?;
    let said = String::from_utf8_lossy(&answer.stderr);
    ensure!(answer.status.success(), "custom resources: {said}");
    Ok(())
}

/// A check that accepts a bad object checks nothing.
fn must_find_a_mistake(tools: &Tools, versions: [&str; 2]) -> Result<()> {
    let bad = output().join("mistake.yaml");
    fs::write(
        &bad,
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndatas: { a: b }\n",
    )?;
    for version in versions {
        let mut validate = Command::new(&tools.kubernetes_validate);
        validate
            .args(["--strict", "--quiet", "-k", version])
            .arg(&bad);
        let answer = validate.output()?;
        ensure!(
            !answer.status.success(),
            "Kubernetes {version}: an unknown field was accepted"
        );
    }
    fs::write(
        &bad,
        "apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nspec: { selector: {}, podMetricsEndpoints: [], a: 1 }\n",
    )?;
    ensure!(
        check_extensions(tools, std::slice::from_ref(&bad)).is_err(),
        "an unknown field was accepted in a custom resource"
    );
    Ok(fs::remove_file(bad)?)
}
