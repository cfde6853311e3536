//! Real faults on real programs: full disks, servers that refuse, broken outputs, wrong clocks, hostile peers.
//!
//! The behavior of programs and clients during and after a fault is checked against `docs/operate/faults.md`, which
//! alone defines it: a fault without a row fails, and so does a row without a fault. Independent evidence shows that
//! each fault took effect.

mod probe;
mod table;

mod follower;
mod upstream_proxy;
mod hostile;
mod volume;
mod clock;

mod testbed;
mod trial;

mod disk;
mod output;
mod clocks;
mod upstream;
mod ports;
mod nats;
mod tier;

mod catalogue;

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, bail, ensure};
use fanjet_tools::programs::{Profile, build};
use fanjet_tools::shell::target;
use futures::{StreamExt, stream};

use crate::runtime::block_on;
use catalogue::{ALL, Fault};
use table::Row;
use trial::Trial;

/// Deadline of a trial.
const LIMIT: Duration = Duration::from_secs(300);

/// The options.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Args {
    /// Faults, by the names of their rows in docs/operate/faults.md; all by default
    names: Vec<String>,
    /// The faults of every test run: they mount nothing, and take less than a minute together
    #[arg(long)]
    short: bool,
    /// How many faults run concurrently
    #[arg(long, default_value_t = 3)]
    jobs: usize,
    /// Mounts are visible to this process and its children only; set by the command itself
    #[arg(long, hide = true)]
    in_namespace: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let trials = chosen(args, &table::rows(table::PAGE)?)?;
    if !args.in_namespace {
        build(Profile::Dev)?;
        if trials.iter().any(|(fault, _)| fault.mounts) {
            return Err(enter_namespace());
        }
    }
    block_on(try_all(trials, args.jobs.max(1)))
}

/// The requested faults, with their rows.
///
/// # Errors
/// When a name is unknown, or a row or a fault has no counterpart.
fn chosen(args: &Args, rows: &[Row]) -> Result<Vec<(&'static Fault, Row)>> {
    let names: Vec<_> = ALL.iter().map(|fault| fault.name).collect();
    for row in rows {
        let is_known = names.contains(&row.name.as_str());
        ensure!(
            is_known,
            "docs/operate/faults.md: no such fault: {}",
            row.name
        );
    }
    for name in &args.names {
        let is_known = names.contains(&name.as_str());
        ensure!(
            is_known,
            "unknown fault {name} (allowed: {})",
            names.join(", ")
        );
    }
    let mut trials = Vec::new();
    for fault in ALL {
        let row = rows.iter().find(|row| row.name == fault.name);
        let row =
            row.with_context(|| format!("docs/operate/faults.md has no row {}", fault.name))?;
        let is_named = args.names.is_empty() || args.names.iter().any(|name| name == fault.name);
        if is_named && (fault.is_short || !args.short) {
            trials.push((fault, row.clone()));
        }
    }
    Ok(trials)
}

/// Replaces itself with the same command in its own mount namespace, as root of a user namespace unless it is root.
fn enter_namespace() -> Error {
    let again = std::env::current_exe().map(|program| {
        let words = std::env::args_os().skip(1);
        let words: Vec<OsString> = words.chain([OsString::from("--in-namespace")]).collect();
        let mut command = Command::new("unshare");
        command.arg("--mount");
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.arg("--").arg(program).args(words).exec()
    });
    let (Ok(error) | Err(error)) = again;
    Error::new(error).context("cannot run unshare (--short runs only faults without mounts)")
}

async fn try_all(trials: Vec<(&'static Fault, Row)>, jobs: usize) -> Result<()> {
    let begun = Instant::now();
    let count = trials.len();
    let trials = trials.into_iter().map(|(fault, row)| try_one(fault, row));
    let mut trials = stream::iter(trials).buffer_unordered(jobs);
    let mut failed = Vec::new();
    while let Some((name, lasted, outcome)) = trials.next().await {
        match outcome {
            Ok(evidence) => println!("{name}: passed ({lasted:.0?}; {evidence})"),
            Err(error) => {
                println!("{name}: FAILED ({lasted:.0?}): {error:#}");
                failed.push(name);
            }
        }
    }
    if !failed.is_empty() {
        bail!("differs from docs/operate/faults.md: {}", failed.join(", "));
    }
    println!(
        "{count} faults match docs/operate/faults.md ({:.0?})",
        begun.elapsed()
    );
    Ok(())
}

async fn try_one(fault: &Fault, row: Row) -> (&'static str, Duration, Result<String>) {
    let begun = Instant::now();
    let outcome = play(fault, row).await;
    (fault.name, begun.elapsed(), outcome)
}

async fn play(fault: &Fault, row: Row) -> Result<String> {
    let mut trial = Trial::new(row).await?;
    let played = tokio::time::timeout(LIMIT, (fault.play)(&mut trial)).await;
    let played = played.unwrap_or_else(|_| bail!("not finished after {LIMIT:?}"));
    let outcome = played.and_then(|()| trial.finish());
    if outcome.is_err() {
        let folder = target().join("faults").join(fault.name);
        trial.testbed.keep_logs(&folder)?;
        println!("{}: logs in {}", fault.name, folder.display());
    }
    outcome
}

#[cfg(test)]
mod tests;
