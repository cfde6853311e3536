//! The Helm chart and the files it shares with other ways to deploy: rendered in every supported shape, validated
//! against Kubernetes' own schemas, and checked by the programs that read the rendered files.

mod folders;
mod copies;
mod schema;
mod readme;
mod rules;
mod tools;
mod render;
mod kubernetes;
mod settings;
mod servers;
mod volume;
mod umbrella;
mod pages;
mod compose;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use fanjet_tools::shell::run as run_command;
use folders::{chart, output};
use render::Rendered;
use tools::Tools;

/// The supported versions of Kubernetes: the oldest and the newest. The chart declares the oldest too.
const KUBERNETES: [&str; 2] = ["1.28", "1.37"];

/// Arguments of `cargo xtask chart`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Update the chart's copies and its settings schema first
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.write {
        copies::write()?;
        schema::write()?;
        readme::write()?;
    }
    copies::check()?;
    schema::check()?;
    readme::check()?;
    let tools = Tools::install()?;
    rules::check(&tools.promtool)?;
    let shapes = values("ci")?;
    ensure!(!shapes.is_empty(), "no ci/*-values.yaml");
    for shape in &shapes {
        lint(&tools, shape)?;
    }
    let rendered = shapes
        .iter()
        .map(|shape| Rendered::of(&tools, shape, KUBERNETES[1]))
        .collect::<Result<Vec<_>>>()?;
    kubernetes::validate(&tools, &rendered, KUBERNETES)?;
    settings::check(&rendered)?;
    servers::check(&rendered)?;
    umbrella::check(&tools, KUBERNETES[1])?;
    pages::check(&tools, KUBERNETES[1])?;
    compose::check()?;
    let refused = values("ci/bad")?;
    for bad in &refused {
        render::must_be_refused(&tools, bad, KUBERNETES[1])?;
    }
    run_command(Command::new(&tools.unittest).arg("--strict").arg(chart()))?;
    render::changes_must_show(
        &tools,
        &chart().join("ci/default-values.yaml"),
        KUBERNETES[1],
    )?;
    package(&tools)?;
    println!(
        "chart: {} shapes rendered, {} invalid values files rejected",
        shapes.len(),
        refused.len()
    );
    Ok(())
}

/// The pinned Helm.
pub(crate) fn helm() -> Result<PathBuf> {
    Ok(Tools::install()?.helm)
}

/// The chart's NATS on a volume of its size.
pub(crate) fn run_volume() -> Result<()> {
    volume::run(KUBERNETES[1])
}

/// The values files of one of the chart's folders, sorted.
fn values(folder: &str) -> Result<Vec<PathBuf>> {
    let folder = chart().join(folder);
    let mut found = Vec::new();
    let entries =
        std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn lint(tools: &Tools, shape: &Path) -> Result<()> {
    let mut lint = Command::new(&tools.helm);
    lint.args([
        "lint",
        "--strict",
        "--quiet",
        "--kube-version",
        KUBERNETES[1],
    ]);
    run_command(lint.arg("--values").arg(shape).arg(chart()))
}

fn package(tools: &Tools) -> Result<()> {
    let mut package = Command::new(&tools.helm);
    package.args(["package", "--destination"]);
    run_command(package.arg(output()).arg(chart()))
}
