//! The machine's CPU time during a measurement.

use std::fs;

use anyhow::{Context, Result};
use serde::Serialize;
use tokio::time::Instant;

/// `sysconf(_SC_CLK_TCK)` on every Linux that Rust supports.
const TICKS_PER_SECOND: f64 = 100.0;
/// Percent of a core used by other processes, above which a run counts as disturbed.
const MAX_FOREIGN: f64 = 15.0;
/// Percent of a core stolen by the host of a virtual machine.
const MAX_STOLEN: f64 = 5.0;

/// The processes of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Pids {
    pub(super) servers: Vec<i32>,
    pub(super) nats: Vec<i32>,
    /// Feeder, or simulator and ingest.
    pub(super) sources: Vec<i32>,
}

/// A reading of all clocks.
#[derive(Debug, Clone)]
pub(super) struct Look {
    at: Instant,
    servers: f64,
    nats: f64,
    sources: f64,
    own: f64,
    /// User, nice and system time of all processes.
    busy: f64,
    stolen: f64,
}

/// The difference between two readings.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Spent {
    pub(super) seconds: f64,
    /// CPU seconds of the servers under test.
    pub(super) servers: f64,
    pub(super) nats: f64,
    pub(super) sources: f64,
    pub(super) swarm: f64,
    /// Percent of a core used by other processes.
    pub(super) foreign: f64,
    /// Percent of a core used by other virtual machines.
    pub(super) stolen: f64,
    /// The figures are unreliable.
    pub(super) is_disturbed: bool,
}

impl Look {
    pub(super) fn now(pids: &Pids) -> Result<Self> {
        let sum = |pids: &[i32]| {
            pids.iter()
                .map(|pid| cpu_seconds(*pid))
                .sum::<Result<f64>>()
        };
        let (busy, stolen) = machine()?;
        Ok(Self {
            at: Instant::now(),
            servers: sum(&pids.servers)?,
            nats: sum(&pids.nats)?,
            sources: sum(&pids.sources)?,
            own: cpu_seconds(i32::try_from(std::process::id())?)?,
            busy,
            stolen,
        })
    }

    /// CPU time since then. The load generator reports its own: it may have exited by now.
    pub(super) fn since(&self, before: &Self, swarm: f64) -> Spent {
        let seconds = (self.at - before.at).as_secs_f64();
        let servers = self.servers - before.servers;
        let nats = self.nats - before.nats;
        let sources = self.sources - before.sources;
        let ours = servers + nats + sources + swarm + self.own - before.own;
        let percent = |time: f64| (time / seconds * 100.0).max(0.0);
        let foreign = percent(self.busy - before.busy - ours);
        let stolen = percent(self.stolen - before.stolen);
        Spent {
            seconds,
            servers,
            nats,
            sources,
            swarm,
            foreign,
            stolen,
            is_disturbed: foreign > MAX_FOREIGN || stolen > MAX_STOLEN,
        }
    }
}

/// User and system time of a process so far.
pub(super) fn cpu_seconds(pid: i32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("the process is gone")?;
    let (_, fields) = stat.rsplit_once(')').context("no name in the statistics")?;
    let fields: Vec<_> = fields.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks / TICKS_PER_SECOND)
}

/// Used and stolen time of the machine, in seconds.
fn machine() -> Result<(f64, f64)> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("no statistics")?;
    let fields: Vec<f64> = line
        .split_whitespace()
        .skip(1)
        .map(|it| it.parse().unwrap_or(0.0) / TICKS_PER_SECOND)
        .collect();
    let at = |index: usize| fields.get(index).copied().unwrap_or(0.0);
    Ok((at(0) + at(1) + at(2), at(7)))
}
