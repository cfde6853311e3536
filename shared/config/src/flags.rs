//! The flags that every service accepts.

use std::path::PathBuf;
use std::time::Duration;

/// Sources of settings besides defaults and environment, and questions to a running process.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Flags {
    /// Settings file (TOML); unknown keys are errors
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Set one key, over file and environment: --set ingest.upstream.url=wss://...
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,

    /// Print the effective settings as a commented settings file, without secrets, and exit
    #[arg(long)]
    pub print_config: bool,

    /// Query the ops port of the process that runs with these settings, and exit with 0 if it is live or ready
    #[arg(long, value_name = "QUESTION", num_args = 0..=1, default_missing_value = "ready", conflicts_with = "drain_wait")]
    pub healthcheck: Option<HealthQuestion>,

    /// Wait this long, then exit: a preStop hook for containers without a shell
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub drain_wait: Option<Duration>,
}

/// The question of a health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum HealthQuestion {
    /// Is the process alive?
    Live,
    /// Can it work now?
    Ready,
}
