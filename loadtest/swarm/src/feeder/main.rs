//! Appends events to the log in NATS, at a given rate or as fast as an edge delivers them.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to a person and to the harness that starts it"
)]

mod reference_subscriber;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use fanjet_log::{Appender, EventLog};
use fanjet_log_nats::{NatsConfig, NatsLog, ServerUrl};
use fanjet_runtime::{Clock, SystemClock};
use fanjet_swarm::{Feed, Target};
use tokio::signal::unix::{SignalKind, signal};

use reference_subscriber::ReferenceSubscriber;

/// Pause between two appends at a given rate.
const TICK: Duration = Duration::from_millis(2);
/// Maximum number of events per append: a writer that fell behind does not catch up all at once.
const BATCH: u64 = 256;

/// Feed the log without a firehose
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// The server with the log
    #[arg(long)]
    nats: String,
    /// Events per second
    #[arg(long, required_unless_present = "window")]
    rate: Option<f64>,
    /// Append as fast as the edge of --edge delivers, with this many events in flight
    #[arg(long, requires = "edge", conflicts_with = "rate")]
    window: Option<u64>,
    /// Edge that one unfiltered subscriber watches: ws://host:port/subscribe
    #[arg(long)]
    edge: Option<String>,
    /// Number of accounts
    #[arg(long, default_value_t = 100_000)]
    accounts: u64,
    /// Seed of all randomness
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
        match (args.window, &args.edge) {
            (Some(window), Some(edge)) => {
                let reference = ReferenceSubscriber::start(&Target::parse(edge)?)?;
                println!("feeding");
                follow(&mut feed, &mut *appender, window, reference).await
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

/// At an even rate, forever.
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

/// Keeps `window` events in flight that the reference has not received.
async fn follow(
    feed: &mut Feed,
    appender: &mut dyn Appender,
    window: u64,
    mut reference: ReferenceSubscriber,
) -> Result<()> {
    let mut made = 0;
    loop {
        let due = reference.seen() + window;
        while made < due {
            let count = (due - made).min(BATCH);
            append(feed, appender, count).await?;
            made += count;
        }
        reference.sees_more().await?;
    }
}

async fn append(feed: &mut Feed, appender: &mut dyn Appender, count: u64) -> Result<()> {
    let events: Vec<_> = (0..count)
        .map(|_| feed.next(SystemClock.now_us()))
        .collect();
    Ok(appender.append(&events).await?)
}
