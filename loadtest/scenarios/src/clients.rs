//! Foreign Jetstream clients against a real cluster, each compared with what the simulator says they must receive.
//!
//! The clients come from their registries at the versions that the lock files below `loadtest/clients` pin. Each is
//! run by a small driver that does what its documentation says and prints what it hands over.

mod library;
mod install;
mod world;
mod subscription;
mod judge;
mod driver;
mod stage;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use fanjet_tools::programs::{Profile, build};

use crate::runtime::block_on;
use install::Installed;
use stage::Stage;
use subscription::Subscription;
use world::World;

/// Which scenarios to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenarios {
    /// All there are
    All,
    /// One connection: filters, compression, options_update
    Live,
    /// An edge is stopped, another killed; clients resume with their cursors
    Restart,
    /// One edge after the other is stopped and started again, as an upgrade does it
    Rolling,
}

pub(crate) fn run(scenarios: Scenarios) -> Result<()> {
    let installed = Installed::install()?;
    build(Profile::Dev)?;
    block_on(check(&installed, scenarios))
}

async fn check(installed: &Installed, scenarios: Scenarios) -> Result<()> {
    let world = World::generate().await?;
    let mut failures = 0;
    let is_wanted = |which| scenarios == Scenarios::All || scenarios == which;
    if is_wanted(Scenarios::Live) {
        let subscriptions = Subscription::live(&world)?;
        let mut stage = Stage::open(installed, &world, subscriptions).await?;
        stage.let_events_flow()?;
        failures += stage.close().await?;
    }
    if is_wanted(Scenarios::Restart) {
        let mut stage =
            Stage::open(installed, &world, Subscription::restart(&world, "killed")?).await?;
        stage.let_events_flow()?;
        stage.stop_and_restart(0, 0.25).await?;
        stage.kill_and_restart(1, 0.5).await?;
        failures += stage.close().await?;
    }
    if is_wanted(Scenarios::Rolling) {
        let mut stage =
            Stage::open(installed, &world, Subscription::restart(&world, "stopped")?).await?;
        stage.let_events_flow()?;
        stage.stop_and_restart(0, 0.25).await?;
        stage.stop_and_restart(1, 0.6).await?;
        failures += stage.close().await?;
    }
    ensure!(failures == 0, "{failures} scenarios failed");
    println!("clients: every scenario passed");
    Ok(())
}
