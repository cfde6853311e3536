use fanjet_event::{Datetime, Nsid};
use fanjet_log::UpstreamId;
use proptest::prelude::*;

use super::*;

const ALICE: &str = "did:plc:alice";
const BOB: &str = "did:plc:bob";

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

#[test]
fn a_commit_is_known_again_by_repo_rev_and_operation_but_not_to_who_logged_it() {
    let mut repeats = Repeats::remembering(100);
    repeats.remember(0, &commit(), &origin(1, 5), at(ALICE, 7));
    for (rev, op_index, is_held) in [
        (6, 3, true),
        (7, 0, true),
        (7, 1, true),
        (7, 2, false),
        (8, 0, false),
    ] {
        let origin = origin(op_index, 5);
        let held = repeats.holds(1, &commit(), &origin, at(ALICE, rev));
        assert_eq!(held, is_held, "rev {rev}, operation {op_index}");
        assert!(!repeats.holds(0, &commit(), &origin, at(ALICE, rev)));
        assert!(!repeats.holds(1, &commit(), &origin, at(BOB, rev)));
    }
}

#[test]
fn other_events_are_known_again_by_kind_repo_and_time() {
    let mut repeats = Repeats::remembering(100);
    repeats.remember(0, &Topic::Identity, &origin(0, 5), other(ALICE));
    assert!(repeats.holds(1, &Topic::Identity, &origin(0, 5), other(ALICE)));
    for (source, topic, second, did) in [
        (0, Topic::Identity, 5, ALICE),
        (1, Topic::Account, 5, ALICE),
        (1, Topic::Identity, 6, ALICE),
        (1, Topic::Identity, 5, BOB),
    ] {
        assert!(!repeats.holds(source, &topic, &origin(0, second), other(did)));
    }
}

proptest! {
    /// The newest `capacity` events are remembered, never more than twice as many, and nothing that is as young as the
    /// horizon is forgotten.
    #[test]
    fn it_remembers_enough_and_stays_bounded(capacity in 16usize..60, events in 1u64..400) {
        let mut repeats = Repeats::remembering(capacity);
        let did = |event: u64| format!("did:plc:{event}");
        for event in 0..events {
            repeats.remember(0, &commit(), &origin(0, event), at(&did(event), 1));
            let kept = repeats.young.commits.len() + repeats.old.commits.len();
            prop_assert!(kept <= 2 * capacity);
        }
        prop_assert_eq!(repeats.horizon().is_some(), events >= 15);
        for event in 0..events {
            let origin = origin(0, event);
            let is_held = repeats.holds(1, &commit(), &origin, at(&did(event), 1));
            let time = FrameTime::parse(origin.time.as_str());
            let is_young = repeats.horizon().is_some() && time >= repeats.horizon();
            let is_new = event + capacity as u64 >= events;
            prop_assert!(is_held || !(is_young || is_new), "event {} of {}", event, events);
        }
    }
}
