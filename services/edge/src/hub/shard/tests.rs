use bytes::Bytes;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use proptest::prelude::*;

use super::*;
use crate::events::{Event, commit, time_of};
use crate::outbox::Take;
use crate::replay::Answer;
use crate::tail::{Collections, Compression, Encoder, Generation};

const NAMES: [&str; 3] = [
    "app.bsky.feed.post",
    "app.bsky.feed.like",
    "com.example.thing",
];
const QUERIES: [&[&str]; 4] = [
    &[],
    &["app.bsky.feed.post"],
    &["app.bsky.*"],
    &["com.*", "app.bsky.feed.like"],
];

pub(in crate::hub) struct Rig {
    pub(in crate::hub) ring: Arc<Ring>,
    desk: Arc<Desk>,
    window: Arc<Window>,
    pub(in crate::hub) shard: Shard,
    collections: Collections,
    pub(in crate::hub) next: Seq,
}

impl Rig {
    pub(in crate::hub) fn new(ring_bytes: usize, max_pending_bytes: usize) -> Self {
        let ring = Arc::new(Ring::new(ring_bytes));
        ring.restart(1, 1);
        let metrics = Metrics::new(&SdkMeterProvider::default().meter("test"));
        let limits = ShardLimits {
            flush_bytes: 900,
            catch_up_bytes: 500,
            max_pending_bytes,
        };
        let desk = Arc::new(Desk::new(Arc::clone(&ring), 1 << 20));
        let window = Arc::new(Window::default());
        let shard = Shard::new(
            Arc::clone(&ring),
            Arc::clone(&desk),
            Arc::clone(&window),
            limits,
            metrics,
        );
        Self {
            ring,
            desk,
            window,
            shard,
            collections: Collections::new(100),
            next: 1,
        }
    }

    pub(in crate::hub) fn append(&mut self, events: impl IntoIterator<Item = Event>) {
        let mut entries = Vec::new();
        for event in events {
            entries.push(Arc::new(
                Entry::new(&event.at(self.next), &mut self.collections).unwrap(),
            ));
            self.next += 1;
        }
        self.ring.extend(entries);
    }

    pub(in crate::hub) fn post(&mut self, count: usize) {
        self.append((0..count).map(|_| commit(NAMES[0], "did:plc:a")));
    }

    fn settle(&mut self) {
        while self.shard.step() == Step::More {}
    }

    /// What a writer with an open socket would write now.
    fn drain(&mut self, member: &Rc<Member>) -> Vec<Bytes> {
        let mut written = Vec::new();
        loop {
            match member.outbox().take() {
                Take::Bytes(bytes) => written.push(bytes),
                Take::Over => return written,
                Take::Empty => match self.shard.catch_up(member) {
                    CatchUp::Found(chunk) => {
                        member.outbox().note_written(chunk.last);
                        written.push(chunk.bytes);
                    }
                    CatchUp::NothingWanted | CatchUp::FellBehind => {}
                    CatchUp::Cold(_) => return written,
                    CatchUp::Live => return written,
                },
            }
        }
    }
}

fn filter(collections: &[&str]) -> Filter {
    Filter::new(collections.iter().copied(), [], 0).unwrap()
}

#[test]
fn equal_filters_share_one_lane_and_its_bytes() {
    let mut rig = Rig::new(1 << 20, 1 << 20);
    let members: Vec<_> = (0..50)
        .map(|n| {
            rig.shard
                .join(filter(QUERIES[n % 2]), Encoding::Json, Start::Live)
        })
        .collect();
    assert_eq!(rig.shard.lanes(), 2);
    rig.post(2);
    rig.settle();
    let written: Vec<_> = members.iter().map(|member| rig.drain(member)).collect();
    for (n, bytes) in written.iter().enumerate() {
        assert_eq!(bytes.len(), 1, "one piece per flush");
        assert_eq!(bytes[0], written[0][0]);
        assert!(
            std::ptr::eq(bytes[0].as_ptr(), written[n % 2][0].as_ptr()),
            "shared, not copied"
        );
    }
    for member in &members[1..] {
        rig.shard.leave(member);
    }
    assert_eq!(rig.shard.lanes(), 1);
}

/// The same filter in another encoding is another lane, and its bytes are shared as well. A single frame is a copy, so
/// that the ring's own can go when its event goes.
#[test]
fn each_encoding_has_its_lane() {
    let mut rig = Rig::new(1 << 20, 1 << 20);
    let encodings = Encoding::ALL;
    let members: Vec<_> = (0..2 * Encoding::COUNT)
        .map(|n| {
            rig.shard.join(
                Filter::default(),
                encodings[n % Encoding::COUNT],
                Start::Live,
            )
        })
        .collect();
    assert_eq!(rig.shard.lanes(), Encoding::COUNT);
    rig.post(1);
    rig.settle();
    let written: Vec<_> = members.iter().map(|member| rig.drain(member)).collect();
    for n in 0..Encoding::COUNT {
        assert!(std::ptr::eq(
            written[n][0].as_ptr(),
            written[n + Encoding::COUNT][0].as_ptr()
        ));
        assert_ne!(written[n], written[(n + 1) % Encoding::COUNT]);
    }
    assert!(rig.ring.encoded().get() > 0);
    rig.ring.restart(2, 2);
    assert_eq!(
        rig.ring.encoded().get(),
        0,
        "no subscriber holds the ring's frames"
    );
    for member in &members {
        rig.shard.leave(member);
    }
    assert_eq!(rig.shard.lanes(), 0);
}

#[test]
fn a_single_frame_is_the_rings_own() {
    let mut rig = Rig::new(1 << 20, 1 << 20);
    let member = rig
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    rig.post(1);
    rig.settle();
    let Read::Hot(held) = rig.ring.read_from(
        1,
        2,
        ReadLimit {
            entries: 1,
            bytes: 1,
        },
    ) else {
        panic!("the ring holds it");
    };
    assert!(std::ptr::eq(
        rig.drain(&member)[0].as_ptr(),
        held[0].frame().as_ptr()
    ));
}

#[test]
fn a_member_that_is_full_comes_back_without_loss_or_repeat() {
    let mut rig = Rig::new(1 << 20, 100);
    let slow = rig
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    rig.post(20);
    rig.settle();
    assert!(slow.is_behind());
    // Behind, it costs no more than what waits already.
    assert!(slow.outbox().pending_bytes() < 1000);
    let first = rig.drain(&slow).concat();
    assert!(!slow.is_behind());
    rig.post(3);
    rig.settle();
    let rest = rig.drain(&slow).concat();
    let Read::Hot(all) = rig.ring.read_from(
        1,
        Seq::MAX,
        ReadLimit {
            entries: 100,
            bytes: 1 << 20,
        },
    ) else {
        panic!("the ring holds it");
    };
    let expected: Vec<u8> = all
        .iter()
        .flat_map(|entry| entry.frame().to_vec())
        .collect();
    assert!([first, rest].concat() == expected);
}

#[test]
fn who_falls_out_of_the_log_is_closed_even_if_it_never_asks() {
    let mut rig = Rig::new(5000, 100);
    let slow = rig
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    let fast = rig
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    for _ in 0..100 {
        rig.post(1);
        rig.settle();
        assert_eq!(rig.drain(&fast).len(), 1);
    }
    assert!(slow.is_behind());
    let next = slow.reads_next(rig.shard.position(), 0).unwrap();
    assert!(next < rig.ring.start(), "out of the ring");
    rig.window.begins_at(next);
    rig.post(1);
    rig.settle();
    assert_eq!(slow.outbox().closing(), None, "not yet out of the log");
    rig.window.begins_at(next + 1);
    rig.post(1);
    rig.settle();
    assert_eq!(slow.outbox().closing(), Some(CloseReason::FellBehind));
    assert_eq!(fast.outbox().closing(), None);
    // It leaves once more when its connection ends.
    rig.shard.leave(&slow);
    rig.shard.leave(&fast);
    assert_eq!(
        (
            rig.shard.lanes(),
            rig.shard.members.is_idle(),
            rig.shard.members.behind().len()
        ),
        (0, true, 0)
    );
}

#[test]
fn a_hub_that_was_overtaken_lets_its_members_read_what_they_missed() {
    let mut rig = Rig::new(2000, 1 << 20);
    let member = rig
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    rig.post(50);
    rig.settle();
    assert_eq!(member.outbox().closing(), None);
    assert!(member.is_behind());
    assert_eq!(member.reads_next(rig.shard.position(), 0), Some(1));
    assert!(matches!(
        rig.shard.catch_up(&member),
        CatchUp::Cold(Answer::Wait(_))
    ));
    assert!(member.is_replaying());
    let next = rig
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    rig.post(1);
    rig.settle();
    assert_eq!(rig.drain(&next).len(), 1);
}

#[test]
fn a_worker_without_subscribers_reads_nothing() {
    let mut rig = Rig::new(1 << 20, 1 << 20);
    rig.post(10);
    assert_eq!(rig.shard.step(), Step::Done);
    assert_eq!(rig.shard.position(), 11);
    rig.post(5);
    let member = rig
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    rig.post(1);
    rig.settle();
    let Read::Hot(newest) = rig.ring.read_from(
        16,
        17,
        ReadLimit {
            entries: 1,
            bytes: 1,
        },
    ) else {
        panic!("the ring holds it");
    };
    assert_eq!(rig.drain(&member), [newest[0].frame().clone()]);
}

#[test]
fn a_lane_whose_holders_are_all_behind_stays_theirs() {
    let mut rig = Rig::new(1 << 20, 100);
    let slow = rig
        .shard
        .join(filter(QUERIES[1]), Encoding::Json, Start::Live);
    rig.post(20);
    rig.settle();
    assert!(slow.is_behind());
    assert_eq!(rig.shard.lanes(), 1);
    rig.shard.leave(&slow);
    assert_eq!((rig.shard.lanes(), rig.shard.members.is_idle()), (0, true));
}

/// Someone who joins between two steps and gets nothing resumes with the very next event, not behind it.
#[test]
fn a_newcomers_cursor_is_the_shards_place_not_the_rings() {
    let mut rig = Rig::new(1 << 20, 1 << 20);
    let first = rig
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    rig.post(3);
    rig.settle();
    rig.post(2);
    let second = rig
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    second.outbox().close_now(CloseReason::Draining);
    let expected = CloseReason::Draining
        .frame(Some(time_of(3).get() + 1))
        .unwrap();
    assert_eq!(rig.drain(&second), [expected]);
    // It was alone, so it got the ring's own frames, one by one.
    let limit = ReadLimit {
        entries: 3,
        bytes: usize::MAX,
    };
    let Read::Hot(held) = rig.ring.read_from(1, 4, limit) else {
        panic!("the ring holds it");
    };
    let got = rig.drain(&first);
    assert_eq!((got.len(), held.len()), (3, 3));
    for (got, held) in got.iter().zip(&held) {
        assert!(std::ptr::eq(got.as_ptr(), held.frame().as_ptr()));
    }
}

/// What was in the ring at the hello is not delivered, although the hub has not routed it yet.
#[test]
fn who_said_hello_starts_behind_what_was_there() {
    let mut rig = Rig::new(1 << 20, 1 << 20);
    let live = rig
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    let waiting = rig.shard.join_waiting(Encoding::Json, Start::Live);
    rig.post(20);
    rig.shard.step();
    rig.shard.set_filter(&waiting, Filter::default());
    assert!(matches!(waiting.place(), Place::Ahead { from: 21, .. }));
    rig.post(3);
    rig.settle();
    let all = rig.drain(&live).concat();
    let late = rig.drain(&waiting).concat();
    assert!(all.ends_with(&late));
    assert_eq!(late.len() * 23, all.len() * 3);
}

#[test]
fn who_waits_costs_nothing_and_stays_when_the_others_are_left_behind() {
    let mut rig = Rig::new(2000, 1 << 20);
    let waiting = rig.shard.join_waiting(Encoding::Json, Start::Live);
    assert_eq!((rig.shard.lanes(), rig.shard.members.is_idle()), (0, true));
    let live = rig
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    rig.post(50);
    rig.settle();
    assert!(live.is_behind());
    assert!(waiting.is_waiting());
    assert_eq!(waiting.outbox().closing(), None);
    rig.shard.set_filter(&waiting, Filter::default());
    rig.post(1);
    rig.settle();
    assert_eq!(rig.drain(&waiting).len(), 1);
    let another = rig.shard.join_waiting(Encoding::Json, Start::Live);
    rig.shard.close_all(&CloseReason::Draining);
    assert_eq!(another.outbox().closing(), Some(CloseReason::Draining));
    // Too late.
    rig.shard.set_filter(&another, Filter::default());
    assert_eq!((rig.shard.lanes(), rig.shard.members.is_idle()), (0, true));
}

/// Closed before any event: its cursor names everything from its hello on.
#[test]
fn the_cursor_of_who_said_hello_stands_for_the_hello() {
    let mut rig = Rig::new(1 << 20, 1 << 20);
    let _live = rig
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    let waiting = rig.shard.join_waiting(Encoding::Json, Start::Live);
    rig.post(5);
    rig.shard.set_filter(&waiting, Filter::default());
    waiting.outbox().close_now(CloseReason::Draining);
    let expected = CloseReason::Draining
        .frame(Some(time_of(5).get() + 1))
        .unwrap();
    assert_eq!(rig.drain(&waiting), [expected]);
}

#[derive(Debug, Clone)]
enum Act {
    Join(usize, Encoding),
    JoinWaiting(Encoding),
    Refilter(usize, usize),
    Leave(usize),
    Append(Vec<usize>),
    Step,
    /// Takes at most so many pieces.
    Take(usize, usize),
}

fn encoding() -> impl Strategy<Value = Encoding> {
    prop_oneof![
        Just(Encoding::Json),
        Just(Encoding::Zstd),
        Just(Encoding::V0),
        Just(Encoding::Sse),
        Just(Encoding::Ndjson)
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        1 => ((0..QUERIES.len()), encoding()).prop_map(|(query, encoding)| Act::Join(query, encoding)),
        1 => encoding().prop_map(Act::JoinWaiting),
        3 => ((0..64usize), (0..QUERIES.len())).prop_map(|(who, query)| Act::Refilter(who, query)),
        1 => (0..64usize).prop_map(Act::Leave),
        4 => prop::collection::vec(0..NAMES.len(), 1..12).prop_map(Act::Append),
        4 => Just(Act::Step),
        6 => ((0..64usize), (1..6usize)).prop_map(|(who, pieces)| Act::Take(who, pieces)),
    ]
}

/// A member, its filters with the seqs from which each counts, and what was written for it.
type Modelled = (Rc<Member>, Vec<(Seq, Filter)>, Vec<u8>);

proptest! {
    /// Subscribers that come, go, wait, change their filters, stand still and catch up in any order: what each has
    /// written in the end is what the model says, byte for byte. In the model each event is judged by the filter that
    /// was the newest when the subscriber came to that event.
    #[test]
    fn every_member_gets_what_it_wants_once_in_order(acts in prop::collection::vec(act(), 1..150), max_pending in 1..3000usize) {
        let mut rig = Rig::new(1 << 24, max_pending);
        let mut members: Vec<Modelled> = Vec::new();
        for act in acts {
            match act {
                Act::Join(query, encoding) => {
                    let filter = filter(QUERIES[query]);
                    let member = rig.shard.join(filter.clone(), encoding, Start::Live);
                    members.push((member, vec![(rig.shard.position(), filter)], Vec::new()));
                }
                Act::JoinWaiting(encoding) => members.push((rig.shard.join_waiting(encoding, Start::Live), Vec::new(), Vec::new())),
                Act::Refilter(who, query) if !members.is_empty() => {
                    let at = who % members.len();
                    let (member, filters, _) = &mut members[at];
                    let from = member.reads_next(rig.shard.position(), 0).unwrap_or(rig.next);
                    let filter = filter(QUERIES[query]);
                    filters.push((from, filter.clone()));
                    rig.shard.set_filter(member, filter);
                }
                Act::Leave(who) if !members.is_empty() => {
                    let at = who % members.len();
                    rig.shard.leave(&members.swap_remove(at).0);
                }
                Act::Append(names) => rig.append(names.iter().map(|&name| commit(NAMES[name], "did:plc:a"))),
                Act::Step => { rig.shard.step(); }
                Act::Take(who, pieces) if !members.is_empty() => {
                    let at = who % members.len();
                    let (member, _, written) = &mut members[at];
                    for _ in 0..pieces {
                        match member.outbox().take() {
                            Take::Bytes(bytes) => written.extend_from_slice(&bytes),
                            Take::Over => prop_assert!(false, "nobody was closed"),
                            Take::Empty => if let CatchUp::Found(chunk) = rig.shard.catch_up(member) {
                                written.extend_from_slice(&chunk.bytes);
                            },
                        }
                    }
                }
                Act::Leave(_) | Act::Refilter(..) | Act::Take(..) => {}
            }
        }
        rig.settle();
        let history = match rig.ring.read_from(1, Seq::MAX, ReadLimit { entries: usize::MAX, bytes: usize::MAX }) {
            Read::Hot(history) => history,
            _ => Vec::new(),
        };
        let mut encoder = Encoder::new(Compression::default(), Arc::default());
        for (member, filters, mut written) in members {
            written.extend(rig.drain(&member).concat());
            let in_force = |seq| filters.iter().rev().find(|(from, _)| *from <= seq).map(|(_, filter)| filter);
            let expected: Vec<u8> = history.iter()
                .filter(|entry| in_force(entry.seq()).is_some_and(|filter| filter.matches(entry.topic(), entry.action(), entry.did(), entry.json_len())))
                .fold(Vec::new(), |mut written, entry| {
                    let before = written.len();
                    let length = entry.len_in(member.encoding(), &mut encoder);
                    entry.put_in(member.encoding(), &mut encoder, &mut written);
                    assert_eq!(written.len(), before + length);
                    written
                });
            prop_assert!(written == expected, "{filters:?}: {} of {} bytes", written.len(), expected.len());
            rig.shard.leave(&member);
        }
        let members = &rig.shard.members;
        prop_assert_eq!((rig.shard.lanes(), members.is_idle(), members.all().len()), (0, true, 0));
        let census = rig.shard.metrics.census();
        prop_assert_eq!((census.behind.get(), census.replaying.get(), census.waiting.get()), (0, 0, 0));
    }
}

mod pages;
mod replaced;
