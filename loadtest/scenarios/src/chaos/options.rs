//! Options of a chaos run.

use std::time::Duration;

use fanjet_tools::programs::Profile;

/// The options.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Options {
    /// Number of runs, each with a new cluster and the next seed
    #[arg(long, default_value_t = 5)]
    pub(crate) runs: u32,
    /// Seed of the world and the faults of the first run; random by default
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Seconds under load, without catching up
    #[arg(long, default_value_t = 20)]
    pub(crate) seconds: u32,
    /// Frames per second
    #[arg(long, default_value_t = 2_000)]
    pub(crate) rate: u32,
    /// Milliseconds between two faults, on average
    #[arg(long, default_value_t = 800)]
    pub(crate) every: u64,
    /// The build profile of the programs
    #[arg(long, value_enum, default_value = "dev")]
    pub(crate) profile: Profile,
}

impl Options {
    pub(super) fn length(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    pub(super) fn frames(&self) -> u64 {
        u64::from(self.rate) * u64::from(self.seconds)
    }
}
