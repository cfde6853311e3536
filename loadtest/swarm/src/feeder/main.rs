//! Appends events to the log in NATS, at a rate or as fast as an edge hands them on.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to a person and to the harness that starts it"
)]

mod witness;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use fanjet_log::{Appender, EventLog};
use fanjet_log_nats::{NatsConfig, NatsLog, ServerUrl};
use fanjet_runtime::{Clock, SystemClock};
use fanjet_swarm::{Feed, Target};
use tokio::signal::unix::{SignalKind, signal};

use witness::Witness;

/// Between two appends at a rate.
const TICK: Duration = Duration::from_millis(2);
/// Events that are appended together at most: what a writer that fell behind does not do all at once.
const BATCH: u64 = 256;

/// Feeds the log without a firehose.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// The server with the log
    #[arg(long)]
    nats: String,
    /// Events per second
    #[arg(long, required_unless_present = "window")]
    rate: Option<f64>,
    /// As fast as the edge of --witness hands them on, with so many events under way
    #[arg(long, requires = "witness", conflicts_with = "rate")]
    window: Option<u64>,
    /// Edge that is watched by one unfiltered subscriber: ws://host:port/subscribe
    #[arg(long)]
    witness: Option<String>,
    /// Accounts that the events are of
    #[arg(long, default_value_t = 100_000)]
    accounts: u64,
    /// Where all randomness comes from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut feed = Feed::new(args.seed, args.accounts)?;
    let config = NatsConfig {
        url: vec![ServerUrl::new(&args.nats)],
        ..NatsConfig::default()
    };
    let log = NatsLog::connect(config).await?;
    let last = log.bounds().await?.last;
    let mut appender = log.appender(last).await?;
    let feeding = async {
        match (args.window, &args.witness) {
            (Some(window), Some(witness)) => {
                let witness = Witness::start(&Target::parse(witness)?)?;
                println!("feeding");
                follow(&mut feed, &mut *appender, window, witness).await
            }
            _ => {
                println!("feeding");
                steadily(&mut feed, &mut *appender, args.rate.unwrap_or_default()).await
            }
        }
    };
    tokio::select! {
        fed = feeding => fed,
        _ = terminate.recv() => Ok(()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// At an even rate, for ever.
async fn steadily(feed: &mut Feed, appender: &mut dyn Appender, rate: f64) -> Result<()> {
    let start = Instant::now();
    let mut made = 0;
    loop {
        let due = (start.elapsed().as_secs_f64() * rate) as u64;
        while made < due {
            let count = (due - made).min(BATCH);
            append(feed, appender, count).await?;
            made += count;
        }
        tokio::time::sleep(TICK).await;
    }
}

/// So that there are always `window` events that the witness has not seen.
async fn follow(
    feed: &mut Feed,
    appender: &mut dyn Appender,
    window: u64,
    mut witness: Witness,
) -> Result<()> {
    let mut made = 0;
    loop {
        let due = witness.seen() + window;
        while made < due {
            let count = (due - made).min(BATCH);
            append(feed, appender, count).await?;
            made += count;
        }
        witness.sees_more().await?;
    }
}

async fn append(feed: &mut Feed, appender: &mut dyn Appender, count: u64) -> Result<()> {
    let events: Vec<_> = (0..count)
        .map(|_| feed.next(SystemClock.now_us()))
        .collect();
    Ok(appender.append(&events).await?)
}
