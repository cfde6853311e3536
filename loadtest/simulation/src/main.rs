//! `fanjet-simulation`: runs seeds, prints the ones that fail, and shrinks them.
#![allow(clippy::print_stdout, reason = "this program talks to a person")]

mod totals;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Parser;
use fanjet_simulation::{History, Plan, run, shrink};
use parking_lot::Mutex;
use totals::{Totals, cpu_time};

/// Frames of the world: more than any run publishes.
const FRAMES: usize = 6_000;
/// How often a campaign says how far it is.
const PROGRESS: Duration = Duration::from_secs(60);

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
    /// Find the fewest faults and clients with which this seed fails
    #[arg(long, value_name = "SEED")]
    shrink: Option<u64>,
    /// Let only these clients connect, by number
    #[arg(long, value_name = "NUMBERS", value_parser = numbers)]
    clients: Option<Numbers>,
    /// Inject only these faults, by number
    #[arg(long, value_name = "NUMBERS", value_parser = numbers)]
    faults: Option<Numbers>,
    /// Keep the results in this file, and run only the seeds that it does not have: a campaign can be stopped and resumed
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
}

/// Numbers with commas between them.
#[derive(Clone)]
struct Numbers(Vec<usize>);

fn numbers(text: &str) -> Result<Numbers> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    let numbers = parts.map(|part| {
        part.parse()
            .with_context(|| format!("{part} is not a number"))
    });
    numbers.collect::<Result<_>>().map(Numbers)
}

impl Args {
    fn plan(&self, seed: u64) -> Plan {
        let whole = Plan::of(seed);
        let kept = |kept: &Option<Numbers>, all| kept.as_ref().map_or(all, |kept| kept.0.clone());
        Plan {
            clients: kept(&self.clients, whole.clients),
            faults: kept(&self.faults, whole.faults),
            seed,
        }
    }
}

fn main() -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let args = Args::parse();
    let history = History::new(FRAMES)?;
    match args.shrink {
        Some(seed) => print_smallest(args.plan(seed), &history),
        None => run_all(Arc::new(args), &history),
    }
}

fn run_all(args: Arc<Args>, history: &History) -> Result<()> {
    let end = args.from + args.seeds;
    let totals = match &args.results {
        Some(file) => Totals::kept_in(file, args.from, end)?,
        None => Totals::default(),
    };
    let next = Arc::new(AtomicU64::new(args.from));
    let totals = Arc::new(Mutex::new(totals));
    let threads = (0..args.threads).map(|_| {
        let (next, totals) = (Arc::clone(&next), Arc::clone(&totals));
        let (args, history) = (Arc::clone(&args), history.clone());
        std::thread::spawn(move || -> Result<()> {
            let mut shown = Instant::now();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= end || (args.stop && !totals.lock().failed.is_empty()) {
                    return Ok(());
                }
                if totals.lock().seeds.contains(&seed) {
                    continue;
                }
                let before = cpu_time();
                let outcome = run(&args.plan(seed), &history);
                let cpu = cpu_time().saturating_sub(before);
                if let Err(error) = &outcome {
                    println!("FAILED {error:#}");
                }
                let mut totals = totals.lock();
                totals.add(seed, &outcome, cpu)?;
                if shown.elapsed() >= PROGRESS {
                    println!(
                        "{} of {} runs, {} failed",
                        totals.seeds.len(),
                        args.seeds,
                        totals.failed.len()
                    );
                    shown = Instant::now();
                }
            }
        })
    });
    let threads: Vec<_> = threads.collect();
    for thread in threads {
        match thread.join() {
            Ok(ended) => ended?,
            Err(_) => bail!("a run panicked"),
        }
    }
    let totals = totals.lock();
    totals.print();
    if let Some(seed) = totals.failed.first() {
        bail!(
            "{} of {} runs failed; `{}` runs one again, `cargo xtask simulate --shrink {seed}` makes it smaller",
            totals.failed.len(),
            totals.seeds.len(),
            args.plan(*seed)
        );
    }
    Ok(())
}

fn print_smallest(plan: Plan, history: &History) -> Result<()> {
    let Err(error) = run(&plan, history) else {
        println!("seed {} does not fail", plan.seed);
        return Ok(());
    };
    println!("FAILED {error:#}");
    let mut runs = 0;
    let smallest = shrink(plan, |plan| {
        runs += 1;
        run(plan, history).is_err()
    });
    println!(
        "the smallest case after {runs} runs has {} clients and {} faults:\n  {smallest}",
        smallest.clients.len(),
        smallest.faults.len()
    );
    run(&smallest, history).map(|_| ())
}
