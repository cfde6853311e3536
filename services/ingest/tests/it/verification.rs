//! With verification enabled, honest commits pass, forged and changed ones are dropped whole, and an unreachable directory
//! stops nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fanjet_event::Did;
use fanjet_ingest::{IngestConfig, VerifyMode};
use fanjet_log::contract::whole;
use fanjet_log::memory::MemoryLog;
use fanjet_simulator::{ExpectedEvent, ExpectedKind, SimulatorHandle, World};

use crate::directory::{Answers, TestDirectory};
use crate::harness::{PATIENCE, Running, assert_log_equals_world, simulator, wait_for_last, world};
use crate::relays::{ACTIVE, OFFSET, faulty_relay, for_a_client, is_high, quick, relay};

const FRAMES: u64 = 400;

/// Reads `upstream` and verifies all commits against `directory`.
fn verify_all(
    upstream: &SimulatorHandle,
    directory: &str,
) -> impl FnOnce(&mut IngestConfig) + use<> {
    let (upstream, directory) = (upstream.url(), directory.to_owned());
    move |config| {
        config.upstream.url = upstream;
        let verify = &mut config.verify;
        verify.commits = VerifyMode::All;
        verify.plc_url.clone_from(&directory);
        verify.web_url = directory;
        verify.lookups_per_second = 1_000;
        verify.lookup_timeout = Duration::from_secs(20);
    }
}

fn outcome(running: &Running, outcome: &str) -> u64 {
    running.counted(&format!(
        "fanjet_ingest_verified_commits_total{{outcome=\"{outcome}\"}}"
    ))
}

fn lookups(running: &Running, result: &str) -> u64 {
    running.counted(&format!(
        "fanjet_ingest_key_lookups_total{{result=\"{result}\"}}"
    ))
}

/// The number of frames that become commit events.
fn commit_frames(expected: &[ExpectedEvent]) -> u64 {
    let mut seqs: Vec<_> = expected
        .iter()
        .filter(|event| is_commit(event))
        .map(|event| event.relay_seq)
        .collect();
    seqs.dedup();
    seqs.len() as u64
}

fn is_commit(event: &ExpectedEvent) -> bool {
    matches!(event.kind, ExpectedKind::Commit { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn honest_commits_pass_and_each_account_is_looked_up_once_or_after_an_identity_event() {
    let simulator = simulator(300, FRAMES, &[]).await;
    let log = Arc::new(MemoryLog::new());
    let running = Running::start_with(log.clone(), verify_all(&simulator, &simulator.did_url()));
    assert_log_equals_world(&*log, &simulator, FRAMES, 300).await;
    let expected = simulator.expected();
    assert_eq!(outcome(&running, "ok"), commit_frames(&expected));
    let identities = expected
        .iter()
        .filter(|event| matches!(event.kind, ExpectedKind::Identity { .. }))
        .count() as u64;
    let keys = lookups(&running, "key");
    assert!((1..=40 + identities).contains(&keys), "{keys} look-ups");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_of_commits_is_verified() {
    let simulator = simulator(301, FRAMES, &[]).await;
    let log = Arc::new(MemoryLog::new());
    let directory = simulator.did_url();
    let running = Running::start_with(log.clone(), |config| {
        verify_all(&simulator, &directory)(config);
        config.verify.commits = "sample:10".parse().unwrap();
    });
    assert_log_equals_world(&*log, &simulator, FRAMES, 301).await;
    let commits = commit_frames(&simulator.expected());
    assert_eq!(outcome(&running, "ok"), commits.div_ceil(10));
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_commits_under_a_foreign_key_are_dropped() {
    let seed = 302;
    let mut own = World::new(&world(seed, &[])).unwrap();
    let as_generated = own.directory().clone();
    let expected: Vec<_> = (0..FRAMES)
        .flat_map(|_| own.next_frame().expected)
        .collect();
    // The busiest account is given another account's key.
    let victim = busiest(&expected);
    let other = expected
        .iter()
        .map(|event| &event.did)
        .find(|did| **did != victim)
        .unwrap();
    let foreign = as_generated
        .get(other.as_str())
        .unwrap()
        .replace(other.as_str(), victim.as_str());
    let lies = HashMap::from([(victim.as_str().to_owned(), foreign)]);
    let directory = TestDirectory::start(Answers::Documents(lies, as_generated)).await;

    let simulator = simulator(seed, FRAMES, &[]).await;
    let log = Arc::new(MemoryLog::new());
    let running = Running::start_with(log.clone(), verify_all(&simulator, &directory.url));
    let is_dropped = |event: &&ExpectedEvent| is_commit(event) && event.did == victim;
    let kept: Vec<_> = expected.iter().filter(|event| !is_dropped(event)).collect();
    assert!(kept.len() < expected.len());
    wait_for_last(&*log, kept.len() as u64, seed).await;
    let seqs: Vec<_> = whole(&*log)
        .await
        .iter()
        .map(|entry| entry.origin.relay_seq)
        .collect();
    let wanted: Vec<_> = kept.iter().map(|event| event.relay_seq).collect();
    assert_eq!(seqs, wanted);
    let dropped: Vec<_> = expected.iter().filter(is_dropped).cloned().collect();
    // The last frames may still be in transit when the log is complete.
    let bad = outcome(&running, "bad_signature");
    assert!(bad > 0 && bad <= commit_frames(&dropped), "{bad}");
    assert_eq!(running.drops("bad_signature"), bad);
    assert!(directory.asked.load(Ordering::SeqCst) > 0);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_with_a_changed_path_are_dropped_whole() {
    let seed = 303;
    let simulator = simulator(seed, FRAMES, &["invalid-collection=every:20"]).await;
    let log = Arc::new(MemoryLog::new());
    let running = Running::start_with(log.clone(), verify_all(&simulator, &simulator.did_url()));
    tokio::time::timeout(PATIENCE, simulator.wait_until_produced(FRAMES))
        .await
        .unwrap();
    let expected = simulator.expected();
    let fired = simulator.stats().faults["invalid-collection"];
    assert!(fired > 0);
    let last = expected.last().unwrap().relay_seq;
    let reached = async {
        while whole(&*log)
            .await
            .last()
            .is_none_or(|entry| entry.origin.relay_seq < last)
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.unwrap();
    assert_eq!(running.drops("bad_inversion"), fired);
    assert_eq!(running.drops("invalid_collection"), 0);
    running.stop().await.unwrap();
}

/// Filtered commits are not verified either: their keys are never requested.
#[tokio::test(flavor = "multi_thread")]
async fn filtered_commits_are_not_verified() {
    let seed = 306;
    let mut own = World::new(&world(seed, &[])).unwrap();
    let expected: Vec<_> = (0..FRAMES)
        .flat_map(|_| own.next_frame().expected)
        .collect();
    let kept = busiest(&expected);
    let of_kept: Vec<_> = expected
        .iter()
        .filter(|event| event.did == kept)
        .cloned()
        .collect();
    let simulator = simulator(seed, FRAMES, &[]).await;
    let log = Arc::new(MemoryLog::new());
    let running = Running::start_with(log.clone(), |config| {
        verify_all(&simulator, &simulator.did_url())(config);
        config.filter.dids = vec![kept.as_str().to_owned()];
    });
    running
        .until("all frames were read", |running| {
            running.counted("fanjet_ingest_frames_total") == FRAMES
                && running.counted("fanjet_ingest_events_total") == of_kept.len() as u64
        })
        .await;
    assert_eq!(outcome(&running, "ok"), commit_frames(&of_kept));
    let identities = of_kept.iter().filter(|event| !is_commit(event)).count() as u64;
    assert!((1..=1 + identities).contains(&lookups(&running, "key")));
    running.stop().await.unwrap();
}

/// A fallback is not trusted more than the upstream that it stands in for.
#[tokio::test(flavor = "multi_thread")]
async fn commits_of_a_fallback_are_verified_too() {
    let seed = 307;
    let lying = faulty_relay(seed, OFFSET, &["invalid-collection=every:10"], |_| {}).await;
    lying.pause();
    let honest = relay(seed, 0, for_a_client).await;
    lying.resume();
    let log = Arc::new(MemoryLog::new());
    let running = Running::start_with(log.clone(), |config| {
        verify_all(&honest, &honest.did_url())(config);
        quick(&honest, &lying)(config);
    });
    wait_for_last(&*log, 300, seed).await;
    assert_eq!(running.drops("bad_inversion"), 0);
    let before = outcome(&running, "ok");
    assert!(before > 0);
    honest.go_down();
    running
        .until("commits of the fallback are dropped and kept", |running| {
            running.drops("bad_inversion") > 3 && outcome(running, "ok") > before
        })
        .await;
    assert_eq!(running.counted(ACTIVE), 1);
    running.stop().await.unwrap();
    let entries = whole(&*log).await;
    let from_fallback = entries
        .iter()
        .filter(|entry| is_high(entry.origin.relay_seq));
    assert!(from_fallback.count() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_or_silent_directory_stops_nothing() {
    let silent = TestDirectory::start(Answers::Silence).await;
    // Nothing listens on the port of a closed listener.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let unreachable = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    for (seed, url) in [(304, silent.url.clone()), (305, unreachable)] {
        let simulator = simulator(seed, FRAMES, &[]).await;
        let log = Arc::new(MemoryLog::new());
        let running = Running::start_with(log.clone(), |config| {
            verify_all(&simulator, &url)(config);
            config.verify.lookup_timeout = Duration::from_millis(200);
        });
        assert_log_equals_world(&*log, &simulator, FRAMES, seed).await;
        let commits = commit_frames(&simulator.expected());
        let away = outcome(&running, "unverified_away");
        // The rate limit may refuse some accounts before the directory counts as unreachable.
        let limited = outcome(&running, "unverified_rate_limited");
        assert_eq!(away + limited, commits, "seed {seed}");
        assert!(away > limited, "seed {seed}: {away} and {limited}");
        running.stop().await.unwrap();
    }
    assert!(silent.asked.load(Ordering::SeqCst) > 0);
}

fn busiest(expected: &[ExpectedEvent]) -> Did {
    let mut counts: HashMap<&Did, usize> = HashMap::new();
    for event in expected.iter().filter(|event| is_commit(event)) {
        *counts.entry(&event.did).or_default() += 1;
    }
    let busiest = counts.into_iter().max_by_key(|(did, count)| (*count, *did));
    busiest.unwrap().0.clone()
}
