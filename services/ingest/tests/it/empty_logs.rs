//! Logs without events: all have expired or were purged, or none was ever appended. Seqs continue, and reading resumes at the
//! recorded position, with or without a restart.

use std::sync::Arc;

use bytes::Bytes;
use fanjet_log::contract::whole;
use fanjet_log::memory::{Fault, MemoryBookmarks, MemoryLog};
use fanjet_log::{Bookmarks, EventLog};
use fanjet_runtime::{Clock, SystemClock};
use fanjet_simulator::{
    CursorHabit, Simulator, SimulatorConfig, SimulatorHandle, Source, WorldConfig,
};

use crate::harness::{Running, host, wait_for_last, world};

const LIVE: &str = "fanjet_ingest_origins_lost_total{resumed=\"live\"}";
const RECORDED: &str = "fanjet_ingest_origins_lost_total{resumed=\"recorded\"}";

const HABITS: [CursorHabit; 3] = [CursorHabit::Spec, CursorHabit::Relay, CursorHabit::Rainbow];

/// Waits until the log has grown to everything that the host published.
async fn catches_up(log: &MemoryLog, host: &SimulatorHandle, seed: u64) {
    wait_for_last(log, host.expected().len() as u64, seed).await;
}

/// The log holds the newest events of the host, each once, under its own number.
async fn assert_is_end_of_world(log: &MemoryLog, host: &SimulatorHandle, seed: u64) {
    let expected = host.expected();
    let entries = whole(log).await;
    assert_eq!(log.bounds().await.unwrap().last, expected.len() as u64);
    let kept = &expected[expected.len() - entries.len()..];
    for (entry, expected) in entries.iter().zip(kept) {
        let place = (entry.origin.relay_seq, entry.origin.op_index);
        let wanted = (expected.relay_seq, expected.op_index);
        assert_eq!(place, wanted, "seed {seed}, seq {}", entry.seq);
    }
}

async fn expire_all(log: &MemoryLog) {
    let last = log.bounds().await.unwrap().last;
    log.expire(last);
}

async fn is_connected(running: &Running) {
    running.wait_for_role("leader").await;
}

/// Later events arrive only over new connections.
async fn goes_down(host: &SimulatorHandle, running: &Running) {
    host.go_down();
    running
        .until("the connection is gone", |running| {
            running.counted("fanjet_ingest_upstream_connected") == 0
        })
        .await;
}

/// A running ingest whose log has the first frames of a host.
struct Fixture {
    host: SimulatorHandle,
    log: Arc<MemoryLog>,
    positions: Arc<MemoryBookmarks>,
    running: Running,
}

impl Fixture {
    async fn begun(seed: u64, habit: CursorHabit) -> Self {
        let host = host(seed, habit).await;
        let (log, positions) = (Arc::new(MemoryLog::new()), Arc::default());
        let running = Running::start_recording(&host, &log, &positions);
        is_connected(&running).await;
        host.publish(30).await;
        catches_up(&log, &host, seed).await;
        Self {
            host,
            log,
            positions,
            running,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_log_resumes_with_the_events_it_missed() {
    for (seed, habit) in (700..).zip(HABITS) {
        let Fixture {
            host,
            log,
            positions,
            running,
        } = Fixture::begun(seed, habit).await;
        running.stop().await.unwrap();

        expire_all(&log).await;
        host.publish(10).await;
        let running = Running::start_recording(&host, &log, &positions);
        catches_up(&log, &host, seed).await;
        host.publish(10).await;
        catches_up(&log, &host, seed).await;
        is_connected(&running).await;
        let said = (running.counted(RECORDED), running.counted(LIVE));
        assert_eq!(said, (1, 0));
        running.stop().await.unwrap();
        assert_is_end_of_world(&log, &host, seed).await;
    }
}

/// The process was killed before the newest events were recorded: they are not logged once more.
#[tokio::test(flavor = "multi_thread")]
async fn events_after_the_last_recorded_position_are_not_logged_again() {
    for (seed, habit) in (710..).zip(HABITS) {
        let Fixture {
            host,
            log,
            positions,
            running,
        } = Fixture::begun(seed, habit).await;
        let record = recorded(&running, &positions, "\"relay_seq\":3").await;
        host.publish(25).await;
        catches_up(&log, &host, seed).await;
        running.stop().await.unwrap();

        expire_all(&log).await;
        positions.set("ingest", record).await.unwrap();
        host.publish(10).await;
        let running = Running::start_recording(&host, &log, &positions);
        catches_up(&log, &host, seed).await;
        host.publish(10).await;
        catches_up(&log, &host, seed).await;
        running.stop().await.unwrap();
        assert_is_end_of_world(&log, &host, seed).await;
    }
}

/// The first record with content.
async fn recorded(running: &Running, positions: &MemoryBookmarks, text: &str) -> Bytes {
    for _ in 0..10_000 {
        if let Some(record) = positions.get("ingest").await.unwrap()
            && String::from_utf8_lossy(&record).contains(text)
        {
            return record;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    panic!("not recorded: {text}, {:?}", running.report());
}

/// A log from before positions were recorded: the position is unknown, and ingest reports that.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_bookmark_reading_starts_at_the_live_end_with_a_warning() {
    let seed = 720;
    let host = host(seed, CursorHabit::Relay).await;
    let log = Arc::new(MemoryLog::new());
    let running = Running::start_recording(&host, &log, &Arc::default());
    is_connected(&running).await;
    host.publish(30).await;
    catches_up(&log, &host, seed).await;
    let last = log.bounds().await.unwrap().last;
    running.stop().await.unwrap();
    expire_all(&log).await;

    let running = Running::start_recording(&host, &log, &Arc::default());
    is_connected(&running).await;
    assert_eq!(running.counted(LIVE), 1);
    host.publish(10).await;
    catches_up(&log, &host, seed).await;
    assert!(log.bounds().await.unwrap().last > last);
    // The first append of a term reads the log's end.
    assert_eq!(running.counted("fanjet_ingest_log_resyncs_total"), 1);
    running.stop().await.unwrap();
    assert_is_end_of_world(&log, &host, seed).await;
}

/// An operator's purge under a running ingest, and then a connection to the log that breaks.
#[tokio::test(flavor = "multi_thread")]
async fn a_purge_and_a_broken_append_lose_and_repeat_nothing() {
    let seed = 730;
    let host = host(seed, CursorHabit::Relay).await;
    let log = Arc::new(MemoryLog::new());
    let running = Running::start_recording(&host, &log, &Arc::default());
    is_connected(&running).await;
    for _ in 0..3 {
        host.publish(10).await;
        catches_up(&log, &host, seed).await;
        expire_all(&log).await;
        log.inject(Fault::AppendFails, 1);
    }
    host.publish(10).await;
    catches_up(&log, &host, seed).await;
    is_connected(&running).await;
    let resyncs = running.counted("fanjet_ingest_log_resyncs_total");
    assert!((1..10).contains(&resyncs), "{resyncs}");
    running.stop().await.unwrap();
    assert_is_end_of_world(&log, &host, seed).await;
}

/// A quiet host: the first connection sees nothing, and an event happens before the next one.
#[tokio::test(flavor = "multi_thread")]
async fn events_between_a_silent_connection_and_the_next_are_read() {
    for (seed, habit) in (740..).zip(HABITS) {
        for is_restarted in [false, true] {
            let host = host(seed, habit).await;
            let (log, positions) = (Arc::new(MemoryLog::new()), Arc::default());
            let mut running = Running::start_recording(&host, &log, &positions);
            is_connected(&running).await;
            recorded(&running, &positions, "\"relay_seq\":null").await;
            if is_restarted {
                running.stop().await.unwrap();
                host.publish(3).await;
                running = Running::start_recording(&host, &log, &positions);
            } else {
                goes_down(&host, &running).await;
                host.publish(3).await;
                host.go_up();
            }
            catches_up(&log, &host, seed).await;
            host.publish(3).await;
            catches_up(&log, &host, seed).await;
            running.stop().await.unwrap();
            assert_is_end_of_world(&log, &host, seed).await;
        }
    }
}

/// Events that the host retains from long before reading started are not logged.
#[tokio::test(flavor = "multi_thread")]
async fn events_from_long_before_the_start_are_skipped() {
    let seed = 750;
    let hour_us = 3_600_000_000;
    let world = WorldConfig {
        start_us: SystemClock.now_us() - 10 * hour_us,
        step_us: hour_us,
        seq_holes: 0.0,
        ..world(seed, &[])
    };
    let host = Simulator::start(SimulatorConfig {
        source: Source::World(world),
        is_paused: true,
        backlog: 5,
        cursors: CursorHabit::Relay,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap();
    let old = host.expected().len();
    let log = Arc::new(MemoryLog::new());
    let running = Running::start_recording(&host, &log, &Arc::default());
    is_connected(&running).await;
    goes_down(&host, &running).await;
    // Its time is in the future.
    host.publish(20).await;
    host.go_up();
    let last = host.expected().last().unwrap().relay_seq;
    running
        .until("the last event is logged", |running| {
            running.counted("fanjet_ingest_relay_seq") == last
        })
        .await;
    let entries = whole(&*log).await;
    let before = "fanjet_ingest_skipped_events_total{reason=\"before_beginning\"}";
    let skipped = running.counted(before);
    assert!(skipped >= old as u64, "{skipped}");
    assert_eq!(entries.len() as u64 + skipped, host.expected().len() as u64);
    running.stop().await.unwrap();
}
