//! The flags that every service understands.

use std::path::PathBuf;

/// Where settings come from besides defaults and environment.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Flags {
    /// Settings file (TOML); unknown keys are errors
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// One setting, stronger than file and environment: --set upstream.url=wss://...
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,

    /// Print the settings in force, secrets hidden, and exit
    #[arg(long)]
    pub print_config: bool,
}
