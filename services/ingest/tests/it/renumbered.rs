//! Relays whose seqs restart, jump, or contain outliers without notice, as indigo's do: each operation is logged once,
//! and losses are reported.

use std::sync::Arc;

use fanjet_log::memory::MemoryLog;
use fanjet_simulator::{
    CursorHabit, Simulator, SimulatorConfig, SimulatorHandle, Source, WorldConfig,
};

use crate::exactly_once::assert_exactly_once;
use crate::harness::{Running, host, world};

const LOSSES: &str = "fanjet_ingest_upstream_losses_total";
const RENUMBERED: &str = "fanjet_ingest_upstream_renumbered_total";
/// A larger step than any relay makes.
const FAR: u64 = 10_000_000_000;
const HABITS: [CursorHabit; 2] = [CursorHabit::Relay, CursorHabit::Rainbow];

/// A relay behind the same URL that was re-created while it was away: 30 events have low seqs, and nothing shows it.
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_restarts_its_sequence_hides_no_event() {
    for (seed, habit) in (800..).zip(HABITS) {
        for is_restarted in [false, true] {
            let host = host(seed, habit).await;
            let (log, positions) = (Arc::new(MemoryLog::new()), Arc::default());
            let mut running = Running::start_recording(&host, &log, &positions);
            running.wait_for_role("leader").await;
            host.publish(5).await;
            assert_exactly_once(&log, &host, seed).await;
            host.go_down();
            host.wait_for_clients(0).await;
            host.renumber(0, 0);
            host.publish(30).await;
            if is_restarted {
                running.stop().await.unwrap();
                host.go_up();
                running = Running::start_recording(&host, &log, &positions);
            } else {
                host.go_up();
            }
            host.wait_for_clients(1).await;
            // The new client receives live events.
            host.publish(1).await;
            assert_exactly_once(&log, &host, seed).await;
            assert_eq!(running.counted(RENUMBERED), 1);
            assert!(running.report().ready);
            // It continues to receive them.
            host.disconnect_all();
            host.publish(5).await;
            assert_exactly_once(&log, &host, seed).await;
            assert_eq!(running.counted(RENUMBERED), 1);
            running.stop().await.unwrap();
            let running = Running::start_recording(&host, &log, &positions);
            host.publish(5).await;
            assert_exactly_once(&log, &host, seed).await;
            running.stop().await.unwrap();
        }
    }
}

/// A small host that was re-created and has passed its old seq: its seqs seem to continue.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_restarts_its_sequence_and_passes_its_old_seq_hides_no_event() {
    let all = [CursorHabit::Spec, CursorHabit::Relay, CursorHabit::Rainbow];
    for (seed, habit) in (805..).zip(all) {
        for is_restarted in [false, true] {
            let host = host(seed, habit).await;
            let (log, positions) = (Arc::new(MemoryLog::new()), Arc::default());
            let running = Running::start_recording(&host, &log, &positions);
            running.wait_for_role("leader").await;
            host.renumber(0, 0);
            host.publish(5).await;
            assert_exactly_once(&log, &host, seed).await;
            let running = if is_restarted {
                running.stop().await.unwrap();
                host.renumber(0, 0);
                host.publish(30).await;
                Running::start_recording(&host, &log, &positions)
            } else {
                host.go_down();
                host.wait_for_clients(0).await;
                host.renumber(0, 0);
                host.publish(30).await;
                host.go_up();
                running
            };
            assert_exactly_once(&log, &host, seed).await;
            assert_eq!(running.counted(RENUMBERED), 1, "{habit:?}");
            running.stop().await.unwrap();
        }
    }
}

/// Within a connection, at a reconnect and at a restart: seqs jump, and the last commits repeat under new ones.
#[tokio::test(flavor = "multi_thread")]
async fn a_jump_forward_that_repeats_commits_logs_each_once() {
    for (seed, habit) in (810..).zip(HABITS) {
        // Relays make steps of 500, too.
        for (interruption, jump) in [
            (0, FAR),
            (1, FAR),
            (2, FAR),
            (0, 500),
            (0, 10_000),
            (1, 500),
            (2, 500),
        ] {
            let host = host(seed, habit).await;
            let (log, positions) = (Arc::new(MemoryLog::new()), Arc::default());
            let mut running = Running::start_recording(&host, &log, &positions);
            running.wait_for_role("leader").await;
            host.publish(100).await;
            assert_exactly_once(&log, &host, seed).await;
            let base = host.stats().last_seq + jump;
            match interruption {
                0 => host.renumber(base, 20),
                1 => {
                    host.go_down();
                    host.wait_for_clients(0).await;
                    host.renumber(base, 20);
                    host.publish(10).await;
                    host.go_up();
                }
                _ => {
                    running.stop().await.unwrap();
                    host.renumber(base, 20);
                    host.publish(10).await;
                    running = Running::start_recording(&host, &log, &positions);
                }
            }
            host.publish(10).await;
            assert_exactly_once(&log, &host, seed).await;
            assert!(running.counted("fanjet_ingest_repeated_events_total") >= 20);
            assert_eq!(running.counted(LOSSES), 0);
            host.disconnect_all();
            host.publish(10).await;
            assert_exactly_once(&log, &host, seed).await;
            running.stop().await.unwrap();
        }
    }
}

/// One absurd seq, in the middle of the stream and as the last one before a restart.
#[tokio::test(flavor = "multi_thread")]
async fn one_absurd_seq_hides_no_event() {
    for (seed, habit) in (820..).zip(HABITS) {
        let host = host(seed, habit).await;
        let (log, positions) = (Arc::new(MemoryLog::new()), Arc::default());
        let mut running = Running::start_recording(&host, &log, &positions);
        running.wait_for_role("leader").await;
        // No cursor can request the frames after the last seq, because cursors are signed.
        for (is_restarted, absurd) in [
            (false, 1 << 62),
            (true, 1 << 62),
            (true, i64::MAX as u64 - 1),
            (false, u64::MAX - 9),
            (true, u64::MAX - 9),
        ] {
            host.publish(10).await;
            assert_exactly_once(&log, &host, seed).await;
            let usual = host.stats().last_seq;
            host.renumber(absurd, 0);
            host.publish(1).await;
            assert_exactly_once(&log, &host, seed).await;
            if is_restarted {
                running.stop().await.unwrap();
                host.wait_for_clients(0).await;
                host.renumber(usual, 0);
                running = Running::start_recording(&host, &log, &positions);
                host.wait_for_clients(1).await;
            } else {
                host.renumber(usual, 0);
            }
            host.publish(10).await;
            assert_exactly_once(&log, &host, seed).await;
        }
        running.stop().await.unwrap();
    }
}

/// The relay dropped frames while ingest was not reading, and does not say so: ingest reports it.
#[tokio::test(flavor = "multi_thread")]
async fn frames_that_a_relay_dropped_are_reported_as_a_loss() {
    let all = [CursorHabit::Spec, CursorHabit::Relay, CursorHabit::Rainbow];
    for (seed, habit) in (830..).zip(all) {
        let relay = forgetful(seed, habit, 0.0).await;
        let (log, positions) = (Arc::new(MemoryLog::new()), Arc::default());
        let running = Running::start_recording(&relay, &log, &positions);
        running.wait_for_role("leader").await;
        relay.publish(20).await;
        let last = relay.stats().last_seq;
        let reaches =
            |last: u64| move |running: &Running| running.counted("fanjet_ingest_relay_seq") == last;
        running.until("it has read all", reaches(last)).await;
        running.stop().await.unwrap();
        // Twice as many as the relay retains.
        relay.publish(100).await;
        let running = Running::start_recording(&relay, &log, &positions);
        let last = relay.stats().last_seq;
        running.until("it has read all", reaches(last)).await;
        assert_eq!(running.counted(LOSSES), 1, "{habit:?}");
        running.stop().await.unwrap();
    }
}

/// Gaps in the seqs are not a loss, nor is a quiet period.
#[tokio::test(flavor = "multi_thread")]
async fn gaps_and_pauses_are_no_losses() {
    for (seed, habit) in (840..).zip(HABITS) {
        let relay = forgetful(seed, habit, 0.5).await;
        let (log, positions) = (Arc::new(MemoryLog::new()), Arc::default());
        for round in 0..10 {
            let running = Running::start_recording(&relay, &log, &positions);
            if round == 0 {
                running.wait_for_role("leader").await;
            }
            relay.publish(3).await;
            let last = relay.stats().last_seq;
            running
                .until("it has read all", |running| {
                    running.counted("fanjet_ingest_relay_seq") == last
                })
                .await;
            assert_eq!(running.counted(LOSSES), 0, "{habit:?}, round {round}");
            running.stop().await.unwrap();
            relay.publish(3).await;
        }
    }
}

/// A relay that retains 50 frames.
async fn forgetful(seed: u64, cursors: CursorHabit, seq_holes: f64) -> SimulatorHandle {
    let world = WorldConfig {
        seq_holes,
        ..world(seed, &[])
    };
    Simulator::start(SimulatorConfig {
        source: Source::World(world),
        is_paused: true,
        history_frames: 50,
        cursors,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap()
}
