//! The edge in its own process, with a ring that holds almost nothing of the history.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use fanjet_edge::config::DiskConfig;
use fanjet_edge::metrics::{DISK_FILLED, REPLAY_READ_EVENTS};
use fanjet_edge::{Edge, EdgeConfig};
use fanjet_runtime::Stop;

use crate::figures::{Figures, cpu, peak_memory};
use crate::instruments::Instruments;
use crate::logs::{Log, open};
use crate::readers;
use crate::role;
use crate::scenarios::Scenario;

/// Enough for a sample that detects rare collections.
const RING_BYTES: usize = 2 << 20;

/// More than any history here has.
const TIER_BYTES: u64 = 8 << 30;
/// As fast as the log can be read: filling is not what is measured.
const TIER_FILL: u64 = 1 << 30;

/// Serves until its standard input is closed; prints its address when its local tier is filled, and at the end the number of events
/// read for replays.
pub(crate) fn serve(kind: &str, place: &str, tier: Option<&str>) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let instruments = Instruments::new();
        let mut config = EdgeConfig::default();
        config.http.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.tail.ring_bytes = RING_BYTES;
        // All readers share one address.
        config.limits.max_replay_bytes_per_second = 0;
        config.drain.spread = std::time::Duration::ZERO;
        config.drain.deadline = std::time::Duration::ZERO;
        if let Some(folder) = tier {
            config.disk = DiskConfig {
                path: folder.into(),
                max_bytes: TIER_BYTES,
                fill: TIER_FILL,
            };
        }
        let log = open(kind, place).await?;
        let stop = Stop::new();
        let edge = Edge::start(config, log, &instruments.meter(), stop.clone())?;
        let is_filled = || tier.is_none() || instruments.sum(DISK_FILLED, None) >= 1.0;
        while !edge.readiness().is_ready() || !is_filled() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        println!("{}", edge.addr());
        let end = || std::io::stdin().read_to_end(&mut Vec::new());
        tokio::task::spawn_blocking(end).await??;
        println!("{}", instruments.sum(REPLAY_READ_EVENTS, None));
        Ok(())
    })
}

/// Runs a scenario against a fresh node.
pub(crate) fn measure(scenario: &Scenario, log: &Log<'_>) -> Result<Figures> {
    let (place, tier) = (log.place()?, log.tier()?);
    let mut arguments = vec!["node", log.name(), &place];
    arguments.extend(tier.as_deref());
    let mut node = Node::start(role(&arguments)?)?;
    let pid = i32::try_from(node.process.id())?;
    let nats_cpu = || log.pid().map_or(Ok(0.0), cpu);
    let (edge_before, nats_before) = (cpu(pid)?, nats_cpu()?);
    let feed = log.feed()?;
    let report = readers::start(&node.addr, scenario)?;
    let copies = feed.map(|feed| feed.copies()).transpose()?;
    let (edge_after, nats_after) = (cpu(pid)?, nats_cpu()?);
    let edge_rss = peak_memory(pid)?;
    Ok(Figures {
        delivered: report.delivered,
        passed: scenario.passed,
        loaded: node.stop()?,
        seconds: report.seconds,
        slowest: report.slowest,
        first_median: report.first_median,
        first_last: report.first_last,
        edge_cpu: edge_after - edge_before,
        nats_cpu: nats_after - nats_before,
        edge_rss,
        copies: copies.unwrap_or(f64::NAN),
    })
}

struct Node {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
    addr: String,
}

impl Node {
    fn start(mut command: Command) -> Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut output = BufReader::new(process.stdout.take().context("its output")?);
        let mut addr = String::new();
        output.read_line(&mut addr)?;
        Ok(Self {
            process,
            output,
            addr: addr.trim().to_owned(),
        })
    }

    fn stop(&mut self) -> Result<u64> {
        drop(self.process.stdin.take());
        let mut loaded = String::new();
        self.output.read_to_string(&mut loaded)?;
        self.process.wait()?;
        Ok(loaded.trim().parse::<f64>()? as u64)
    }
}

/// A node must not outlive a failed run.
impl Drop for Node {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            self.process.kill().unwrap_or_default();
            self.process.wait().map(drop).unwrap_or_default();
        }
    }
}
