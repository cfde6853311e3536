//! Relays that number the same world differently: whichever is read, each operation once, in order.

use std::sync::Arc;
use std::time::Duration;

use fanjet_ingest::IngestConfig;
use fanjet_log::EventLog;
use fanjet_log::memory::MemoryLog;
use fanjet_simulator::{
    ExpectedEvent, Rate, Simulator, SimulatorConfig, SimulatorHandle, Source, World, WorldConfig,
};

use crate::rig::{Running, all, wait_for_last, world};

/// What one relay's seqs are above the other's.
const OFFSET: u64 = 7_000_000_000;
const RATE: f64 = 1_500.0;

/// One relay of a world: as a simulator, and as its account of all frames, forgotten ones included.
struct Relay {
    simulator: SimulatorHandle,
    expected: Vec<ExpectedEvent>,
}

impl Relay {
    async fn start(seed: u64, offset: u64, change: impl FnOnce(&mut SimulatorConfig)) -> Self {
        let config = WorldConfig {
            seq_base: 30_000_000_000 + offset,
            ..world(seed, &[])
        };
        let mut settings = SimulatorConfig {
            source: Source::World(config.clone()),
            rate: Rate::PerSecond(RATE),
            ..SimulatorConfig::default()
        };
        change(&mut settings);
        let mut world = World::new(&config).unwrap();
        let frames = settings.limit.unwrap();
        let expected = (0..frames).flat_map(|_| world.next_frame().expected);
        Self {
            expected: expected.collect(),
            simulator: Simulator::start(settings).await.unwrap(),
        }
    }

    fn url(&self) -> String {
        self.simulator.url()
    }
}

/// Reads `first`, then `second`, with times short enough for a test.
fn quick(first: &Relay, second: &Relay) -> impl FnOnce(&mut IngestConfig) + use<> {
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

/// The log against both accounts: its `n`-th event is the world's `n`-th, as whoever is named in its origin numbered it.
async fn assert_log_equals(log: &MemoryLog, relays: [(&Relay, fn(u64) -> bool); 2], seed: u64) {
    let wanted = relays[0].0.expected.len();
    wait_for_last(log, wanted as u64, seed).await;
    let entries = all(log).await;
    for (index, entry) in entries.iter().enumerate() {
        let at = format!("seed {seed}, seq {}", entry.seq);
        let (relay, _) = relays
            .iter()
            .find(|(_, is_its)| is_its(entry.origin.relay_seq))
            .unwrap();
        let expected = &relay.expected[index];
        let origin = &entry.origin;
        assert_eq!(
            (origin.relay_seq, origin.op_index, origin.op_count),
            (expected.relay_seq, expected.op_index, expected.op_count),
            "{at}"
        );
        if let Some(json) = expected.v1_json(entry.time().unwrap().get()) {
            assert_eq!(std::str::from_utf8(&entry.body).unwrap(), json, "{at}");
        }
    }
    assert_eq!(entries.len(), wanted, "seed {seed}");
}

fn is_low(seq: u64) -> bool {
    seq < 30_000_000_000 + OFFSET
}

fn is_high(seq: u64) -> bool {
    !is_low(seq)
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
        let frames = 9_000;
        // The second one is ahead of the first, and forgets what is older than a few seconds.
        let second = Relay::start(seed, OFFSET, |config| {
            config.limit = Some(frames);
            config.history_frames = 4_000;
        })
        .await;
        let first = Relay::start(seed, 0, |config| {
            config.limit = Some(frames);
            config.wait_for_client = true;
        })
        .await;
        let log = Arc::new(MemoryLog::new());
        let running = Running::start_with(log.clone(), quick(&first, &second));
        for round in 1..=2 {
            grown_by(&log, 700, seed).await;
            first.simulator.go_down();
            running
                .until("the second one is read", |running| {
                    running.counted(ACTIVE) == 1 && running.counted(FAILED) == round
                })
                .await;
            grown_by(&log, 300, seed).await;
            first.simulator.come_back();
            running
                .until("the first one is read again", |running| {
                    running.counted(ACTIVE) == 0 && running.counted(PREFERRED) == round
                })
                .await;
        }
        assert_log_equals(&log, [(&first, is_low), (&second, is_high)], seed).await;
        assert!(first.simulator.stats().refused > 0, "nothing was refused");
        assert!(running.counted(REPEATED) > 0, "nothing was sent twice");
        assert_eq!(running.counted(SHORT), 0);
        let entries = all(&*log).await;
        let from_second = entries.iter().filter(|entry| is_high(entry.origin.relay_seq));
        assert!(from_second.count() >= 600);
        running.stop().await.unwrap();
    }
}

/// The second one publishes nothing before it is asked: everything that it sends at first is in the log already.
#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_that_lags_far_behind_repeats_nothing() {
    let (seed, frames) = (510, 3_000);
    let lagging = |config: &mut SimulatorConfig| {
        config.limit = Some(frames);
        config.wait_for_client = true;
        config.backlog = 10;
    };
    let first = Relay::start(seed, 0, |config| {
        config.limit = Some(frames);
        config.wait_for_client = true;
    })
    .await;
    let second = Relay::start(seed, OFFSET, lagging).await;
    let log = Arc::new(MemoryLog::new());
    let running = Running::start_with(log.clone(), quick(&first, &second));
    wait_for_last(&*log, 1_000, seed).await;
    first.simulator.go_down();
    assert_log_equals(&log, [(&first, is_low), (&second, is_high)], seed).await;
    assert!(running.counted(REPEATED) >= 900);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_with_another_upstream_goes_on_where_the_log_ends() {
    let (seed, frames) = (520, 4_000);
    let limit = |config: &mut SimulatorConfig| config.limit = Some(frames);
    let second = Relay::start(seed, OFFSET, limit).await;
    let first = Relay::start(seed, 0, |config| {
        config.limit = Some(frames);
        config.wait_for_client = true;
    })
    .await;
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
    assert_log_equals(&log, [(&first, is_low), (&second, is_high)], seed).await;
    running.stop().await.unwrap();
}

/// A relay that was set up anew under the same name: its seqs begin below what the log knows.
#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_whose_seqs_begin_anew_is_read_on_by_time() {
    let (seed, frames) = (530, 4_000);
    let limit = |config: &mut SimulatorConfig| config.limit = Some(frames);
    let renewed = Relay::start(seed, 0, limit).await;
    let before = Relay::start(seed, OFFSET, |config| {
        config.limit = Some(frames);
        config.wait_for_client = true;
    })
    .await;
    let log = Arc::new(MemoryLog::new());
    let start = |relay: &Relay| {
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
    assert_log_equals(&log, [(&renewed, is_low), (&before, is_high)], seed).await;
    let notices = "fanjet_ingest_upstream_notices_total{name=\"future_cursor\"}";
    assert!(running.counted(notices) >= 3);
    assert_eq!(running.counted("fanjet_ingest_upstream_renumbered_total"), 1);
    running.stop().await.unwrap();
}

/// What an upstream has forgotten is lost, told and counted; everything behind it arrives.
#[tokio::test(flavor = "multi_thread")]
async fn an_outdated_cursor_is_told_and_reading_goes_on() {
    let (seed, frames) = (540, 3_000);
    let relay = Relay::start(seed, 0, |config| {
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
    relay.simulator.wait_until_produced(frames).await;
    let running = start();
    running
        .until("the last event is logged", |running| {
            running.counted("fanjet_ingest_relay_seq") == relay.expected.last().unwrap().relay_seq
        })
        .await;
    let notices = "fanjet_ingest_upstream_notices_total{name=\"outdated_cursor\"}";
    assert_eq!(running.counted(notices), 1);
    let named = relay.simulator.address();
    let gaps = format!("fanjet_ingest_relay_seq_gaps_total{{upstream=\"{named}\"}}");
    let missed = format!("fanjet_ingest_relay_seqs_missed_total{{upstream=\"{named}\"}}");
    assert!(running.counted(&gaps) >= 1);
    assert!(running.counted(&missed) >= 1_000);
    let kept = all(&*log).await;
    let seqs: Vec<_> = kept.iter().map(|entry| entry.origin.relay_seq).collect();
    assert!(seqs.is_sorted(), "seed {seed}");
    running.stop().await.unwrap();
}
