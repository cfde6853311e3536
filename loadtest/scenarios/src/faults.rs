//! Real faults on real programs: full disks, servers that refuse, broken outputs, wrong clocks, hostile peers.
//!
//! What programs and clients do meanwhile and afterwards is held against `docs/operate/faults.md`, and nothing of it stands here: a
//! fault without a row fails, and so does a row without a fault. That each fault struck is shown by somebody else's word than
//! the programs'.

mod probe;
mod table;

mod follower;
mod gate;
mod hostile;
mod volume;
mod clock;

mod stage;
mod trial;

mod disk;
mod output;
mod clocks;
mod upstream;
mod ports;
mod nats;

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

/// No trial takes longer.
const LIMIT: Duration = Duration::from_secs(300);

/// What there is to choose.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Args {
    /// Which faults, by the names of their rows in docs/operate/faults.md; all by default
    names: Vec<String>,
    /// Those that every test run has: they mount nothing, and take less than a minute together
    #[arg(long)]
    short: bool,
    /// How many at the same time
    #[arg(long, default_value_t = 3)]
    jobs: usize,
    /// What is mounted is seen by this process and its children only; set by the command itself
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

/// The faults that are asked for, with their rows.
///
/// # Errors
/// When a name, a row or a fault stands alone.
fn chosen(args: &Args, rows: &[Row]) -> Result<Vec<(&'static Fault, Row)>> {
    let names: Vec<_> = ALL.iter().map(|fault| fault.name).collect();
    for row in rows {
        let is_known = names.contains(&row.name.as_str());
        ensure!(is_known, "docs/operate/faults.md: {} is no fault", row.name);
    }
    for name in &args.names {
        let is_known = names.contains(&name.as_str());
        ensure!(
            is_known,
            "{name} is no fault; there are {}",
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

/// Becomes the same command in mount namespaces of its own, as root of a user namespace if it is not root.
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
    Error::new(error).context("cannot run unshare; --short leaves out what must be mounted")
}

async fn try_all(trials: Vec<(&'static Fault, Row)>, jobs: usize) -> Result<()> {
    let begun = Instant::now();
    let count = trials.len();
    let trials = trials.into_iter().map(|(fault, row)| try_one(fault, row));
    let mut trials = stream::iter(trials).buffer_unordered(jobs);
    let mut failed = Vec::new();
    while let Some((name, lasted, outcome)) = trials.next().await {
        match outcome {
            Ok(evidence) => println!("{name}: as told ({lasted:.0?}; {evidence})"),
            Err(error) => {
                println!("{name}: FAILED ({lasted:.0?}): {error:#}");
                failed.push(name);
            }
        }
    }
    if !failed.is_empty() {
        bail!("not as docs/operate/faults.md says: {}", failed.join(", "));
    }
    println!(
        "{count} faults, as docs/operate/faults.md says ({:.0?})",
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
    let played = played.unwrap_or_else(|_| bail!("still not over after {LIMIT:?}"));
    let outcome = played.and_then(|()| trial.finish());
    if outcome.is_err() {
        let folder = target().join("faults").join(fault.name);
        trial.stage.keep_logs(&folder)?;
        println!("{}: logs in {}", fault.name, folder.display());
    }
    outcome
}

#[cfg(test)]
mod tests;
