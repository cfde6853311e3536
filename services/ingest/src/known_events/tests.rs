use bytes::Bytes;
use fanjet_event::{Action, Datetime, Did, Nsid, RecordKey, TimeUs};
use fanjet_log::memory::MemoryLog;
use fanjet_log::{NewEvent, UpstreamId};
use fanjet_wire::v1::{self, CommitHead};
use proptest::prelude::*;

use super::*;

const ALICE: &str = "did:plc:alice";
const BOB: &str = "did:plc:bob";
const NOW: u64 = 1_783_175_888_000_000;

fn origin(op_index: u32, second: u64) -> Origin {
    let time = format!("2026-07-04T14:{:02}:{:02}Z", second / 60, second % 60);
    Origin {
        upstream: UpstreamId::new("relay").unwrap(),
        relay_seq: 1,
        op_index,
        op_count: 9,
        time: Datetime::parse(time.as_str()).unwrap().shared(),
    }
}

fn commit() -> Topic {
    Topic::Commit(Nsid::parse("a.b.c").unwrap().shared())
}

fn at(did: &str, rev: u64) -> Subject<'_> {
    Subject {
        did,
        rev: Some(Tid::from_parts(rev, 0)),
    }
}

fn other(did: &str) -> Subject<'_> {
    Subject { did, rev: None }
}

/// What is logged of an event: a commit when it has a rev.
fn logged(origin: Origin, topic: Topic, subject: Subject<'_>) -> NewEvent {
    let did = Did::parse(subject.did).unwrap();
    let mut body = Vec::new();
    match subject.rev {
        Some(rev) => {
            let head = CommitHead {
                did,
                rev,
                action: Action::Delete,
                collection: Nsid::parse("a.b.c").unwrap(),
                rkey: RecordKey::parse("self").unwrap(),
            };
            v1::begin_commit(&mut body, &head);
            v1::end_delete(&mut body);
        }
        None => v1::write_identity(&mut body, did, None, 1, origin.time.borrowed()),
    }
    assert!(v1::stamp(&mut body, TimeUs::new(NOW).unwrap()));
    NewEvent {
        trace: None,
        topic,
        origin,
        body: Bytes::from(body),
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.build().unwrap().block_on(work)
}

fn log_of(events: &[NewEvent]) -> MemoryLog {
    let log = MemoryLog::new();
    block_on(async {
        let mut appender = log.appender(0).await.unwrap();
        appender.append(events).await.unwrap();
    });
    log
}

fn read(log: &MemoryLog, last: u64, capacity: usize) -> Result<KnownEvents, LogError> {
    block_on(KnownEvents::read(log, last, capacity))
}

fn known(events: &[NewEvent]) -> KnownEvents {
    read(&log_of(events), events.len() as u64, 1_000).unwrap()
}

#[test]
fn a_commit_is_known_again_by_repo_rev_and_operation() {
    let known = known(&[
        logged(origin(2, 4), commit(), at(ALICE, 3)),
        logged(origin(1, 5), commit(), at(ALICE, 7)),
    ]);
    let late = Relation::Skipped(Skipped::BehindNewerRev);
    for (rev, op_index, expected) in [
        (2, 0, late),
        (3, 0, Relation::Logged),
        (3, 2, Relation::Logged),
        (3, 3, late),
        (6, 0, late),
        (7, 0, Relation::Logged),
        (7, 1, Relation::Logged),
        (7, 2, Relation::New),
        (8, 0, Relation::New),
    ] {
        let origin = origin(op_index, 5);
        let judged = known.classify(&commit(), &origin, at(ALICE, rev), false);
        assert_eq!(judged, expected, "rev {rev}, operation {op_index}");
        let of_another = known.classify(&commit(), &origin, at(BOB, rev), false);
        assert_eq!(of_another, Relation::New);
    }
}

#[test]
fn other_events_are_known_again_by_kind_repo_and_time() {
    let known = known(&[logged(origin(0, 5), Topic::Identity, other(ALICE))]);
    for (topic, second, did, expected) in [
        (Topic::Identity, 5, ALICE, Relation::Logged),
        (Topic::Account, 5, ALICE, Relation::New),
        (Topic::Identity, 6, ALICE, Relation::New),
        (Topic::Identity, 5, BOB, Relation::New),
    ] {
        let judged = known.classify(&topic, &origin(0, second), other(did), false);
        assert_eq!(judged, expected, "{topic:?} {second} {did}");
    }
}

#[test]
fn a_copy_of_the_log_that_lags_is_not_believed() {
    let log = log_of(&[logged(origin(0, 5), commit(), at(ALICE, 3))]);
    let error = read(&log, 2, 1_000).unwrap_err();
    assert!(error.is_retryable(), "{error}");
}

proptest! {
    /// The newest `capacity` events are indexed; earlier ones are skipped, unless their repo is known to have no newer
    /// commit.
    #[test]
    fn the_index_is_bounded_and_older_events_are_skipped(capacity in 16u64..60, events in 1u64..200) {
        let did = |event: u64| format!("did:plc:{event}");
        let logged: Vec<_> = (0..events)
            .map(|event| logged(origin(0, event), commit(), at(&did(event), 1)))
            .collect();
        let known = read(&log_of(&logged), events, capacity as usize).unwrap();
        prop_assert_eq!(known.commits.len() as u64, events.min(capacity));
        prop_assert_eq!(known.since.is_some(), events > capacity);
        for event in 0..events {
            let origin = origin(0, event);
            let is_before = FrameTime::of(&origin.time) < known.since();
            let judged = known.classify(&commit(), &origin, at(&did(event), 1), is_before);
            let expected = if event + capacity >= events {
                Relation::Logged
            } else {
                Relation::Skipped(Skipped::BeforeMemory)
            };
            prop_assert_eq!(judged, expected, "event {} of {}", event, events);
        }
        let judged = known.classify(&commit(), &origin(0, 0), at(&did(events - 1), 2), true);
        prop_assert_eq!(judged, Relation::New);
    }
}
