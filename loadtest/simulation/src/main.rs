//! `fanjet-simulation`: runs seeds, and prints the ones that fail.
#![allow(clippy::print_stdout, reason = "this program talks to a person")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Parser;
use fanjet_simulation::{Fired, History, KINDS, Plan, run};
use parking_lot::Mutex;

/// Frames of the world: more than any run publishes.
const FRAMES: usize = 6_000;

#[derive(Parser)]
#[command(about = "Run a whole cluster in simulated time, one run per seed")]
struct Args {
    /// How many seeds to run
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Run on this many threads
    #[arg(long, default_value_t = 1)]
    threads: u64,
    /// Stop at the first seed that fails
    #[arg(long)]
    stop: bool,
}

#[derive(Default)]
struct Totals {
    runs: u64,
    simulated: Duration,
    logged: usize,
    received: usize,
    fired: Fired,
    failed: Vec<(u64, String)>,
}

fn main() -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let args = Args::parse();
    let history = History::new(FRAMES)?;
    let next = Arc::new(AtomicU64::new(args.from));
    let totals = Arc::new(Mutex::new(Totals::default()));
    let began = Instant::now();
    let threads = (0..args.threads).map(|_| {
        let (next, totals, history) = (Arc::clone(&next), Arc::clone(&totals), history.clone());
        let (end, stop) = (args.from + args.seeds, args.stop);
        std::thread::spawn(move || {
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= end || (stop && !totals.lock().failed.is_empty()) {
                    return;
                }
                let outcome = run(&Plan::of(seed), &history);
                let mut totals = totals.lock();
                totals.runs += 1;
                match outcome {
                    Ok(outcome) => {
                        totals.simulated += outcome.simulated;
                        totals.logged += outcome.logged;
                        totals.received += outcome.received;
                        for (kind, count) in outcome.fired {
                            *totals.fired.entry(kind).or_default() += count;
                        }
                    }
                    Err(error) => {
                        println!("FAILED {error:#}");
                        totals.failed.push((seed, format!("{error:#}")));
                    }
                }
            }
        })
    });
    let threads: Vec<_> = threads.collect();
    for thread in threads {
        if thread.join().is_err() {
            bail!("a run panicked");
        }
    }
    report(&totals.lock(), began.elapsed())
}

fn report(totals: &Totals, took: Duration) -> Result<()> {
    let hours = totals.simulated.as_secs_f64() / 3600.0;
    println!(
        "{} runs, {hours:.1} simulated hours in {:.1} s ({:.0} hours per hour), {} events logged, {} received",
        totals.runs,
        took.as_secs_f64(),
        hours / took.as_secs_f64() * 3600.0,
        totals.logged,
        totals.received,
    );
    for kind in KINDS {
        println!(
            "  {kind:?}: {}",
            totals.fired.get(&kind).copied().unwrap_or_default()
        );
    }
    if let Some((seed, _)) = totals.failed.first() {
        bail!(
            "{} of {} runs failed; run one again with --from {seed} --seeds 1",
            totals.failed.len(),
            totals.runs
        );
    }
    Ok(())
}
