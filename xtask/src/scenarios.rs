//! Commands of `loadtest/scenarios`: passed on unchanged, so that these commands build without a NATS client or a load
//! generator.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Result, ensure};
use fanjet_tools::shell::{self, cargo};

/// All scenarios.
pub(crate) const NAMES: &[&str] = &[
    "demo",
    "readme",
    "corpus",
    "soak",
    "cutover",
    "slow-consumers",
    "k6",
    "crash",
    "chaos",
    "faults",
    "clients",
    "examples",
    "e2e",
    "bench",
    SIMULATE,
];

/// A program of its own: it needs neither servers nor sockets.
const SIMULATE: &str = "simulate";

/// Scenarios that check hundreds of streams: they are part of the load.
const OPTIMISED: &[&str] = &["cutover", "slow-consumers"];

/// Replaces this process with the scenario, so that ctrl-c reaches only the scenario.
pub(crate) fn run(words: &[OsString]) -> Result<()> {
    let name = words.first().map(|name| name.to_string_lossy());
    let name = name.unwrap_or_default();
    ensure!(
        NAMES.contains(&&*name),
        "unknown command {name}; see cargo xtask --help, and these scenarios: {}",
        NAMES.join(", ")
    );
    Err(command(words).exec().into())
}

/// Runs a scenario to its end.
pub(crate) fn run_to_end(words: &[OsString]) -> Result<()> {
    shell::run(&mut command(words))
}

fn command(words: &[OsString]) -> Command {
    if let [name, words @ ..] = words
        && name == SIMULATE
    {
        let mut command = cargo();
        // In a folder of its own, or everything else would be built again after it.
        command.env("CARGO_TARGET_DIR", "target/simulate");
        for_simulation(command.args(["run", "--quiet", "--locked"]));
        command.arg("--").args(words);
        return command;
    }
    let mut command = cargo();
    command.args(["run", "--quiet", "--locked", "-p", "fanjet-scenarios"]);
    if is_optimised(words) {
        command.arg("--release");
    }
    command.arg("--").args(words);
    command
}

/// Adds what every build of the simulation needs. Cargo's subcommand stands before.
pub(crate) fn for_simulation(cargo: &mut Command) -> &mut Command {
    cargo.env("RUSTFLAGS", "--cfg tokio_unstable");
    // Linking all of it as one takes longer than it saves.
    cargo.env("CARGO_PROFILE_RELEASE_LTO", "false");
    cargo.args(["-p", "fanjet-simulation", "--release"])
}

/// Whether the scenario itself is built with optimizations.
pub(crate) fn is_optimised(words: &[OsString]) -> bool {
    let of_load = words.first().is_some_and(|name| {
        let mut names = OPTIMISED.iter();
        names.any(|optimised| name == optimised)
    });
    of_load && !words.iter().any(|word| word == "--dev")
}
