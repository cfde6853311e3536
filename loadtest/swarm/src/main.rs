//! The command line of the load generator: one run against one server, a table for people, JSON for programs.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to a person and to the harness that starts it"
)]

mod conductors;
mod processes;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use fanjet_swarm::{Plan, Report, Target, World, probe, run};

use conductors::{Clockwork, Orders};

/// Subscribe to any Jetstream server many times, check some streams in full, and measure
///
/// Exits with 1 if anything is wrong: connections that were rejected or closed unexpectedly, events that are missing,
/// repeated, out of order, not matching the filter, or invalid.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    plan: Plan,
    /// Write the report to this file as JSON
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print the report as JSON instead of a table
    #[arg(long)]
    json: bool,
    /// The number of this process: it starts and ends its window on lines from standard input
    #[arg(long, hide = true)]
    process: Option<u64>,
}

fn main() -> ExitCode {
    match swarm(&Args::parse()) {
        Ok(report) if report.faults().is_empty() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn swarm(args: &Args) -> Result<Report> {
    let plan = &args.plan;
    let target = Target::parse(&plan.url)?;
    let world = match &plan.world {
        Some(path) => read_world(path)?,
        None if plan.needs_world() => {
            let world = probe(&target, Duration::from_secs_f64(plan.probe))?;
            let (dids, collections) = (world.dids.len(), world.collections.len());
            eprintln!("the stream shows {dids} DIDs and {collections} collections");
            world
        }
        None => World::default(),
    };
    let report = match args.process {
        Some(process) => {
            let part = (process, plan.processes);
            run(plan, &target, &world, part, &mut Orders)?
        }
        None if plan.processes > 1 => processes::run(plan, &world)?,
        None => run(plan, &target, &world, (0, 1), &mut Clockwork::of(plan))?,
    };
    let document = serde_json::to_string(&report)?;
    if let Some(out) = &args.out {
        fs::write(out, &document).with_context(|| format!("cannot write {}", out.display()))?;
    }
    match args.json {
        true => println!("{document}"),
        false => print!("{report}"),
    }
    Ok(report)
}

fn read_world(path: &Path) -> Result<World> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a world", path.display()))
}
