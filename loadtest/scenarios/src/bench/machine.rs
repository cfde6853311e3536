//! The machine that figures were taken on, and the cores that processes run on.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use anyhow::{Context, Result};
use fanjet_tools::shell::root;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;

/// Printed with every figure.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Machine {
    pub(super) cpu: String,
    pub(super) cores: usize,
    pub(super) kernel: String,
    /// With `-dirty` if there are uncommitted changes.
    pub(super) commit: String,
    /// Load average of one minute when the run started.
    pub(super) load_average: f64,
}

impl Machine {
    pub(super) fn here() -> Result<Self> {
        let cpus = fs::read_to_string("/proc/cpuinfo")?;
        let model = cpus
            .lines()
            .find_map(|line| line.strip_prefix("model name"));
        let cpu = model.map_or("unknown", |it| it.trim_start_matches([' ', '\t', ':']));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
        let load = fs::read_to_string("/proc/loadavg")?;
        let load = load.split(' ').next().context("no load average")?;
        Ok(Self {
            cpu: cpu.to_owned(),
            cores: available_parallelism()?.get(),
            kernel: kernel.trim().to_owned(),
            commit: commit().unwrap_or_else(|| "unknown".to_owned()),
            load_average: load.parse()?,
        })
    }
}

fn commit() -> Option<String> {
    let mut git = Command::new("git");
    git.current_dir(root());
    let output = git.args(["describe", "--always", "--dirty", "--abbrev=10"]);
    let output = output.output().ok().filter(|it| it.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// Cores for the servers under test, and cores for everything else. A single core is shared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cores {
    servers: usize,
    all: usize,
}

/// Processes started by this thread inherit its cores. Dropping restores the thread's cores.
pub(super) struct Pinned {
    before: CpuSet,
}

impl Cores {
    pub(super) fn new(servers: usize) -> Result<Self> {
        let all = available_parallelism()?.get();
        Ok(Self { servers, all })
    }

    /// The number of the clients' cores.
    pub(super) fn clients(self) -> usize {
        self.all.saturating_sub(self.servers).max(1)
    }

    /// For servers that are started until the drop.
    pub(super) fn for_servers(self) -> Result<Pinned> {
        Pinned::to(0..self.servers.min(self.all))
    }

    /// For everything else.
    pub(super) fn for_clients(self) -> Result<Pinned> {
        match self.servers < self.all {
            true => Pinned::to(self.servers..self.all),
            false => Pinned::to(0..self.all),
        }
    }
}

impl Pinned {
    fn to(cores: std::ops::Range<usize>) -> Result<Self> {
        let before = sched_getaffinity(None)?;
        // Counted among those that this process may use.
        let mut allowed = (0..CpuSet::MAX_CPU).filter(|core| before.is_set(*core));
        let mut set = CpuSet::new();
        for core in allowed.by_ref().skip(cores.start).take(cores.len()) {
            set.set(core);
        }
        sched_setaffinity(None, &set).context("cannot choose cores")?;
        Ok(Self { before })
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // These were allowed before.
        let _restored = sched_setaffinity(None, &self.before);
    }
}
