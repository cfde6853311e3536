//! The disk under an edge's local tier.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use fanjet_testkit::NatsServer;
use tokio::time::sleep;

use super::testbed::{PATIENCE, POLL};
use super::trial::Trial;
use super::volume::Volume;

/// Events that fill several rings.
const SOME_EVENTS: usize = 1_000;
/// More than a copy of them frees when it is removed.
const MORE_BYTES: usize = 4 << 20;
/// Little memory, so that replays need the log or the disk.
const LITTLE_MEMORY: [(&str, &str); 2] = [
    ("edge.tail.ring_bytes", "100000"),
    ("edge.replay.cache_bytes", "0"),
];
const FROM_DISK: (&str, &str) = ("fanjet_edge_replay_pages_total", "tier=\"disk\"");

/// No room: the edge does without it, and says so once.
pub(super) async fn full(trial: &mut Trial) -> Result<()> {
    let volume = Volume::mount(16, 100)?;
    let folder = volume.path().join("disk");
    let path = folder.display().to_string();
    let mut settings = vec![
        ("edge.disk.path", path.as_str()),
        ("edge.disk.max_bytes", "67108864"),
        ("edge.disk.fill", "1073741824"),
    ];
    settings.extend(LITTLE_MEMORY);
    let nats = NatsServer::start().await?;
    trial.testbed.cluster_with(nats, &[], &settings).await?;
    trial.testbed.relay.publish(SOME_EVENTS as u64).await;
    trial.testbed.events(SOME_EVENTS).await?;
    until_metric(trial, ("fanjet_edge_disk_filled", "")).await?;
    let known = trial.testbed.follower()?.events();
    trial.replay(&known).await?;
    until_metric(trial, FROM_DISK).await?;

    let before = trial.testbed.service("edge")?.line_count();
    trial.inject().await?;
    let ballast = volume.fill(0)?;
    trial.evidence(volume.refusal(MORE_BYTES)?);
    trial.meanwhile().await?;
    let lines = trial.testbed.service("edge")?.lines().split_off(before);
    let (about, others): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.contains("tier"));
    let is_one = matches!(about[..], [line] if line.contains("the local tier is off"));
    ensure!(is_one, "the edge wrote about its tier: {about:?}");
    let bad = |line: &&String| line.contains("ERROR") || line.contains("WARN");
    let others: Vec<_> = others.into_iter().filter(bad).collect();
    ensure!(others.is_empty(), "the edge complains: {others:?}");
    let left: Vec<_> = fs::read_dir(&folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    let is_segment = |path: &std::path::PathBuf| path.extension().is_some_and(|it| it == "segment");
    ensure!(!left.iter().any(is_segment), "not removed: {left:?}");
    ballast.remove()?;
    trial.afterwards().await
}

/// Waits until a metric of the edge is at least 1.
async fn until_metric(trial: &mut Trial, (name, label): (&str, &str)) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        let edge = trial.testbed.service("edge")?;
        let value = edge.metric(name, label).await.context("the edge")?;
        if value >= 1.0 {
            return Ok(());
        }
        ensure!(Instant::now() < until, "{name} is {value}");
        sleep(POLL).await;
    }
}
