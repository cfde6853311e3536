//! A machine's clock that is set wrong, and right again after some seconds.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fanjet_runtime::{Clock as _, SystemClock};
use tokio::time::sleep;

use super::clock::Clock;
use super::stage::{PATIENCE, POLL};
use super::trial::Trial;

/// More than events are kept.
const AHEAD_S: i64 = 100 * 3600;
/// The times of events stay as near to the right ones.
const NEAR: Duration = Duration::from_secs(30);

/// Ahead: everything would be too old.
pub(super) async fn ahead(trial: &mut Trial) -> Result<()> {
    jump(trial, AHEAD_S).await
}

/// Behind: what comes would be older than what is there.
pub(super) async fn behind(trial: &mut Trial) -> Result<()> {
    jump(trial, -AHEAD_S).await
}

async fn jump(trial: &mut Trial, seconds: i64) -> Result<()> {
    let clock = Clock::new()?;
    let data = trial.stage.folder().join("data");
    // Several segments, so that old ones can be forgotten.
    let settings = [("embedded.segment_bytes", "100000")];
    trial.stage.serve(&data, &clock.launch(), &settings).await?;
    trial.stage.relay.publish(500).await;
    trial.stage.events(500).await?;
    trial.strike().await?;
    clock.set(seconds)?;
    trial.stage.events(100).await?;
    let until = Instant::now() + PATIENCE;
    while clock.asked()? == 0 {
        ensure!(Instant::now() < until, "nobody asks the clock");
        sleep(POLL).await;
    }
    trial.evidence(format!("the clock is {seconds} s wrong, and was asked"));
    trial.meanwhile().await?;
    clock.set(0)?;
    trial.afterwards().await?;
    let newest = trial.stage.follower()?.newest();
    let newest = newest.context("no event has a time")?;
    let apart = Duration::from_micros(newest.abs_diff(SystemClock.now_us()));
    ensure!(apart < NEAR, "the newest event is {apart:?} away from now");
    Ok(())
}
