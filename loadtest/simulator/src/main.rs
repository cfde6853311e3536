//! The command line of the simulator.

mod args;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use fanjet_simulator::{Labeler, LabelerConfig, Simulator};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use args::Args;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(EnvFilter::new("info"))
        .init();
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot catch SIGTERM")?;
    let (count, frames, rate) = (args.labelers, args.labels, args.labels_rate);
    let config = args.config()?;
    let simulator = tokio::select! {
        started = Simulator::start(config) => started?,
        // Generating a large backlog takes a while.
        () = stop_signal(&mut terminate) => return Ok(()),
    };
    tracing::info!(url = simulator.url(), "listening");
    let mut labelers = Vec::new();
    for number in 0..count {
        let config = LabelerConfig::numbered(number);
        labelers.push(Labeler::start(config, simulator.directory()).await?);
    }
    announce(&simulator.url());
    tokio::select! {
        () = stop_signal(&mut terminate) => {}
        () = simulator.stopped() => {}
        () = publish(&labelers, frames, rate) => {}
    }
    let stats = simulator.shutdown().await?;
    tracing::info!(stats = stats.to_json(), "stopped");
    Ok(())
}

/// Lets every labeler publish its frames, and then waits for ever.
async fn publish(labelers: &[Labeler], frames: u64, rate: u32) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate.max(1));
    for _ in 0..frames {
        ticks.tick().await;
        for labeler in labelers {
            labeler.publish_many(1);
        }
    }
    std::future::pending().await
}

async fn stop_signal(terminate: &mut tokio::signal::unix::Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// The one line on standard output: scripts read the port from it.
#[allow(
    clippy::print_stdout,
    reason = "the contract with scripts that start the simulator"
)]
fn announce(url: &str) {
    println!("listening {url}");
}
