//! Load through the whole path for minutes: every event once, in order, byte for byte, in flat memory.

mod expected;
mod memory;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fanjet_testkit::JetstreamClient;
use fanjet_testkit::corpus::compare;
use fanjet_tools::programs::Profile;

use crate::cluster::Cluster;
use crate::runtime::block_on;
use expected::ExpectedEvents;
use memory::MemoryTable;

const PATIENCE: Duration = Duration::from_secs(30);

/// How far apart the memory of the processes is looked at.
const SAMPLE: Duration = Duration::from_secs(10);

/// Small enough that the ring is full, and the edge as large as it gets, well before half time.
const RING_BYTES: &str = "67108864";

pub(crate) fn run(rate: u32, duration: Duration) -> Result<()> {
    block_on(soak(rate, duration))
}

async fn soak(rate: u32, duration: Duration) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let expect_out = folder.path().join("expected.jsonl");
    let frames = u64::from(rate) * duration.as_secs();
    // The simulator must not grow either, so it forgets what ingest has long read.
    let flags = [
        "--rate",
        &rate.to_string(),
        "--limit",
        &frames.to_string(),
        "--wait-for-client",
        "--history-frames",
        "20000",
        "--expect-out",
        &expect_out.display().to_string(),
    ];
    let mut cluster =
        Cluster::start(Profile::Release, &flags, &[("tail.ring_bytes", RING_BYTES)]).await?;
    let mut client = JetstreamClient::connect(cluster.edge_url(), &[])
        .await?
        .with_deadline(PATIENCE);
    cluster.start_ingest()?;

    let mut table = MemoryTable::of(&cluster)?;
    let started = Instant::now();
    let mut last_sample = started;
    let mut last_time_us = 0;
    let mut expected = ExpectedEvents::open(&expect_out)?;
    let mut events: u64 = 0;
    // The simulator writes what it expects before it sends it, so the line is there when the event is.
    while let Some(line) = expected.next(frames).await? {
        let event = client
            .next_event()
            .await
            .with_context(|| format!("event {} is missing: {line}", events + 1))?;
        compare(&line, &event).with_context(|| format!("event {}", events + 1))?;
        let time_us = time_us(&event).context("an event without time_us")?;
        ensure!(
            time_us > last_time_us,
            "event {}: time_us {time_us} behind {last_time_us}",
            events + 1
        );
        last_time_us = time_us;
        events += 1;
        if last_sample.elapsed() >= SAMPLE {
            last_sample = Instant::now();
            table.sample(started.elapsed(), events)?;
        }
    }
    let took = started.elapsed();
    client = client.with_deadline(Duration::from_secs(2));
    ensure!(
        client.next_event().await.is_err(),
        "an extra event behind the last one"
    );
    client.close().await?;
    table.sample(took, events)?;
    cluster.stop().await?;
    println!(
        "{events} events of {frames} frames in {:.0} s ({:.0}/s): 0 missing, 0 repeated, 0 reordered, 0 differ",
        took.as_secs_f64(),
        events as f64 / took.as_secs_f64()
    );
    table.judge()
}

fn time_us(event: &str) -> Option<u64> {
    let (_, rest) = event.split_once("\"time_us\":")?;
    rest.split(',').next()?.parse().ok()
}
