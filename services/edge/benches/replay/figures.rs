//! The figures of one run.

use std::fmt;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// `sysconf(_SC_CLK_TCK)` on every Linux that Rust supports.
const TICKS_PER_SECOND: f64 = 100.0;

/// One run of a scenario.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    /// Events delivered to all readers, and events of the log that they covered.
    pub(crate) delivered: u64,
    pub(crate) passed: u64,
    /// Events that the edge read from the log.
    pub(crate) loaded: u64,
    /// From the first connection to the last event.
    pub(crate) seconds: f64,
    /// Delivered per second to the slowest reader.
    pub(crate) slowest: f64,
    /// From connecting to the first event, in milliseconds.
    pub(crate) first_median: f64,
    pub(crate) first_last: f64,
    /// CPU seconds.
    pub(crate) edge_cpu: f64,
    pub(crate) nats_cpu: f64,
    /// Peak resident memory in MiB.
    pub(crate) edge_rss: f64,
    /// Bytes that nats-server sent to the edge per byte that was appended meanwhile; not a number where nothing was.
    pub(crate) copies: f64,
}

impl Figures {
    pub(crate) const HEAD: &'static str = "         delivered/s   slowest/s    passed/s  loaded/passed  first ms  (last)   edge us  nats us per passed  edge MiB  copies";
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (delivered, passed) = (self.delivered as f64, self.passed as f64);
        write!(
            f,
            "{:>11.0} {:>11.0} {:>11.0} {:>14.3} {:>9.1} {:>7.1} {:>9.3} {:>8.3} {:>20.0} {:>7.2}",
            delivered / self.seconds,
            self.slowest,
            passed / self.seconds,
            self.loaded as f64 / passed,
            self.first_median,
            self.first_last,
            self.edge_cpu * 1e6 / passed,
            self.nats_cpu * 1e6 / passed,
            self.edge_rss,
            self.copies,
        )
    }
}

/// The median of each figure.
pub(crate) fn median(runs: &[Figures]) -> Figures {
    let of = |figure: &dyn Fn(&Figures) -> f64| {
        let mut values: Vec<_> = runs.iter().map(figure).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    Figures {
        delivered: of(&|it| it.delivered as f64) as u64,
        passed: of(&|it| it.passed as f64) as u64,
        loaded: of(&|it| it.loaded as f64) as u64,
        seconds: of(&|it| it.seconds),
        slowest: of(&|it| it.slowest),
        first_median: of(&|it| it.first_median),
        first_last: of(&|it| it.first_last),
        edge_cpu: of(&|it| it.edge_cpu),
        nats_cpu: of(&|it| it.nats_cpu),
        edge_rss: of(&|it| it.edge_rss),
        copies: of(&|it| it.copies),
    }
}

/// User and system time of a process so far.
pub(crate) fn cpu(pid: i32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("no name in the statistics")?;
    let fields: Vec<_> = fields.split_whitespace().collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / TICKS_PER_SECOND)
}

/// Peak resident memory of a process, in MiB.
pub(crate) fn peak_memory(pid: i32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kib.context("no VmHWM")?.parse::<f64>()? / 1024.0)
}

pub(crate) fn load_average() -> Result<String> {
    Ok(fs::read_to_string("/proc/loadavg")?.trim().to_owned())
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
