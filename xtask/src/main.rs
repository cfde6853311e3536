//! The project's commands. CI runs the same ones.
//!
//! Everything here checks and tests the project without running a program of it, and is built before everything else:
//! it must stay light. Commands that run the programs are passed on to `loadtest/scenarios`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "these commands talk to a person"
)]

mod tools;

mod tidy;
mod words;
mod docs;
mod deps;
mod modules;
mod fuzz;
mod lint;

mod scenarios;
mod mutants;
mod kafka;
mod plain;
mod local_tier;
mod churn;
mod chart;
mod github;
mod release;
mod test;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// All commands of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
#[command(after_help = format!(
    "Scenarios with the project's programs, each with its own --help:\n  {}",
    scenarios::NAMES.join(", ")
))]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install the tools that the tests need, then run every test
    Test,
    /// Formatting, clippy, dependency direction, house rules, licences
    Lint,
    /// The house rules and the docs alone: file length, words that must not return, links, names in pages
    Tidy,
    /// No circles and no upward imports between the modules of a crate: of these crates (`cargo xtask modules fanjet-edge`),
    /// or of all
    Modules {
        /// Names of crates
        crates: Vec<String>,
    },
    /// Install the pinned real tools under target/tools
    Tools,
    /// Kill the Kafka producer and its broker, again and again; then read the topic, as Osprey does
    Kafka(kafka::Args),
    /// Connections to an edge that come, read slowly and end in every way: every stream checked, every descriptor counted
    Churn(churn::Args),
    /// Check the Helm chart in every supported shape against Kubernetes' schemas; alerts, dashboards and their runbooks
    Chart(chart::Args),
    /// The chart's NATS on a mounted file of its volume's size, filled twice (needs root, and a built fanjet)
    Volume,
    /// The workflows and the Dockerfile, read by actionlint and hadolint
    Github,
    /// Known vulnerabilities of the crates, from the advisory database
    Advisories,
    /// Build what a release has into target/release-files
    Release(release::Args),
    /// Build the Debian package into target/release-files
    Package(release::Args),
    /// Fuzz the parsers of untrusted bytes (needs a nightly toolchain)
    Fuzz {
        /// Seconds for each target
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Plant real bugs of the past and run the test that must catch each
    Mutants(mutants::Args),
    #[command(external_subcommand)]
    Scenario(Vec<OsString>),
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
        Command::Test => test::run(),
        Command::Lint => lint::run(),
        Command::Tidy => lint::texts(),
        Command::Modules { crates } => modules::check(&crates),
        Command::Tools => tools::run(),
        Command::Kafka(args) => kafka::run(&args),
        Command::Churn(args) => churn::run(&args),
        Command::Chart(args) => chart::run(&args),
        Command::Volume => chart::run_volume(),
        Command::Github => github::check(),
        Command::Advisories => lint::advisories(),
        Command::Release(args) => release::run(&args),
        Command::Package(args) => release::package(&args),
        Command::Fuzz { seconds } => fuzz::run(seconds),
        Command::Mutants(args) => mutants::run(&args),
        Command::Scenario(words) => scenarios::run(&words),
    }
}

#[cfg(test)]
mod tests;
