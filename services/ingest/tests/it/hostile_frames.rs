//! Damaged frames cost themselves and nothing else, and each is counted under its reason.

use std::sync::Arc;

use fanjet_log::memory::MemoryLog;
use fanjet_simulator::FaultKind;

use crate::rig::{Running, assert_log_equals_world, simulator};

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
];

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
        assert_eq!(running.drops(reason), fired, "{rule}");
        running.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_kinds_of_damage_together_cost_no_good_operation() {
    for seed in 200..203 {
        let frames = 3_000;
        let mut rules: Vec<_> = DAMAGE.iter().map(|(rule, ..)| *rule).collect();
        rules.extend([
            "truncated=every:47",
            "duplicate=every:37",
            "seq-gap=every:83",
        ]);
        let simulator = simulator(seed, frames, &rules).await;
        let log = Arc::new(MemoryLog::new());
        let running = Running::start(&simulator.url(), &log);
        assert_log_equals_world(&*log, &simulator, frames, seed).await;
        assert!(
            running.counted("fanjet_ingest_repeated_events_total") > 0,
            "no duplicate was passed over"
        );
        running.stop().await.unwrap();
    }
}
