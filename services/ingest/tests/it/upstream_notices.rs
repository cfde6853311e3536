//! Notices and errors from upstreams are logged and counted, and reading continues.

use std::sync::Arc;
use std::time::Duration;

use fanjet_ingest::IngestConfig;
use fanjet_log::contract::whole;
use fanjet_log::memory::{Fault, MemoryLog};
use fanjet_simulator::{FaultKind, Rate, SimulatorHandle};

use crate::harness::{Running, assert_log_equals_world, simulator, wait_for_last};
use crate::relays::{assert_log_equals, for_a_client, grown_by, quick, relay};

fn noticed(running: &Running, name: &str) -> u64 {
    let counter = "fanjet_ingest_upstream_notices_total";
    running.counted(&format!("{counter}{{name=\"{name}\"}}"))
}

/// A relay disconnects slow consumers although it still has everything: they must reconnect.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_consumer_notice_is_reported_and_reading_resumes_at_the_same_position() {
    let (seed, frames) = (570, 2_000);
    let simulator = simulator(seed, frames, &["too-slow=every:150"]).await;
    let log = Arc::new(MemoryLog::new());
    let running = Running::start(&simulator.url(), &log);
    assert_log_equals_world(&*log, &simulator, frames, seed).await;
    let struck = simulator.stats().fault(FaultKind::TooSlow);
    assert!(struck >= 10, "{struck}");
    assert_eq!(noticed(&running, "consumer_too_slow"), struck);
    let closed = "fanjet_ingest_upstream_disconnects_total{reason=\"closed\"}";
    assert!(running.counted(closed) >= struck);
    assert_eq!(noticed(&running, "outdated_cursor"), 0);
    running.stop().await.unwrap();
}

/// A log that stalls for longer than the relay's history: the loss is reported twice, as too slow and as outdated.
#[tokio::test(flavor = "multi_thread")]
async fn being_slower_than_the_history_is_reported_as_a_loss() {
    let seed = 571;
    let relay = relay(seed, 0, |config| {
        config.wait_for_client = true;
        config.history_frames = 500;
        config.rate = Rate::PerSecond(20_000.0);
    })
    .await;
    let log = Arc::new(MemoryLog::new());
    let running = start(&log, &relay, |_| ());
    wait_for_last(&*log, 200, seed).await;
    log.inject(Fault::AppendFails, u64::MAX / 2);
    running
        .until("an append failed", |_| log.fired(Fault::AppendFails) > 0)
        .await;
    // Ingest and the sockets buffer a limited amount, and the relay waits a limited time.
    running
        .until("the relay gave up on it", |_| relay.stats().clients == 0)
        .await;
    relay.pause();
    log.withdraw(Fault::AppendFails);
    running
        .until("it was reported", |running| {
            noticed(running, "consumer_too_slow") == 1 && noticed(running, "outdated_cursor") == 1
        })
        .await;
    let last = relay.expected().last().unwrap().relay_seq;
    running
        .until("the last event is logged", |running| {
            running.counted("fanjet_ingest_relay_seq") == last
        })
        .await;
    assert!(running.counted(MISSED) > 0, "the gap is not counted");
    let seqs: Vec<_> = whole(&*log)
        .await
        .iter()
        .map(|entry| entry.origin.relay_seq)
        .collect();
    assert!(seqs.is_sorted(), "seed {seed}");
    running.stop().await.unwrap();
}

const MISSED: &str = "fanjet_ingest_relay_seqs_missed_total{upstream=\"relay\"}";
const RENUMBERED: &str = "fanjet_ingest_upstream_renumbered_total";

/// A replica that lags: the log knows a seq that it does not know yet. It is asked again until it does.
#[tokio::test(flavor = "multi_thread")]
async fn a_future_cursor_is_reported_and_requested_again() {
    let seed = 572;
    let (log, ahead) = read_for_a_while(seed).await;
    // The relay that was read may be far ahead of the log by now. Its frames with events are counted, so that the replica
    // ends before what the log knows even if some have none.
    let known = whole(&*log).await.last().unwrap().origin.relay_seq;
    let expected = ahead.expected();
    let mut seqs: Vec<_> = expected.iter().map(|event| event.relay_seq).collect();
    seqs.retain(|seq| *seq <= known);
    seqs.dedup();
    let behind = relay(seed, 0, |config| config.backlog = seqs.len() as u64 - 5).await;
    behind.pause();
    let running = start(&log, &behind, |config| {
        // Long enough for the replica to catch up.
        config.upstream.reconnect_min = Duration::from_millis(200);
        config.upstream.reconnect_max = Duration::from_millis(400);
    });
    running
        .until("the cursor was refused", |running| {
            noticed(running, "future_cursor") > 0
        })
        .await;
    behind.resume();
    grown_by(&log, 100, seed).await;
    assert_log_equals(&log, &behind, seed).await;
    assert_eq!(running.counted(RENUMBERED), 0);
    running.stop().await.unwrap();
}

/// The cursor stays in the future for so long that the upstream seems to have restarted its sequence. It has not, and the
/// wrong guess does no harm.
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_stays_in_the_future_is_found_by_time() {
    let seed = 573;
    let (log, _ahead) = read_for_a_while(seed).await;
    let behind = relay(seed, 0, for_a_client).await;
    let running = start(&log, &behind, |_| ());
    running
        .until("the cursor was refused", |running| {
            noticed(running, "future_cursor") == 3 && running.counted(RENUMBERED) == 1
        })
        .await;
    assert_log_equals(&log, &behind, seed).await;
    running.stop().await.unwrap();
}

/// A log that ends with the last event of a relay of the world of `seed`.
async fn read_for_a_while(seed: u64) -> (Arc<MemoryLog>, SimulatorHandle) {
    let ahead = relay(seed, 0, for_a_client).await;
    let log = Arc::new(MemoryLog::new());
    let running = start(&log, &ahead, |_| ());
    wait_for_last(&*log, 1_000, seed).await;
    assert_log_equals(&log, &ahead, seed).await;
    running.stop().await.unwrap();
    (log, ahead)
}

/// Reads a relay, under the same upstream name for all tests of this file.
fn start(
    log: &Arc<MemoryLog>,
    relay: &SimulatorHandle,
    change: impl FnOnce(&mut IngestConfig),
) -> Running {
    let settings = quick(relay, relay);
    Running::start_with(log.clone(), |config| {
        settings(config);
        config.upstream.fallbacks.clear();
        config.upstream.name = "relay".to_owned();
        change(config);
    })
}

/// Frames that an upstream has dropped are lost, reported and counted. Everything after them arrives.
#[tokio::test(flavor = "multi_thread")]
async fn an_outdated_cursor_is_reported_and_reading_continues() {
    let (seed, frames) = (540, 3_000);
    let relay = relay(seed, 0, |config| {
        config.limit = Some(frames);
        config.wait_for_client = true;
        config.history_frames = 200;
    })
    .await;
    let log = Arc::new(MemoryLog::new());
    let running = start(&log, &relay, |_| ());
    wait_for_last(&*log, 300, seed).await;
    running.stop().await.unwrap();
    relay.wait_until_produced(frames).await;
    let last = relay.expected().last().unwrap().relay_seq;
    let running = start(&log, &relay, |_| ());
    running
        .until("the last event is logged", |running| {
            running.counted("fanjet_ingest_relay_seq") == last
        })
        .await;
    assert_eq!(noticed(&running, "outdated_cursor"), 1);
    let gaps = "fanjet_ingest_relay_seq_gaps_total{upstream=\"relay\"}";
    assert!(running.counted(gaps) >= 1);
    assert!(running.counted(MISSED) >= 1_000);
    let kept = whole(&*log).await;
    let seqs: Vec<_> = kept.iter().map(|entry| entry.origin.relay_seq).collect();
    assert!(seqs.is_sorted(), "seed {seed}");
    running.stop().await.unwrap();
}
