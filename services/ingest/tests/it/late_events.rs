//! Two relays with different gaps: each operation is logged at most once, in the order of its repo, and those that arrive
//! too late to be logged are reported.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use fanjet_event::Tid;
use fanjet_log::Entry;
use fanjet_log::contract::whole;
use fanjet_log::memory::MemoryLog;
use fanjet_simulator::{ExpectedEvent, ExpectedKind, FaultKind, Rate};
use fanjet_wire::envelope::Subject;

use crate::harness::{Running, wait_for_last};
use crate::relays::{
    ACTIVE, LATE, LOGGED, OFFSET, REPEATED, faulty_relay, for_a_client, grown_by, is_high, quick,
    relay,
};

/// The first relay omits frames that the second one has. Events that still fit are appended; those that would follow a
/// newer commit of their repo are reported and not logged.
#[tokio::test(flavor = "multi_thread")]
async fn events_that_a_fallback_delivers_too_late_are_reported_and_not_logged() {
    let seed = 560;
    let second = relay(seed, OFFSET, |_| {}).await;
    second.pause();
    let first = faulty_relay(seed, 0, &["seq-gap=every:20"], for_a_client).await;
    second.resume();
    let log = Arc::new(MemoryLog::new());
    let running = Running::start_with(log.clone(), |config| {
        quick(&first, &second)(config);
        // All of it is read again, and the log remembers all of it.
        config.upstream.overlap = Duration::from_secs(600);
        config.upstream.remembered_events = 1_000_000;
    });
    wait_for_last(&*log, 1_500, seed).await;
    assert_eq!(running.counted(LATE), 0);
    first.go_down();
    running
        .until("the second one is read", |running| {
            running.counted(ACTIVE) == 1
        })
        .await;
    grown_by(&log, 300, seed).await;
    second.pause();
    let world = second.expected();
    running
        .until("every frame is logged or reported", |running| {
            running.counted(LOGGED) + running.counted(LATE) >= world.len() as u64
        })
        .await;
    let late = running.counted(LATE);
    running.stop().await.unwrap();

    let entries = whole(&*log).await;
    let logged = world_indexes(&entries);
    let missing: Vec<_> = world
        .iter()
        .filter(|event| !logged.contains(&(event.relay_seq - OFFSET, event.op_index)))
        .collect();
    assert!(late > 0 && first.stats().fault(FaultKind::SeqGap) > 0);
    assert_eq!(missing.len() as u64, late, "seed {seed}");
    let newest = newest_revs(&entries);
    let is_behind = |event: &&ExpectedEvent| {
        let ExpectedKind::Commit { rev, .. } = &event.kind else {
            return false;
        };
        newest[event.did.as_str()] > Tid::parse(rev).unwrap()
    };
    assert!(missing.iter().all(is_behind), "seed {seed}");
}

/// The log ends with an event that only the second relay had, far before the furthest position in the first one. The next
/// leader reads the second relay and must recognize the events that follow.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_stops_during_a_switch_is_succeeded_without_repetition() {
    let seed = 565;
    let first = faulty_relay(seed, 0, &["seq-gap=every:20"], for_a_client).await;
    let second = relay(seed, OFFSET, |config| {
        config.wait_for_client = true;
        config.backlog = 10;
        config.rate = Rate::PerSecond(500.0);
    })
    .await;
    let log = Arc::new(MemoryLog::new());
    let running = Running::start_with(log.clone(), quick(&first, &second));
    wait_for_last(&*log, 1_500, seed).await;
    first.go_down();
    running
        .until("the second one is read", |running| {
            running.counted(ACTIVE) == 1
        })
        .await;
    grown_by(&log, 1, seed).await;
    running.stop().await.unwrap();
    let entries = whole(&*log).await;
    let [.., before, last] = &entries[..] else {
        panic!("nothing is logged");
    };
    let furthest = entries
        .iter()
        .map(|entry| world_index(entry).0)
        .max()
        .unwrap();
    assert!(is_high(last.origin.relay_seq), "{before:?} {last:?}");
    assert!(world_index(last).0 < furthest, "the switch was over");

    let running = Running::start_with(log.clone(), |config| {
        quick(&second, &second)(config);
        config.upstream.fallbacks.clear();
    });
    running
        .until("it is ahead of the first relay", |running| {
            running.counted("fanjet_ingest_relay_seq") > furthest + OFFSET + 100
        })
        .await;
    assert!(running.counted(REPEATED) > 0);
    running.stop().await.unwrap();
    let entries = whole(&*log).await;
    world_indexes(&entries);
    newest_revs(&entries);
}

/// The event's index in the world, whichever relay delivered it.
fn world_index(entry: &Entry) -> (u64, u32) {
    let seq = entry.origin.relay_seq;
    let offset = if is_high(seq) { OFFSET } else { 0 };
    (seq - offset, entry.origin.op_index)
}

/// The indexes of all entries. Each occurs once.
fn world_indexes(entries: &[Entry]) -> BTreeSet<(u64, u32)> {
    let indexes: BTreeSet<_> = entries.iter().map(world_index).collect();
    assert_eq!(indexes.len(), entries.len(), "an event is logged twice");
    indexes
}

/// Each repo's newest rev. Panics if commits of a repo are not in the order of their revs.
fn newest_revs(entries: &[Entry]) -> HashMap<&str, Tid> {
    let mut newest = HashMap::new();
    for entry in entries {
        let Some(Subject {
            did,
            rev: Some(rev),
        }) = Subject::of(&entry.body)
        else {
            continue;
        };
        let this = (rev, entry.origin.op_index);
        let before = newest.insert(did, this);
        assert!(
            before < Some(this),
            "seq {}: {before:?} {this:?}",
            entry.seq
        );
    }
    newest
        .into_iter()
        .map(|(did, (rev, _))| (did, rev))
        .collect()
}
