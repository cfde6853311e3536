//! Cursors under load: hundreds of clients that start anywhere in the past, or live, with every kind of filter. Each of
//! them must get exactly the expected events, across the seam from the log to live.
//!
//! Once over a cluster of three edges behind NATS, once over the single process.

mod target;

mod plan;
mod client;
mod cases;

mod crowd;

use anyhow::{Result, bail, ensure};
use fanjet_tools::programs::Profile;

use crate::runtime::block_on;
use crowd::{Crowd, crowd};
use target::{Load, Target};

/// Arguments.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Frames per second; a frame is 1.1 events
    #[arg(long, default_value_t = 5_000)]
    rate: u32,
    /// Seconds of events, for each of the two targets
    #[arg(long, default_value_t = 2.0)]
    minutes: f64,
    /// Number of clients, for each of the two targets
    #[arg(long, default_value_t = 300)]
    clients: usize,
    /// Seed of the world, the clients and the moments; random by default
    #[arg(long)]
    seed: Option<u64>,
    /// One target only
    #[arg(long, value_enum)]
    only: Option<Only>,
    /// Build the programs without optimizations
    #[arg(long)]
    dev: bool,
}

/// One of the targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    /// simulator -> ingest -> nats-server -> three edges
    Nats,
    /// simulator -> fanjet serve
    Standalone,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    block_on(cutover(args, Profile::of(args.dev)))
}

async fn cutover(args: &Args, profile: Profile) -> Result<()> {
    let seed = args.seed.unwrap_or_else(rand::random);
    println!("seed {seed}");
    let seconds = args.minutes * 60.0;
    let load = Load {
        rate: args.rate,
        frames: (f64::from(args.rate) * seconds) as u64,
        seed,
    };
    if args.only != Some(Only::Standalone) {
        let target = Target::cluster(profile, load).await?;
        report(
            "NATS, 3 edges",
            crowd(target, load, args.clients, seed).await?,
        )?;
    }
    if args.only != Some(Only::Nats) {
        let target = Target::standalone(profile, load).await?;
        report("standalone", crowd(target, load, args.clients, seed).await?)?;
    }
    Ok(())
}

fn report(name: &str, crowd: Crowd) -> Result<()> {
    let outcome = &crowd.outcome;
    println!("{name}: {} clients, {}", crowd.clients, outcome.verdict);
    println!(
        "  {} events in the log, {:.0} read from it for replays; {} connections: {} from a cursor to live, {} compressed, {} of v2, {} \
         throttled, {} filters replaced",
        crowd.oracle_events,
        crowd.counted.replayed,
        outcome.connections,
        outcome.cut_over,
        outcome.compressed,
        outcome.v2,
        outcome.slowed,
        outcome.replaced,
    );
    println!(
        "  {} times the same cursor everywhere, {} second sockets at the first time_us of a first: compared byte by byte",
        crowd.same_on_all, crowd.second_sockets
    );
    if outcome.put_off > 0 {
        println!(
            "  {} times a busy edge asked a client to try again later, which it did",
            outcome.put_off
        );
    }
    if !crowd.counted.closed.is_empty() {
        println!("  ended by an edge: {:?}", crowd.counted.closed);
    }
    if let Some(first) = outcome.verdict.first() {
        bail!("{name}: {first}");
    }
    ensure!(outcome.verdict.is_clean(), "{name}: not clean");
    // Otherwise the run would prove little.
    ensure!(
        crowd.counted.replayed > 0.0,
        "{name}: no cursor needed the log"
    );
    ensure!(
        outcome.cut_over as usize * 3 >= crowd.clients,
        "{name}: too few clients came from a cursor to live"
    );
    Ok(())
}
