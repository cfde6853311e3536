//! A log that replaces the one that was read.

use parking_lot::Mutex;

use super::*;
use crate::replay::Page;

fn at(harness: &Harness, seq: Seq, oldest: bool) -> Start {
    Start::At {
        seq,
        cursor: seq,
        oldest,
        clamped: false,
        not_before: 0,
        generation: harness.ring.head().generation,
    }
}

/// Replaces the log by one that ends at `last`; returns a page of it.
fn replace(harness: &mut Harness, first: Seq, last: Seq) -> Page {
    harness.ring.forget_log();
    harness.ring.restart(first, first);
    harness.next = first;
    harness.post((last + 1 - first) as usize);
    let found: Vec<_> = (first..=last)
        .map(|seq| commit(NAMES[0], "did:plc:a").at(seq))
        .collect();
    Page::new(&found, first, last + 1, &Mutex::new(Collections::new(10))).unwrap()
}

/// For any state of a member, and for lower or higher seqs in the new log.
#[test]
fn no_member_continues_in_another_log() {
    for (first, last) in [(1, 30), (1, 400), (100, 150), (5000, 5200)] {
        for who_comes_first in 0..4 {
            let mut harness = Harness::new(20_000, 100);
            harness.post(200);
            let held = harness.ring.start();
            let live = harness
                .shard
                .join(filter(QUERIES[1]), Encoding::Json, Start::Live);
            let (oldest, hot, ahead) = (
                at(&harness, 1, true),
                at(&harness, held + 1, false),
                at(&harness, 300, false),
            );
            let cold = harness
                .shard
                .join(Filter::default(), Encoding::Json, oldest);
            let behind = harness.shard.join(Filter::default(), Encoding::Json, hot);
            let ahead = harness.shard.join(Filter::default(), Encoding::Json, ahead);
            let waiting = harness.shard.join_waiting(Encoding::Json, hot);
            assert!(matches!(harness.shard.catch_up(&cold), CatchUp::Cold(_)));
            let page = replace(&mut harness, first, last);
            match who_comes_first {
                0 => assert_eq!(harness.shard.step(), StepOutcome::Done),
                1 => assert!(matches!(
                    harness.shard.catch_up(&behind),
                    CatchUp::FellBehind
                )),
                2 => assert!(matches!(
                    harness.shard.replay(&cold, &page),
                    CatchUp::FellBehind
                )),
                _ => harness.shard.set_filter(&waiting, Filter::default()),
            }
            for member in [&live, &cold, &behind, &ahead, &waiting] {
                let closing = member.outbox().closing();
                assert_eq!(closing, Some(CloseReason::LogReplaced));
                let close_frame = CloseReason::LogReplaced.frame(member.outbox().resume());
                assert_eq!(harness.drain(member), [close_frame.unwrap()]);
                harness.shard.leave(member);
            }
            let connection_counts = harness.shard.metrics.connection_counts();
            assert_eq!(
                (
                    connection_counts.behind.get(),
                    connection_counts.replaying.get(),
                    connection_counts.waiting.get()
                ),
                (0, 0, 0)
            );

            // New members get the events of the new log.
            let start = at(&harness, harness.ring.start(), false);
            let next = harness.shard.join(Filter::default(), Encoding::Json, start);
            harness.settle();
            let written = harness.drain(&next).concat();
            let all = ReadLimit {
                entries: usize::MAX,
                bytes: usize::MAX,
            };
            let Read::Hot(held) = harness.ring.read_from(harness.ring.start(), Seq::MAX, all)
            else {
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

/// A page that was requested from one log is not used for another.
#[test]
fn a_page_of_another_log_is_dropped() {
    let mut harness = Harness::new(20_000, 100);
    harness.post(200);
    let PageResponse::Wait(mut waiting) = harness.page_requests.page(1, fanjet_log::Selection::All)
    else {
        panic!("the page was cached");
    };
    let load = harness.page_requests.next_load().unwrap();
    assert!(!harness.page_requests.is_outdated(&load));
    let page = replace(&mut harness, 1, 30);
    assert!(harness.page_requests.is_outdated(&load));
    harness.page_requests.loaded(load, page);
    assert!(waiting.try_recv().is_err(), "the request was dropped");
    assert_eq!(harness.page_requests.cached_bytes(), 0);
    assert!(harness.page_requests.next_load().is_none());
}
