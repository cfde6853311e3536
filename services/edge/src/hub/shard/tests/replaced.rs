//! Another log in place of the one that was read.

use parking_lot::Mutex;

use super::*;
use crate::replay::Page;

fn at(rig: &Rig, seq: Seq, oldest: bool) -> Start {
    Start::At {
        seq,
        cursor: seq,
        oldest,
        clamped: false,
        not_before: 0,
        generation: rig.ring.head().generation,
    }
}

/// The ring begins with another log that ends at `last`; returns a page of that log.
fn replace(rig: &mut Rig, first: Seq, last: Seq) -> Page {
    rig.ring.begin_anew();
    rig.ring.restart(first, first);
    rig.next = first;
    rig.post((last + 1 - first) as usize);
    let found: Vec<_> = (first..=last)
        .map(|seq| commit(NAMES[0], "did:plc:a").at(seq))
        .collect();
    Page::new(&found, first, last + 1, &Mutex::new(Collections::new(10))).unwrap()
}

/// Wherever somebody stands, and whether the other log's numbers are above or below: nobody goes on in it.
#[test]
fn nobody_goes_on_in_another_log() {
    for (first, last) in [(1, 30), (1, 400), (100, 150), (5000, 5200)] {
        for who_comes_first in 0..4 {
            let mut rig = Rig::new(20_000, 100);
            rig.post(200);
            let held = rig.ring.start();
            let live = rig
                .shard
                .join(filter(QUERIES[1]), Encoding::Json, Start::Live);
            let (oldest, hot, ahead) = (
                at(&rig, 1, true),
                at(&rig, held + 1, false),
                at(&rig, 300, false),
            );
            let cold = rig.shard.join(Filter::default(), Encoding::Json, oldest);
            let behind = rig.shard.join(Filter::default(), Encoding::Json, hot);
            let ahead = rig.shard.join(Filter::default(), Encoding::Json, ahead);
            let waiting = rig.shard.join_waiting(Encoding::Json, hot);
            assert!(matches!(rig.shard.catch_up(&cold), CatchUp::Cold(_)));
            let page = replace(&mut rig, first, last);
            match who_comes_first {
                0 => assert_eq!(rig.shard.step(), Step::Done),
                1 => assert!(matches!(rig.shard.catch_up(&behind), CatchUp::FellBehind)),
                2 => assert!(matches!(
                    rig.shard.replay(&cold, &page),
                    CatchUp::FellBehind
                )),
                _ => rig.shard.set_filter(&waiting, Filter::default()),
            }
            for member in [&live, &cold, &behind, &ahead, &waiting] {
                let closing = member.outbox().closing();
                assert_eq!(closing, Some(CloseReason::LogReplaced));
                let farewell = CloseReason::LogReplaced.frame(member.outbox().resume());
                assert_eq!(rig.drain(member), [farewell.unwrap()]);
                rig.shard.leave(member);
            }
            let census = rig.shard.metrics.census();
            assert_eq!(
                (
                    census.behind.get(),
                    census.replaying.get(),
                    census.waiting.get()
                ),
                (0, 0, 0)
            );

            // Those who come now get the other log's.
            let start = at(&rig, rig.ring.start(), false);
            let next = rig.shard.join(Filter::default(), Encoding::Json, start);
            rig.settle();
            let written = rig.drain(&next).concat();
            let all = ReadLimit {
                entries: usize::MAX,
                bytes: usize::MAX,
            };
            let Read::Hot(held) = rig.ring.read_from(rig.ring.start(), Seq::MAX, all) else {
                panic!("the ring holds it");
            };
            let expected: Vec<u8> = held
                .iter()
                .flat_map(|entry| entry.frame().to_vec())
                .collect();
            assert!(written == expected);
        }
    }
}

/// What was asked of one log is no answer about another.
#[test]
fn a_page_of_another_log_is_not_kept() {
    let mut rig = Rig::new(20_000, 100);
    rig.post(200);
    let Answer::Wait(mut waiting) = rig.desk.page(1, fanjet_log::Selection::All) else {
        panic!("nothing was loaded");
    };
    let load = rig.desk.next_load().unwrap();
    assert!(!rig.desk.is_outdated(&load));
    let page = replace(&mut rig, 1, 30);
    assert!(rig.desk.is_outdated(&load));
    rig.desk.loaded(load, page);
    assert!(waiting.try_recv().is_err(), "nobody waits any more");
    assert_eq!(rig.desk.cached_bytes(), 0);
    assert!(rig.desk.next_load().is_none());
}
