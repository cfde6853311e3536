//! Load through the whole path for minutes: every event once, in order, byte for byte, in flat memory.

mod memory;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fanjet_oracle::fill;
use fanjet_tools::programs::Profile;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at};

use crate::cluster::Cluster;
use crate::load::reference;
use crate::publication::Publication;
use crate::runtime::block_on;
use memory::MemoryTable;

/// Interval of memory samples.
const SAMPLE: Duration = Duration::from_secs(10);

/// Small enough that the ring is full, and the edge at its maximum size, well before half time.
const RING_BYTES: &str = "67108864";

pub(crate) fn run(rate: u32, duration: Duration, profile: Profile) -> Result<()> {
    block_on(soak(rate, duration, profile))
}

async fn soak(rate: u32, duration: Duration, profile: Profile) -> Result<()> {
    let published = Publication::new(rate, u64::from(rate) * duration.as_secs())?.forgetful();
    let settings = [("edge.tail.ring_bytes", RING_BYTES)];
    let mut cluster = Cluster::start(1, profile, published.flags(), &settings).await?;
    let ledger = published.ledger();
    let mut filling = JoinSet::new();
    filling.spawn(fill(Arc::clone(&ledger), published.frames));
    let mut client = JoinSet::new();
    client.spawn(reference(cluster.edges[0].url()?, Arc::clone(&ledger)));
    cluster.start_ingest()?;

    let mut table = MemoryTable::of(&cluster)?;
    let started = Instant::now();
    let mut samples = interval_at(started + SAMPLE, SAMPLE);
    let verdict = loop {
        tokio::select! {
            ended = client.join_next() => break ended.context("no client")???,
            _ = samples.tick() => table.sample(started.elapsed(), ledger.timed() as u64)?,
        }
    };
    let took = started.elapsed();
    filling
        .join_next()
        .await
        .context("the ledger was not filled")???;
    table.sample(took, verdict.events)?;
    cluster.stop().await?;
    println!(
        "{} frames in {:.0} s ({:.0} events/s): {verdict}",
        published.frames,
        took.as_secs_f64(),
        verdict.events as f64 / took.as_secs_f64()
    );
    if let Some(first) = verdict.first() {
        bail!("{first}");
    }
    ensure!(verdict.is_clean(), "not clean");
    table.judge()
}
