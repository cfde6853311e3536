//! Runs the project's programs as real processes: under load, killed, cut off, attacked, measured, and checked event by
//! event. Called as `cargo xtask NAME`.
//!
//! A scenario starts programs and speaks their protocols. Expected results come from the simulator, never from the code
//! under test.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "these commands talk to a person"
)]

mod runtime;
mod memory;
mod http;
mod service;
mod cluster;
mod stream;

mod demo;
mod corpus;
mod readme;
mod e2e;

mod publication;
mod load;
mod whole_log;

mod soak;
mod cutover;
mod slow_consumers;
mod crash;
mod chaos;
mod faults;
mod clients;
mod examples;
mod k6;

mod bench;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};
use fanjet_tools::programs::Profile;

/// The project's programs as real processes.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The cluster as real processes: a simulated firehose through ingest, NATS and an edge, printed as it arrives
    Demo {
        /// Events per second
        #[arg(long, default_value_t = 20)]
        rate: u32,
        /// Stop after this many events (0: on ctrl-c)
        #[arg(long, default_value_t = 0)]
        events: u64,
    },
    /// The README's commands as written, with a simulated network in place of the real one
    Readme,
    /// Serve recorded frames through the whole path and compare with what production served
    Corpus {
        /// Folder with frames.bin.zst and expected_v1.jsonl
        dir: PathBuf,
    },
    /// Simulated load through the whole path: every event once, in order, in flat memory
    Soak {
        /// Events per second
        #[arg(long, default_value_t = 2_000)]
        rate: u32,
        /// Seconds of load
        #[arg(long, default_value_t = 10)]
        minutes: u64,
        /// Build the programs without optimizations
        #[arg(long)]
        dev: bool,
    },
    /// Cursors of every age with every kind of filter under load: from the log to live nothing is missing or repeated
    Cutover(cutover::Args),
    /// Readers that are too slow for the load: none is dropped, the edge's memory stays below its bound, and at full
    /// speed all of them get everything
    SlowConsumers(slow_consumers::Args),
    /// k6's subscribers against three edges behind HAProxy, or any Jetstream server
    K6(k6::Args),
    /// Kill the single process under load, again and again; then compare its log with the expected events
    Crash {
        /// Number of kills
        #[arg(long, default_value_t = 50)]
        runs: u32,
        /// Frames per second
        #[arg(long, default_value_t = 1_000)]
        rate: u32,
        /// Seed of the world and the moments; random by default
        #[arg(long)]
        seed: Option<u64>,
    },
    /// A cluster under load and random faults; then compare its log and its clients with the simulator's world
    Chaos {
        #[command(flatten)]
        options: chaos::Options,
    },
    /// Full disks, servers that reject writes, broken outputs, wrong clocks, hostile peers: the behavior of programs
    /// and clients is compared with docs/operate/faults.md
    Faults(faults::Args),
    /// Foreign Jetstream clients from their registries against a real cluster
    Clients {
        /// The scenarios to run
        #[arg(value_enum, default_value = "all")]
        scenarios: clients::Scenarios,
        /// Frames per second. Fewer on a busy machine, where the clients would get everything before a fault meets them
        #[arg(long, default_value_t = 400)]
        rate: u32,
    },
    /// The programs of examples/ against a real cluster whose parts restart, killed and started again themselves
    Examples,
    /// The status page in real headless Chromium
    E2e {
        /// Replace the README's pictures (docs/images) by new ones
        #[arg(long)]
        update: bool,
    },
    /// Benchmarks
    Bench(bench::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo { rate, events } => demo::run(rate, events),
        Command::Readme => readme::run(),
        Command::Corpus { dir } => corpus::run(&dir),
        Command::Soak { rate, minutes, dev } => {
            soak::run(rate, Duration::from_secs(minutes * 60), Profile::of(dev))
        }
        Command::Cutover(args) => cutover::run(&args),
        Command::SlowConsumers(args) => slow_consumers::run(&args),
        Command::K6(args) => k6::run(&args),
        Command::Crash { runs, rate, seed } => crash::run(runs, rate, seed),
        Command::Chaos { options } => chaos::run(options),
        Command::Faults(args) => faults::run(&args),
        Command::Clients { scenarios, rate } => clients::run(scenarios, rate),
        Command::Examples => examples::run(),
        Command::E2e { update } => e2e::run(update),
        Command::Bench(args) => bench::run(&args),
    }
}

#[cfg(test)]
mod tests;
