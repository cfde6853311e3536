//! Test relays that number the same world differently, and an ingest that reads them.

use std::time::Duration;

use fanjet_ingest::IngestConfig;
use fanjet_log::EventLog;
use fanjet_log::contract::whole;
use fanjet_log::memory::MemoryLog;
use fanjet_simulator::{Rate, Simulator, SimulatorConfig, SimulatorHandle, Source, WorldConfig};

use crate::harness::{wait_for_last, world};

pub(crate) const ACTIVE: &str = "fanjet_ingest_upstream_active";
pub(crate) const FAILED: &str = "fanjet_ingest_upstream_switches_total{reason=\"failed\"}";
pub(crate) const PREFERRED: &str = "fanjet_ingest_upstream_switches_total{reason=\"preferred\"}";
pub(crate) const REPEATED: &str = "fanjet_ingest_repeated_events_total";
pub(crate) const LATE: &str = "fanjet_ingest_skipped_events_total{reason=\"behind_newer_rev\"}";
pub(crate) const LOGGED: &str = "fanjet_ingest_events_total";
pub(crate) const SHORT: &str = "fanjet_ingest_upstream_short_histories_total";

/// The offset of the higher relay's seqs.
pub(crate) const OFFSET: u64 = 7_000_000_000;
const RATE: f64 = 1_500.0;

/// More frames than any of these tests reads.
const ENDLESS: u64 = 1_000_000;

/// A relay of the world of `seed` whose seqs are `offset` higher.
pub(crate) async fn relay(
    seed: u64,
    offset: u64,
    change: impl FnOnce(&mut SimulatorConfig),
) -> SimulatorHandle {
    faulty_relay(seed, offset, &[], change).await
}

/// A relay with faults.
pub(crate) async fn faulty_relay(
    seed: u64,
    offset: u64,
    faults: &[&str],
    change: impl FnOnce(&mut SimulatorConfig),
) -> SimulatorHandle {
    let world = WorldConfig {
        seq_base: 30_000_000_000 + offset,
        ..world(seed, faults)
    };
    let mut settings = SimulatorConfig {
        source: Source::World(world),
        rate: Rate::PerSecond(RATE),
        limit: Some(ENDLESS),
        ..SimulatorConfig::default()
    };
    change(&mut settings);
    Simulator::start(settings).await.unwrap()
}

pub(crate) fn for_a_client(config: &mut SimulatorConfig) {
    config.wait_for_client = true;
}

/// Reads `first`, then `second`, with times short enough for a test.
pub(crate) fn quick(
    first: &SimulatorHandle,
    second: &SimulatorHandle,
) -> impl FnOnce(&mut IngestConfig) + use<> {
    let urls = (first.url(), second.url());
    move |config| {
        let upstream = &mut config.upstream;
        upstream.url = urls.0;
        upstream.fallbacks = vec![urls.1];
        upstream.fail_after = Duration::from_millis(50);
        upstream.probe_interval = Duration::from_millis(20);
        upstream.return_after = Duration::from_millis(100);
        upstream.overlap = Duration::from_millis(200);
        upstream.remembered_events = 3_000;
        upstream.connect_timeout = Duration::from_secs(2);
    }
}

/// Stops the world, waits until everything of it is logged, and compares: the log's `n`-th event is the world's `n`-th, in
/// the seqs of the relay in its origin. `low` is the relay with the lower seqs, and retains everything.
pub(crate) async fn assert_log_equals(log: &MemoryLog, low: &SimulatorHandle, seed: u64) {
    low.pause();
    let world = low.expected();
    wait_for_last(log, world.len() as u64, seed).await;
    let entries = whole(log).await;
    for (entry, expected) in entries.iter().zip(&world) {
        let at = format!("seed {seed}, seq {}", entry.seq);
        let seq = expected.relay_seq;
        let numbered = if is_high(entry.origin.relay_seq) {
            seq + OFFSET
        } else {
            seq
        };
        let origin = &entry.origin;
        assert_eq!(
            (origin.relay_seq, origin.op_index, origin.op_count),
            (numbered, expected.op_index, expected.op_count),
            "{at}"
        );
        if let Some(json) = expected.v1_json(entry.time().unwrap().get()) {
            let json = json.replace(&format!("\"seq\":{seq},"), &format!("\"seq\":{numbered},"));
            assert_eq!(std::str::from_utf8(&entry.body).unwrap(), json, "{at}");
        }
    }
}

pub(crate) fn is_high(seq: u64) -> bool {
    seq >= 30_000_000_000 + OFFSET
}

pub(crate) async fn grown_by(log: &MemoryLog, events: u64, seed: u64) {
    let last = log.bounds().await.unwrap().last;
    wait_for_last(log, last + events, seed).await;
}
