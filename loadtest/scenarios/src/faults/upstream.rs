//! Hostile upstreams. Under a memory limit: a program that buffers everything is killed.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::{sleep, timeout};

use super::hostile::{self, FORGED};
use super::testbed::{PATIENCE, POLL};
use super::trial::Trial;
use super::upstream_proxy::Script;
use crate::memory::kibibytes;
use crate::service::Launch;

/// Room for a program under a memory limit, beside what it has when it is set.
const ROOM: u64 = 512 << 20;
/// What a program may need in KiB for such an upstream, at most.
const GROWTH: u64 = 64 << 10;
/// The largest seq that a frame can have.
const HUGE_SEQ: u64 = i64::MAX as u64;
/// How long the attack lasts before the check.
const A_WHILE: Duration = Duration::from_secs(5);

/// It pings and reads nothing.
pub(super) async fn pings(trial: &mut Trial) -> Result<()> {
    serve(trial).await?;
    meet(trial, hostile::pings()).await?;
    trial.testbed.proxy.open();
    trial.afterwards().await
}

/// A frame declares more bytes than any memory has. Only its own events may be missing: its seq is unique.
pub(super) async fn giant_frame(trial: &mut Trial) -> Result<()> {
    serve(trial).await?;
    let relay = &trial.testbed.relay;
    relay.pause();
    let expected = relay.expected();
    let expected = expected.iter().filter(|it| it.v1_json(0).is_some()).count();
    trial.testbed.follower()?.has(expected, PATIENCE).await?;
    let seq = trial.testbed.relay.stats().last_seq + 1;
    meet(trial, hostile::giant_frame(seq)).await?;
    trial.testbed.relay.renumber(seq, 0);
    trial.testbed.proxy.open();
    trial.testbed.relay.resume();
    trial.afterwards().await
}

/// One frame has the largest possible seq, and the following ones continue as before.
pub(super) async fn huge_seq(trial: &mut Trial) -> Result<()> {
    serve(trial).await?;
    trial.inject().await?;
    let relay = &trial.testbed.relay;
    relay.pause();
    // After everything that is in flight.
    let usual = relay.stats().last_seq + 1_000;
    relay.renumber(HUGE_SEQ - 1, 0);
    relay.publish(1).await;
    let now = relay.stats().last_seq;
    ensure!(now == HUGE_SEQ, "the upstream is at {now}");
    trial.evidence(format!("the upstream sent seq {now}"));
    trial.meanwhile().await?;
    trial.testbed.relay.renumber(usual, 0);
    trial.testbed.relay.resume();
    trial.afterwards().await
}

/// Its info messages imitate log lines, and contain terminal escapes.
pub(super) async fn words(trial: &mut Trial) -> Result<()> {
    serve(trial).await?;
    meet(trial, hostile::words()).await?;
    trial.testbed.proxy.open();
    trial.afterwards().await?;
    let said = trial.testbed.service("serve")?.lines();
    let is_forged = |line: &&String| {
        line.starts_with(FORGED) || line.chars().any(|it| it.is_control() || it == '\u{202e}')
    };
    let forged = said.iter().find(is_forged);
    ensure!(forged.is_none(), "untrusted text breaks out: {forged:?}");
    ensure!(
        said.iter().any(|line| line.contains("forged")),
        "the untrusted text was not logged"
    );
    Ok(())
}

async fn serve(trial: &mut Trial) -> Result<()> {
    let data = trial.testbed.folder().join("data");
    trial.testbed.serve(&data, &Launch::default(), &[]).await
}

/// Meets a server with a script.
async fn meet(trial: &mut Trial, script: Script) -> Result<()> {
    let pid = trial.testbed.service("serve")?.process()?.pid();
    let before = peak(pid)?;
    trial.inject().await?;
    limit_memory(pid)?;
    trial.testbed.proxy.turn_hostile(script);
    let met = async {
        while trial.testbed.proxy.connections() == 0 {
            sleep(POLL).await;
        }
        sleep(A_WHILE).await;
    };
    let met = timeout(PATIENCE, met).await;
    ensure!(met.is_ok(), "no program connects");
    let (connections, bytes) = (
        trial.testbed.proxy.connections(),
        trial.testbed.proxy.bytes(),
    );
    ensure!(bytes > 0, "nothing was sent");
    trial.evidence(format!("{bytes} bytes on {connections} connections"));
    trial.meanwhile().await?;
    let peak = peak(pid)?;
    ensure!(
        peak < before + GROWTH,
        "memory grew from {before} to {peak} KiB"
    );
    trial.evidence(format!("memory {} -> {} MiB", before >> 10, peak >> 10));
    Ok(())
}

/// The most memory that a process ever had, in KiB.
fn peak(pid: i32) -> Result<u64> {
    kibibytes(pid, "VmHWM:")
}

/// No more address space than a process has now, and some room.
fn limit_memory(pid: i32) -> Result<()> {
    let limit = kibibytes(pid, "VmSize:")? * 1024 + ROOM;
    let limited = Command::new("prlimit")
        .args(["--pid", &pid.to_string()])
        .arg(format!("--as={limit}"))
        .status()
        .context("cannot run prlimit")?;
    ensure!(limited.success(), "prlimit failed");
    Ok(())
}
