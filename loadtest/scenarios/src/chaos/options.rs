//! What a run of faults is told.

use std::time::Duration;

use fanjet_tools::programs::Profile;

/// What there is to choose.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Options {
    /// How often, each time with a new cluster and the next seed
    #[arg(long, default_value_t = 5)]
    pub(crate) runs: u32,
    /// Decides about the world and the faults of the first run; a random one by default
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// How long a run is under load, without catching up
    #[arg(long, default_value_t = 20)]
    pub(crate) seconds: u32,
    /// Frames per second
    #[arg(long, default_value_t = 2_000)]
    pub(crate) rate: u32,
    /// Milliseconds from one fault to the next, on average
    #[arg(long, default_value_t = 800)]
    pub(crate) every: u64,
    /// How the programs are built
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
