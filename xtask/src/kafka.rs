//! Kills the Kafka producer and its broker many times, and then reads the topic as Osprey does.

use std::path::PathBuf;

use anyhow::Result;

use fanjet_tools::packages::python_packages;
use fanjet_tools::shell::{cargo, root, run as run_command, target};

/// The variable with the Python interpreter for the tests of `fanjet-kafka`.
pub(crate) const PYTHON: &str = "FANJET_KAFKA_PYTHON";

/// Settings of a run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How often the service and the broker are killed, in turns, in each mode
    #[arg(long, default_value_t = 20)]
    runs: u32,
    /// Seed of the world and of the moments; random by default
    #[arg(long)]
    seed: Option<u64>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    fanjet_tools::nats_server()?;
    fanjet_tools::kafka_jars()?;
    let packages: [(&[&str], &str); 2] = [
        (&["fanjet", "--features", "kafka"], "kills"),
        (&["fanjet-kafka"], "osprey"),
    ];
    for (package, name) in packages {
        let mut test = cargo();
        test.args(["test", "--locked", "--test", "it", "-p"])
            .args(package);
        test.args(["--", "--nocapture", "--test-threads", "1", name]);
        test.env("FANJET_KAFKA_RUNS", args.runs.to_string());
        test.env(PYTHON, python()?);
        if let Some(seed) = args.seed {
            test.env("FANJET_KAFKA_SEED", seed.to_string());
        }
        run_command(&mut test)?;
    }
    Ok(())
}

/// A Python with a Kafka client, installed if missing.
pub(crate) fn python() -> Result<PathBuf> {
    let folder = target().join("clients").join("osprey");
    let lock = root().join("loadtest/clients/osprey/requirements.txt");
    python_packages(&folder, &lock)?;
    Ok(folder.join("bin/python3"))
}
