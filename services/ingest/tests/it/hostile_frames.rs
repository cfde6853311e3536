//! Damaged frames affect only themselves, and each is counted under its reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use fanjet_log::memory::MemoryLog;
use fanjet_simulator::FaultKind;

use crate::harness::{Running, assert_log_equals_world, simulator};

/// The simulator's faults, and the reasons under which they must be counted.
const DAMAGE: &[(&str, FaultKind, &str)] = &[
    ("garbage=every:41", FaultKind::Garbage, "undecodable"),
    (
        "unknown-type=every:43",
        FaultKind::UnknownType,
        "unknown_type",
    ),
    ("too-big=every:53", FaultKind::TooBig, "too_big"),
    ("invalid-rev=every:59", FaultKind::InvalidRev, "invalid_rev"),
    (
        "invalid-time=every:61",
        FaultKind::InvalidTime,
        "invalid_time",
    ),
    ("bad-cid=every:67", FaultKind::BadCid, "cid_mismatch"),
    (
        "missing-block=every:71",
        FaultKind::MissingBlock,
        "missing_block",
    ),
    (
        "invalid-collection=every:73",
        FaultKind::InvalidCollection,
        "invalid_collection",
    ),
    (
        "invalid-rkey=every:79",
        FaultKind::InvalidRkey,
        "invalid_rkey",
    ),
    ("truncated=every:47", FaultKind::Truncated, "undecodable"),
    ("invalid-did=every:53", FaultKind::InvalidDid, "invalid_did"),
    (
        "unreadable-car=every:59",
        FaultKind::UnreadableCar,
        "unreadable_car",
    ),
    (
        "malformed-op=every:61",
        FaultKind::MalformedOp,
        "malformed_op",
    ),
    (
        "unknown-action=every:67",
        FaultKind::UnknownAction,
        "unknown_action",
    ),
    (
        "invalid-path=every:71",
        FaultKind::InvalidPath,
        "invalid_path",
    ),
    ("missing-cid=every:73", FaultKind::MissingCid, "missing_cid"),
    (
        "invalid-record=every:79",
        FaultKind::InvalidRecord,
        "invalid_record",
    ),
    ("too-large=every:83", FaultKind::TooLarge, "too_large"),
    ("not-in-tree=every:41", FaultKind::NotInTree, "not_in_tree"),
    (
        "still-in-tree=every:43",
        FaultKind::StillInTree,
        "still_in_tree",
    ),
    (
        "missing-node=every:47",
        FaultKind::MissingNode,
        "missing_node",
    ),
    ("bad-commit=every:53", FaultKind::BadCommit, "bad_commit"),
    (
        "too-many-ops=every:59",
        FaultKind::TooManyOps,
        "too_many_ops",
    ),
    ("inflated=every:89", FaultKind::Inflated, "inflated"),
];

/// Every drop reason except the one that would be a defect of the decoder.
const REASONS: usize = 23;

#[tokio::test(flavor = "multi_thread")]
async fn one_kind_of_damage_at_a_time_is_counted_under_its_reason() {
    for (index, (rule, fault, reason)) in DAMAGE.iter().enumerate() {
        let (seed, frames) = (100 + index as u64, 600);
        let simulator = simulator(seed, frames, &[rule]).await;
        let log = Arc::new(MemoryLog::new());
        let running = Running::start(&simulator.url(), &log);
        assert_log_equals_world(&*log, &simulator, frames, seed).await;
        let stats = simulator.stats();
        let fired = stats.faults[fault.as_str()];
        assert!(fired > 0, "{rule} never fired");
        let drops = stats.drops[fault.as_str()];
        assert!(drops >= fired, "{rule}");
        assert_eq!(running.drops(reason), drops, "{rule}");
        running.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_kinds_of_damage_together_lose_no_good_operation() {
    for seed in 200..203 {
        let frames = 3_000;
        let mut rules: Vec<_> = DAMAGE.iter().map(|(rule, ..)| *rule).collect();
        rules.extend(["duplicate=every:37", "seq-gap=every:83"]);
        let simulator = simulator(seed, frames, &rules).await;
        let log = Arc::new(MemoryLog::new());
        let running = Running::start(&simulator.url(), &log);
        assert_log_equals_world(&*log, &simulator, frames, seed).await;
        assert!(
            running.counted("fanjet_ingest_repeated_events_total") > 0,
            "no duplicate was skipped"
        );
        running.stop().await.unwrap();
    }
}

/// One frame in a hundred is damaged at random, in every way that the simulator knows. All good operations arrive, and the
/// drops equal the simulator's counts, reason by reason.
#[tokio::test(flavor = "multi_thread")]
async fn every_drop_of_a_corrupt_stream_is_counted_under_its_reason() {
    let (seed, frames) = (210, 20_000);
    let ways: Vec<_> = FaultKind::ALL
        .into_iter()
        .filter(|fault| !fault.is_of_connection())
        .collect();
    let rules: Vec<_> = ways
        .iter()
        .map(|fault| format!("{fault}={}", 0.01 / ways.len() as f64))
        .collect();
    let rules: Vec<_> = rules.iter().map(String::as_str).collect();
    let simulator = simulator(seed, frames, &rules).await;
    let log = Arc::new(MemoryLog::new());
    let running = Running::start(&simulator.url(), &log);
    assert_log_equals_world(&*log, &simulator, frames, seed).await;
    running
        .until("the last frame was read", |running| {
            running.counted("fanjet_ingest_frames_total") == frames
        })
        .await;
    let stats = simulator.stats();
    let struck: u64 = ways.iter().map(|fault| stats.fault(*fault)).sum();
    println!("seed {seed}: {struck} of {frames} frames damaged");
    assert!((150..=250).contains(&struck), "hardly 1 %: {struck}");
    let mut account = BTreeMap::<&str, u64>::new();
    for fault in ways {
        assert!(stats.fault(fault) > 0, "{fault} never fired");
        let drops = stats.drops[fault.as_str()];
        match DAMAGE.iter().find(|(_, other, _)| *other == fault) {
            Some((.., reason)) => *account.entry(reason).or_default() += drops,
            // A frame that arrives twice, or never, is not a drop.
            None => assert_eq!(drops, 0, "{fault} has no reason here"),
        }
    }
    assert_eq!(account.len(), REASONS, "a reason is not tried");
    for (reason, drops) in account {
        println!(
            "{reason}: {drops} expected, {} counted",
            running.drops(reason)
        );
        assert_eq!(running.drops(reason), drops, "seed {seed}, {reason}");
    }
    let repeated = running.counted("fanjet_ingest_repeated_events_total");
    assert!(repeated >= stats.fault(FaultKind::Duplicate));
    assert_eq!(running.drops("decoder_panic"), 0);
    running.stop().await.unwrap();
}
