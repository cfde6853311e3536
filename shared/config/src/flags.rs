//! The flags that every service understands.

use std::path::PathBuf;
use std::time::Duration;

/// Where settings come from besides defaults and environment.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Flags {
    /// Settings file (TOML); unknown keys are errors
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// One setting, stronger than file and environment: --set ingest.upstream.url=wss://...
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,

    /// Print the settings in force with their comments, secrets hidden, as a settings file, and exit
    #[arg(long)]
    pub print_config: bool,

    /// Ask the process that runs with these settings how it is, on its ops port, and exit with 0 if it is well
    #[arg(long, value_name = "QUESTION", num_args = 0..=1, default_missing_value = "ready", conflicts_with = "drain_wait")]
    pub healthcheck: Option<HealthQuestion>,

    /// Do nothing for this long, then exit: a preStop hook where there is no shell
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub drain_wait: Option<Duration>,
}

/// What a health check asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum HealthQuestion {
    /// Does it answer?
    Live,
    /// Can it do its work now?
    Ready,
}
