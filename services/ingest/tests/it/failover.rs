//! Several upstreams: each operation is logged once and in order, whichever relay is read.

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::contract::whole;
use fanjet_log::memory::{MemoryLease, MemoryLog};
use fanjet_simulator::{CursorHabit, SimulatorHandle};

use crate::exactly_once::assert_exactly_once;
use crate::harness::{Running, candidate, wait_for_last};
use crate::relays::{
    ACTIVE, FAILED, OFFSET, PREFERRED, REPEATED, SHORT, assert_log_equals, faulty_relay,
    for_a_client, grown_by, is_high, quick, relay,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_dies_mid_stream_is_replaced_and_resumed_without_loss_or_repetition() {
    for seed in 500..502 {
        // The second one retains a few seconds, which is more than its lead over the first one.
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
            first.go_up();
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
        let entries = whole(&*log).await;
        let from_second = entries
            .iter()
            .filter(|entry| is_high(entry.origin.relay_seq));
        assert!(from_second.count() >= 600);
        running.stop().await.unwrap();
    }
}

/// The second one publishes nothing until asked: everything that it sends at first is in the log already.
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
async fn a_restart_with_another_upstream_resumes_at_the_end_of_the_log() {
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

/// A relay re-created under the same name: its seqs start below what the log knows.
#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_restarts_its_sequence_is_resumed_by_time() {
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

/// The next leader continues with the upstream that the previous one read, whichever is preferred, and recognizes its
/// events from both.
#[tokio::test(flavor = "multi_thread")]
async fn leaders_take_turns_while_upstreams_do() {
    let seed = 550;
    let second = relay(seed, OFFSET, |_| {}).await;
    second.pause();
    let first = relay(seed, 0, for_a_client).await;
    second.resume();
    let log = Arc::new(MemoryLog::new());
    let lease = MemoryLease::new();
    let start =
        |name: &str| Running::launch(candidate(&lease, name), log.clone(), quick(&first, &second));
    let mut leader = start("leader");
    leader.wait_for_role("leader").await;
    for turn in 0..3 {
        let standby = start(&format!("standby-{turn}"));
        standby.wait_for_role("standby").await;
        grown_by(&log, 200, seed).await;
        first.go_down();
        leader
            .until("the second one is read", |leader| {
                leader.counted(ACTIVE) == 1
            })
            .await;
        grown_by(&log, 50, seed).await;
        assert_eq!(second.stats().clients, 1, "only the leader reads");
        leader.stop().await.unwrap();
        standby.wait_for_role("leader").await;
        assert_eq!(standby.counted(ACTIVE), 1, "it begins where the log ends");
        grown_by(&log, 50, seed).await;
        first.go_up();
        standby
            .until("the first one is read again", |standby| {
                standby.counted(PREFERRED) == 1
            })
            .await;
        leader = standby;
    }
    assert_log_equals(&log, &first, seed).await;
    leader.stop().await.unwrap();
}

/// With one upstream, starts and reconnects read only the last few messages of the log. It is never indexed, because the
/// upstream's own seqs identify its frames.
#[tokio::test(flavor = "multi_thread")]
async fn a_single_upstream_never_reads_the_log() {
    let seed = 555;
    let relay = faulty_relay(seed, 0, &["disconnect=every:300"], for_a_client).await;
    let log = Arc::new(MemoryLog::new());
    let mut most = 0;
    for round in 0..4 {
        let before = log.reads().entries;
        let running = Running::start(&relay.url(), &log);
        grown_by(&log, 1_000, seed).await;
        let disconnects = "fanjet_ingest_upstream_disconnects_total{reason=\"broken\"}";
        assert!(running.counted(disconnects) > 0);
        running.stop().await.unwrap();
        let read = log.reads().entries - before;
        assert_eq!(read > 0, round > 0, "nothing was read at a start");
        most = most.max(read);
    }
    assert!(most <= 16, "{most} entries were read at a start");
    // Control: another upstream does read the log.
    let before = log.reads().entries;
    let other = faulty_relay(seed, OFFSET, &[], |config| config.wait_for_client = true).await;
    let running = Running::start_with(log.clone(), |config| config.upstream.url = other.url());
    running
        .until("the log was looked at", |_| {
            log.reads().entries - before >= 4_000
        })
        .await;
    running.stop().await.unwrap();
}

/// The preferred relay is re-created while the other one is read, which then falls silent. The seqs that the preferred one
/// published meanwhile are below every known one: they are found, whether ingest returns to it soon or late.
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_restarts_its_sequence_while_another_is_read_hides_no_event() {
    for (seed, overlap) in [
        (560, Duration::from_millis(20)),
        (561, Duration::from_secs(60)),
    ] {
        for habit in [CursorHabit::Relay, CursorHabit::Rainbow] {
            let second = relay(seed, OFFSET, |_| {}).await;
            second.pause();
            let first = relay(seed, 0, |config| {
                config.wait_for_client = true;
                config.cursors = habit;
            })
            .await;
            second.resume();
            let log = Arc::new(MemoryLog::new());
            let settings = quick(&first, &second);
            let running = Running::start_with(log.clone(), |config| {
                settings(config);
                config.upstream.overlap = overlap;
                config.upstream.remembered_events = 100_000;
            });
            wait_for_last(&*log, 700, seed).await;
            first.pause();
            first.go_down();
            let reads = |upstream| move |it: &Running| it.counted(ACTIVE) == upstream;
            running.until("the second one is read", reads(1)).await;
            wait_for_last(&*log, first.expected().len() as u64 + 300, seed).await;
            second.pause();
            first.renumber(0, 0);
            first.publish(3_000).await;
            first.go_up();
            first.resume();
            running.until("the first one is read", reads(0)).await;
            grown_by(&log, 100, seed).await;
            first.pause();
            assert_exactly_once(&log, &first, seed).await;
            assert_eq!(
                running.counted("fanjet_ingest_upstream_renumbered_total"),
                1
            );
            running.stop().await.unwrap();
        }
    }
}
