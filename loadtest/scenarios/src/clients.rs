//! Foreign Jetstream clients against a real cluster, each compared with the events that it must receive.
//!
//! The clients come from their registries at the versions pinned by the lock files below `loadtest/clients`. Each is
//! run by a small driver that follows its documentation and prints what it returns.

mod library;
mod firehose_library;
mod install;
mod firehose_install;
mod world;
mod subscription;
mod judge;
mod driver;
mod testbed;
mod v2;
mod firehose;
mod labels;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use fanjet_tools::programs::{Profile, build};

use crate::runtime::block_on;
use firehose_install::FirehoseClients;
use install::Installed;
use subscription::Subscription;
use testbed::Testbed;
use world::World;

/// The scenarios to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenarios {
    /// All of them
    All,
    /// One connection: filters, compression, options_update
    Live,
    /// An edge is stopped, another one is killed; clients resume with their cursors
    Restart,
    /// One edge after the other is restarted, as in an upgrade
    Rolling,
    /// The clients of Jetstream v2, against a node that has a past, is killed, and loses its log
    V2,
    /// Clients of the firehose in Python, TypeScript and Go, and another Fanjet, over an edge that is stopped and killed
    Firehose,
    /// The label clients of the Python SDK, likewise
    Labels,
}

pub(crate) fn run(scenarios: Scenarios, rate: u32) -> Result<()> {
    let is_frames = matches!(scenarios, Scenarios::Firehose | Scenarios::Labels);
    let jetstream = (!is_frames).then(Installed::install).transpose()?;
    let is_wanted = is_frames || scenarios == Scenarios::All;
    let firehose = is_wanted.then(FirehoseClients::install).transpose()?;
    build(Profile::Dev)?;
    block_on(async {
        let mut failures = 0;
        if let Some(installed) = jetstream {
            failures += check(&installed, scenarios, rate).await?;
        }
        if let Some(installed) = firehose {
            failures += check_frames(&installed, scenarios).await?;
        }
        ensure!(failures == 0, "{failures} scenarios failed");
        println!("clients: every scenario passed");
        Ok(())
    })
}

/// The streams of frames.
async fn check_frames(installed: &FirehoseClients, scenarios: Scenarios) -> Result<usize> {
    let mut failures = 0;
    if scenarios != Scenarios::Labels {
        failures += firehose::check(installed).await?;
    }
    if scenarios != Scenarios::Firehose {
        failures += labels::check(installed).await?;
    }
    Ok(failures)
}

/// The streams of events.
async fn check(installed: &Installed, scenarios: Scenarios, rate: u32) -> Result<usize> {
    let world = World::generate(rate).await?;
    let mut failures = 0;
    let is_wanted = |which| scenarios == Scenarios::All || scenarios == which;
    if is_wanted(Scenarios::Live) {
        let subscriptions = Subscription::live(&world)?;
        let mut testbed = Testbed::open(installed, &world, subscriptions).await?;
        testbed.let_events_flow()?;
        failures += testbed.close().await?;
    }
    if is_wanted(Scenarios::Restart) {
        let mut testbed =
            Testbed::open(installed, &world, Subscription::restart(&world, "killed")?).await?;
        testbed.let_events_flow()?;
        testbed.stop_and_restart(0, 0.25).await?;
        testbed.kill_and_restart(1, 0.5).await?;
        failures += testbed.close().await?;
    }
    if is_wanted(Scenarios::Rolling) {
        let mut testbed =
            Testbed::open(installed, &world, Subscription::restart(&world, "stopped")?).await?;
        testbed.let_events_flow()?;
        testbed.stop_and_restart(0, 0.25).await?;
        testbed.stop_and_restart(1, 0.6).await?;
        failures += testbed.close().await?;
    }
    if is_wanted(Scenarios::V2) {
        failures += v2::check(installed, &world).await?;
    }
    Ok(failures)
}
