//! The machine's clock is wrong for some seconds.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fanjet_runtime::{Clock as _, SystemClock};
use tokio::time::sleep;

use super::clock::Clock;
use super::testbed::{PATIENCE, POLL};
use super::trial::Trial;

/// More than the retention.
const AHEAD_S: i64 = 100 * 3600;
/// Allowed difference between event times and the correct time.
const NEAR: Duration = Duration::from_secs(30);

/// Ahead: everything would be too old.
pub(super) async fn ahead(trial: &mut Trial) -> Result<()> {
    jump(trial, AHEAD_S).await
}

/// Behind: new events would be older than existing ones.
pub(super) async fn behind(trial: &mut Trial) -> Result<()> {
    jump(trial, -AHEAD_S).await
}

async fn jump(trial: &mut Trial, seconds: i64) -> Result<()> {
    let clock = Clock::new()?;
    let data = trial.testbed.folder().join("data");
    // Several segments, so that old ones can expire.
    let settings = [("embedded.segment_bytes", "100000")];
    trial
        .testbed
        .serve(&data, &clock.launch(), &settings)
        .await?;
    trial.testbed.relay.publish(500).await;
    trial.testbed.events(500).await?;
    trial.inject().await?;
    clock.set(seconds)?;
    trial.testbed.events(100).await?;
    let until = Instant::now() + PATIENCE;
    while clock.asked()? == 0 {
        ensure!(Instant::now() < until, "no program reads the clock");
        sleep(POLL).await;
    }
    trial.evidence(format!("the clock is {seconds} s wrong, and was read"));
    trial.meanwhile().await?;
    clock.set(0)?;
    trial.afterwards().await?;
    let newest = trial.testbed.follower()?.newest();
    let newest = newest.context("no event has a time")?;
    let apart = Duration::from_micros(newest.abs_diff(SystemClock.now_us()));
    ensure!(apart < NEAR, "the newest event is {apart:?} away from now");
    Ok(())
}
