//! Resident memory of the processes over time.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::cluster::Cluster;
use crate::memory::resident_mib;

/// Allowed growth from the middle of a run to its end.
const GROWTH: f64 = 1.10;
/// Growth below this is noise of the allocator.
const NOISE_MIB: f64 = 16.0;

/// One row per sample, one column per process.
pub(super) struct MemoryTable {
    processes: Vec<(&'static str, i32)>,
    samples: Vec<Vec<f64>>,
}

impl MemoryTable {
    pub(super) fn of(cluster: &Cluster) -> Result<Self> {
        let ingest = cluster.ingests.first().context("ingest is not running")?;
        let nats = cluster
            .nats
            .process()
            .context("nats-server is not running")?;
        let processes = vec![
            ("ingest", ingest.process()?.pid()),
            ("edge", cluster.edges[0].process()?.pid()),
            ("nats", nats.pid()),
        ];
        Ok(Self {
            processes,
            samples: Vec::new(),
        })
    }

    /// Takes a sample, and prints the row.
    pub(super) fn sample(&mut self, at: Duration, events: u64) -> Result<()> {
        let row = self
            .processes
            .iter()
            .map(|(_, pid)| resident_mib(*pid))
            .collect::<Result<Vec<_>>>()?;
        let shown: Vec<_> = self
            .processes
            .iter()
            .zip(&row)
            .map(|((name, _), mib)| format!("{name} {mib:.1} MiB"))
            .collect();
        println!(
            "{:4} s  {events:9} events  {}",
            at.as_secs(),
            shown.join("  ")
        );
        self.samples.push(row);
        Ok(())
    }

    /// Whether our own processes stayed flat over the second half: by then every buffer has reached its bound. The NATS
    /// server is not checked.
    pub(super) fn judge(&self) -> Result<()> {
        let (Some(middle), Some(end)) = (
            self.samples.get(self.samples.len() / 2),
            self.samples.last(),
        ) else {
            return Ok(());
        };
        for (index, (name, _)) in self.processes.iter().enumerate().take(2) {
            let (middle, end) = (middle[index], end[index]);
            let is_flat = end <= middle * GROWTH || end - middle <= NOISE_MIB;
            println!("{name}: {middle:.1} MiB at half time, {end:.1} MiB at the end");
            ensure!(is_flat, "the memory of {name} grows");
        }
        Ok(())
    }
}
