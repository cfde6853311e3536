//! Relays that number the same world differently: whichever is read, each operation once, in order.

use std::sync::Arc;
use std::time::Duration;

use fanjet_ingest::IngestConfig;
use fanjet_log::EventLog;
use fanjet_log::memory::MemoryLog;
use fanjet_simulator::{Rate, Simulator, SimulatorConfig, SimulatorHandle, Source, WorldConfig};

use crate::rig::{Running, all, wait_for_last, world};

/// What one relay's seqs are above the other's.
const OFFSET: u64 = 7_000_000_000;
const RATE: f64 = 1_500.0;

/// More frames than any of these tests lasts.
const ENDLESS: u64 = 1_000_000;

/// A relay of the world of `seed` that numbers `offset` above the first one.
async fn relay(
    seed: u64,
    offset: u64,
    change: impl FnOnce(&mut SimulatorConfig),
) -> SimulatorHandle {
    let world = WorldConfig {
        seq_base: 30_000_000_000 + offset,
        ..world(seed, &[])
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

fn for_a_client(config: &mut SimulatorConfig) {
    config.wait_for_client = true;
}

/// Reads `first`, then `second`, with times short enough for a test.
fn quick(
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
/// the numbers of whoever is named in its origin. `low` is the relay with the lower ones, and has forgotten nothing.
async fn assert_log_equals(log: &MemoryLog, low: &SimulatorHandle, seed: u64) {
    low.pause();
    let world = low.expected();
    wait_for_last(log, world.len() as u64, seed).await;
    let entries = all(log).await;
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

fn is_high(seq: u64) -> bool {
    seq >= 30_000_000_000 + OFFSET
}

async fn grown_by(log: &MemoryLog, events: u64, seed: u64) {
    let last = log.bounds().await.unwrap().last;
    wait_for_last(log, last + events, seed).await;
}

const ACTIVE: &str = "fanjet_ingest_upstream_active";
const FAILED: &str = "fanjet_ingest_upstream_switches_total{reason=\"failed\"}";
const PREFERRED: &str = "fanjet_ingest_upstream_switches_total{reason=\"preferred\"}";
const REPEATED: &str = "fanjet_ingest_repeated_events_total";
const SHORT: &str = "fanjet_ingest_upstream_short_histories_total";

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_dies_in_mid_stream_is_replaced_and_returned_to_without_loss_or_repetition() {
    for seed in 500..502 {
        // The second one forgets what is older than a few seconds, and is not that far ahead of the first.
        let second = relay(seed, OFFSET, |config| config.history_frames = 8_000).await;
        second.pause();
        let first = relay(seed, 0, for_a_client).await;
        second.resume();
        let log = Arc::new(MemoryLog::new());
        let running = Running::start_with(log.clone(), quick(&first, &second));
        for round in 1..=2 {
            grown_by(&log, 700, seed).await;
            first.go_down();
            running
                .until("the second one is read", |running| {
                    running.counted(ACTIVE) == 1 && running.counted(FAILED) == round
                })
                .await;
            grown_by(&log, 300, seed).await;
            first.come_back();
            running
                .until("the first one is read again", |running| {
                    running.counted(ACTIVE) == 0 && running.counted(PREFERRED) == round
                })
                .await;
        }
        assert_log_equals(&log, &first, seed).await;
        assert!(first.stats().refused > 0, "nothing was refused");
        assert!(running.counted(REPEATED) > 0, "nothing was sent twice");
        assert_eq!(running.counted(SHORT), 0);
        let entries = all(&*log).await;
        let from_second = entries
            .iter()
            .filter(|entry| is_high(entry.origin.relay_seq));
        assert!(from_second.count() >= 600);
        running.stop().await.unwrap();
    }
}

/// The second one publishes nothing before it is asked: everything that it sends at first is in the log already.
#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_that_lags_far_behind_repeats_nothing() {
    let seed = 510;
    let first = relay(seed, 0, for_a_client).await;
    let second = relay(seed, OFFSET, |config| {
        config.wait_for_client = true;
        config.backlog = 10;
    })
    .await;
    let log = Arc::new(MemoryLog::new());
    let running = Running::start_with(log.clone(), quick(&first, &second));
    wait_for_last(&*log, 1_000, seed).await;
    first.go_down();
    running
        .until(
            "the second one has repeated what the log holds",
            |running| running.counted(ACTIVE) == 1 && running.counted(REPEATED) >= 900,
        )
        .await;
    grown_by(&log, 100, seed).await;
    assert_log_equals(&log, &first, seed).await;
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_with_another_upstream_goes_on_where_the_log_ends() {
    let seed = 520;
    let second = relay(seed, OFFSET, |_| {}).await;
    let first = relay(seed, 0, for_a_client).await;
    let log = Arc::new(MemoryLog::new());
    for relay in [&first, &second, &first] {
        let running = Running::start_with(log.clone(), |config| {
            quick(relay, relay)(config);
            config.upstream.fallbacks.clear();
        });
        grown_by(&log, 500, seed).await;
        running.stop().await.unwrap();
    }
    let running = Running::start_with(log.clone(), quick(&second, &first));
    assert_log_equals(&log, &first, seed).await;
    running.stop().await.unwrap();
}

/// A relay that was set up anew under the same name: its seqs begin below what the log knows.
#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_whose_seqs_begin_anew_is_read_on_by_time() {
    let seed = 530;
    let renewed = relay(seed, 0, |_| {}).await;
    let before = relay(seed, OFFSET, for_a_client).await;
    let log = Arc::new(MemoryLog::new());
    let start = |relay: &SimulatorHandle| {
        let settings = quick(relay, relay);
        Running::start_with(log.clone(), |config| {
            settings(config);
            config.upstream.fallbacks.clear();
            config.upstream.name = "relay".to_owned();
        })
    };
    let running = start(&before);
    wait_for_last(&*log, 1_000, seed).await;
    running.stop().await.unwrap();
    let running = start(&renewed);
    assert_log_equals(&log, &renewed, seed).await;
    let notices = "fanjet_ingest_upstream_notices_total{name=\"future_cursor\"}";
    assert!(running.counted(notices) >= 3);
    assert_eq!(
        running.counted("fanjet_ingest_upstream_renumbered_total"),
        1
    );
    running.stop().await.unwrap();
}

/// What an upstream has forgotten is lost, told and counted; everything behind it arrives.
#[tokio::test(flavor = "multi_thread")]
async fn an_outdated_cursor_is_told_and_reading_goes_on() {
    let (seed, frames) = (540, 3_000);
    let relay = relay(seed, 0, |config| {
        config.limit = Some(frames);
        config.wait_for_client = true;
        config.history_frames = 200;
    })
    .await;
    let log = Arc::new(MemoryLog::new());
    let start = || {
        let settings = quick(&relay, &relay);
        Running::start_with(log.clone(), |config| {
            settings(config);
            config.upstream.fallbacks.clear();
        })
    };
    let running = start();
    wait_for_last(&*log, 300, seed).await;
    running.stop().await.unwrap();
    relay.wait_until_produced(frames).await;
    let last = relay.expected().last().unwrap().relay_seq;
    let running = start();
    running
        .until("the last event is logged", |running| {
            running.counted("fanjet_ingest_relay_seq") == last
        })
        .await;
    let notices = "fanjet_ingest_upstream_notices_total{name=\"outdated_cursor\"}";
    assert_eq!(running.counted(notices), 1);
    let named = relay.address();
    let gaps = format!("fanjet_ingest_relay_seq_gaps_total{{upstream=\"{named}\"}}");
    let missed = format!("fanjet_ingest_relay_seqs_missed_total{{upstream=\"{named}\"}}");
    assert!(running.counted(&gaps) >= 1);
    assert!(running.counted(&missed) >= 1_000);
    let kept = all(&*log).await;
    let seqs: Vec<_> = kept.iter().map(|entry| entry.origin.relay_seq).collect();
    assert!(seqs.is_sorted(), "seed {seed}");
    running.stop().await.unwrap();
}
