//! The project's own programs, as cargo builds them.

use std::path::PathBuf;

use anyhow::Result;

use crate::shell::{cargo, run, target};

/// Always built together: with fewer of them cargo would choose other features for shared dependencies, and rebuild
/// those.
pub const PROGRAMS: [&str; 2] = ["fanjet-simulator", PRODUCT];
/// The program with all roles. It is built with Kafka, as in the image.
const PRODUCT: &str = "fanjet";

/// The build profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// Without optimizations.
    Dev,
    /// With optimizations.
    Release,
}

impl Profile {
    /// The profile for a scenario's `--dev` flag.
    pub fn of(dev: bool) -> Self {
        match dev {
            true => Self::Dev,
            false => Self::Release,
        }
    }
}

/// Builds [`PROGRAMS`].
///
/// # Errors
/// When cargo fails.
pub fn build(profile: Profile) -> Result<()> {
    build_only(profile, &PROGRAMS)
}

/// Builds other programs, with other features for shared dependencies, so that the next [`build`] rebuilds those.
///
/// # Errors
/// When cargo fails.
pub fn build_only(profile: Profile, packages: &[&str]) -> Result<()> {
    let mut command = cargo();
    command.args(["build", "--locked"]);
    command.args(packages.iter().flat_map(|package| ["-p", package]));
    if packages.contains(&PRODUCT) {
        command.args(["--features", "fanjet/kafka"]);
    }
    if profile == Profile::Release {
        command.arg("--release");
    }
    run(&mut command)
}

/// The path of a built program.
pub fn executable(profile: Profile, name: &str) -> PathBuf {
    let folder = match profile {
        Profile::Dev => "debug",
        Profile::Release => "release",
    };
    target().join(folder).join(name)
}
