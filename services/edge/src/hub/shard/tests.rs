use bytes::Bytes;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use proptest::prelude::*;

use super::*;
use crate::events::{Event, commit, time_of};
use crate::outbox::Take;
use crate::replay::PageResponse;
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

pub(in crate::hub) struct Harness {
    pub(in crate::hub) ring: Arc<Ring>,
    page_requests: Arc<PageRequests>,
    window: Arc<Window>,
    pub(in crate::hub) shard: Shard,
    collections: Collections,
    pub(in crate::hub) next: Seq,
}

impl Harness {
    pub(in crate::hub) fn new(ring_bytes: usize, max_pending_bytes: usize) -> Self {
        let ring = Arc::new(Ring::new(ring_bytes));
        ring.restart(1, 1);
        let metrics = Metrics::new(&SdkMeterProvider::default().meter("test"));
        let limits = ShardLimits {
            flush_bytes: 900,
            catch_up_bytes: 500,
            max_pending_bytes,
        };
        let page_requests = Arc::new(PageRequests::new(Arc::clone(&ring), 1 << 20));
        let window = Arc::new(Window::default());
        let shard = Shard::new(
            Arc::clone(&ring),
            Arc::clone(&page_requests),
            Arc::clone(&window),
            limits,
            metrics,
        );
        Self {
            ring,
            page_requests,
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
        while self.shard.step() == StepOutcome::More {}
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
                        member.outbox().note_written(&chunk);
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
    let mut harness = Harness::new(1 << 20, 1 << 20);
    let members: Vec<_> = (0..50)
        .map(|n| {
            harness
                .shard
                .join(filter(QUERIES[n % 2]), Encoding::Json, Start::Live)
        })
        .collect();
    assert_eq!(harness.shard.lanes(), 2);
    harness.post(2);
    harness.settle();
    let written: Vec<_> = members.iter().map(|member| harness.drain(member)).collect();
    for (n, bytes) in written.iter().enumerate() {
        assert_eq!(bytes.len(), 1, "one chunk per flush");
        assert_eq!(bytes[0], written[0][0]);
        assert!(
            std::ptr::eq(bytes[0].as_ptr(), written[n % 2][0].as_ptr()),
            "shared, not copied"
        );
    }
    for member in &members[1..] {
        harness.shard.leave(member);
    }
    assert_eq!(harness.shard.lanes(), 1);
}

/// The same filter in another encoding is another lane with its own shared bytes. A single frame is copied, so that the ring's
/// frame can be freed with its event.
#[test]
fn each_encoding_has_its_lane() {
    let mut harness = Harness::new(1 << 20, 1 << 20);
    let encodings = Encoding::ALL;
    let members: Vec<_> = (0..2 * Encoding::COUNT)
        .map(|n| {
            harness.shard.join(
                Filter::default(),
                encodings[n % Encoding::COUNT],
                Start::Live,
            )
        })
        .collect();
    assert_eq!(harness.shard.lanes(), Encoding::COUNT);
    harness.post(1);
    harness.settle();
    let written: Vec<_> = members.iter().map(|member| harness.drain(member)).collect();
    for n in 0..Encoding::COUNT {
        assert!(std::ptr::eq(
            written[n][0].as_ptr(),
            written[n + Encoding::COUNT][0].as_ptr()
        ));
        // Without a previous dictionary the current one takes its place.
        if encodings[n] != Encoding::V2Zstd {
            assert_ne!(written[n], written[(n + 1) % Encoding::COUNT]);
        }
    }
    assert!(harness.ring.encoded().get() > 0);
    harness.ring.restart(2, 2);
    assert_eq!(
        harness.ring.encoded().get(),
        0,
        "no subscriber holds the ring's frames"
    );
    for member in &members {
        harness.shard.leave(member);
    }
    assert_eq!(harness.shard.lanes(), 0);
}

#[test]
fn a_single_frame_is_not_copied() {
    let mut harness = Harness::new(1 << 20, 1 << 20);
    let member = harness
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    harness.post(1);
    harness.settle();
    let Read::Hot(held) = harness.ring.read_from(
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
        harness.drain(&member)[0].as_ptr(),
        held[0].frame().as_ptr()
    ));
}

#[test]
fn a_member_with_a_full_outbox_catches_up_without_loss_or_repeat() {
    let mut harness = Harness::new(1 << 20, 100);
    let slow = harness
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    harness.post(20);
    harness.settle();
    assert!(slow.is_behind());
    // While it is behind, its queue does not grow.
    assert!(slow.outbox().pending_bytes() < 1000);
    let first = harness.drain(&slow).concat();
    assert!(!slow.is_behind());
    harness.post(3);
    harness.settle();
    let rest = harness.drain(&slow).concat();
    let Read::Hot(all) = harness.ring.read_from(
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
fn a_member_behind_the_log_is_closed_without_reading() {
    let mut harness = Harness::new(5000, 100);
    let slow = harness
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    let fast = harness
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    for _ in 0..100 {
        harness.post(1);
        harness.settle();
        assert_eq!(harness.drain(&fast).len(), 1);
    }
    assert!(slow.is_behind());
    let next = slow.reads_next(harness.shard.position(), 0).unwrap();
    assert!(next < harness.ring.start(), "out of the ring");
    harness.window.begins_at(next);
    harness.post(1);
    harness.settle();
    assert_eq!(slow.outbox().closing(), None, "not yet out of the log");
    harness.window.begins_at(next + 1);
    harness.post(1);
    harness.settle();
    assert_eq!(slow.outbox().closing(), Some(CloseReason::FellBehind));
    assert_eq!(fast.outbox().closing(), None);
    // It leaves again when its connection ends.
    harness.shard.leave(&slow);
    harness.shard.leave(&fast);
    assert_eq!(
        (
            harness.shard.lanes(),
            harness.shard.members.is_idle(),
            harness.shard.members.behind().len()
        ),
        (0, true, 0)
    );
}

#[test]
fn members_of_an_overtaken_hub_read_the_missed_events() {
    let mut harness = Harness::new(2000, 1 << 20);
    let member = harness
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    harness.post(50);
    harness.settle();
    assert_eq!(member.outbox().closing(), None);
    assert!(member.is_behind());
    assert_eq!(member.reads_next(harness.shard.position(), 0), Some(1));
    assert!(matches!(
        harness.shard.catch_up(&member),
        CatchUp::Cold(PageResponse::Wait(_))
    ));
    assert!(member.is_replaying());
    let next = harness
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    harness.post(1);
    harness.settle();
    assert_eq!(harness.drain(&next).len(), 1);
}

#[test]
fn a_worker_without_subscribers_reads_nothing() {
    let mut harness = Harness::new(1 << 20, 1 << 20);
    harness.post(10);
    assert_eq!(harness.shard.step(), StepOutcome::Done);
    assert_eq!(harness.shard.position(), 11);
    harness.post(5);
    let member = harness
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    harness.post(1);
    harness.settle();
    let Read::Hot(newest) = harness.ring.read_from(
        16,
        17,
        ReadLimit {
            entries: 1,
            bytes: 1,
        },
    ) else {
        panic!("the ring holds it");
    };
    assert_eq!(harness.drain(&member), [newest[0].frame().clone()]);
}

#[test]
fn a_lane_survives_while_all_its_members_are_behind() {
    let mut harness = Harness::new(1 << 20, 100);
    let slow = harness
        .shard
        .join(filter(QUERIES[1]), Encoding::Json, Start::Live);
    harness.post(20);
    harness.settle();
    assert!(slow.is_behind());
    assert_eq!(harness.shard.lanes(), 1);
    harness.shard.leave(&slow);
    assert_eq!(
        (harness.shard.lanes(), harness.shard.members.is_idle()),
        (0, true)
    );
}

/// A member that joins between two steps and receives nothing resumes with the very next event.
#[test]
fn a_new_members_cursor_is_the_shards_position() {
    let mut harness = Harness::new(1 << 20, 1 << 20);
    let first = harness
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    harness.post(3);
    harness.settle();
    harness.post(2);
    let second = harness
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    second.outbox().close_now(CloseReason::Draining);
    let expected = CloseReason::Draining
        .frame(Some(time_of(3).get() + 1))
        .unwrap();
    assert_eq!(harness.drain(&second), [expected]);
    // It was alone, so it received the ring's own frames one by one.
    let limit = ReadLimit {
        entries: 3,
        bytes: usize::MAX,
    };
    let Read::Hot(held) = harness.ring.read_from(1, 4, limit) else {
        panic!("the ring holds it");
    };
    let got = harness.drain(&first);
    assert_eq!((got.len(), held.len()), (3, 3));
    for (got, held) in got.iter().zip(&held) {
        assert!(std::ptr::eq(got.as_ptr(), held.frame().as_ptr()));
    }
}

/// Events in the ring at the time of the hello are not delivered, although the hub has not routed them yet.
#[test]
fn a_hello_starts_after_the_events_in_the_ring() {
    let mut harness = Harness::new(1 << 20, 1 << 20);
    let live = harness
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    let waiting = harness.shard.join_waiting(Encoding::Json, Start::Live);
    harness.post(20);
    harness.shard.step();
    harness.shard.set_filter(&waiting, Filter::default());
    assert!(matches!(
        waiting.state(),
        MemberState::Ahead { from: 21, .. }
    ));
    harness.post(3);
    harness.settle();
    let all = harness.drain(&live).concat();
    let late = harness.drain(&waiting).concat();
    assert!(all.ends_with(&late));
    assert_eq!(late.len() * 23, all.len() * 3);
}

#[test]
fn waiting_members_hold_no_lane_and_survive_an_overtaken_hub() {
    let mut harness = Harness::new(2000, 1 << 20);
    let waiting = harness.shard.join_waiting(Encoding::Json, Start::Live);
    assert_eq!(
        (harness.shard.lanes(), harness.shard.members.is_idle()),
        (0, true)
    );
    let live = harness
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    harness.post(50);
    harness.settle();
    assert!(live.is_behind());
    assert!(waiting.is_waiting());
    assert_eq!(waiting.outbox().closing(), None);
    harness.shard.set_filter(&waiting, Filter::default());
    harness.post(1);
    harness.settle();
    assert_eq!(harness.drain(&waiting).len(), 1);
    let another = harness.shard.join_waiting(Encoding::Json, Start::Live);
    harness.shard.close_all(&CloseReason::Draining);
    assert_eq!(another.outbox().closing(), Some(CloseReason::Draining));
    // After the close.
    harness.shard.set_filter(&another, Filter::default());
    assert_eq!(
        (harness.shard.lanes(), harness.shard.members.is_idle()),
        (0, true)
    );
}

/// Closed before any event: the cursor covers everything after the hello.
#[test]
fn the_cursor_after_a_hello_covers_all_later_events() {
    let mut harness = Harness::new(1 << 20, 1 << 20);
    let _live = harness
        .shard
        .join(Filter::default(), Encoding::Json, Start::Live);
    let waiting = harness.shard.join_waiting(Encoding::Json, Start::Live);
    harness.post(5);
    harness.shard.set_filter(&waiting, Filter::default());
    waiting.outbox().close_now(CloseReason::Draining);
    let expected = CloseReason::Draining
        .frame(Some(time_of(5).get() + 1))
        .unwrap();
    assert_eq!(harness.drain(&waiting), [expected]);
}

#[derive(Debug, Clone)]
enum Act {
    Join(usize, Encoding),
    JoinWaiting(Encoding),
    Refilter(usize, usize),
    Leave(usize),
    Append(Vec<usize>),
    Step,
    /// Takes at most this many chunks.
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

/// A member, its filters with the seqs from which each applies, and the bytes written for it.
type Modelled = (Rc<Member>, Vec<(Seq, Filter)>, Vec<u8>);

proptest! {
    /// Members join, leave, wait, change filters, pause and catch up in any order: the bytes written for each equal the model.
    /// In the model each event is judged by the filter that was newest when the member reached it.
    #[test]
    fn every_member_gets_what_it_wants_once_in_order(acts in prop::collection::vec(act(), 1..150), max_pending in 1..3000usize) {
        let mut harness = Harness::new(1 << 24, max_pending);
        let mut members: Vec<Modelled> = Vec::new();
        for act in acts {
            match act {
                Act::Join(query, encoding) => {
                    let filter = filter(QUERIES[query]);
                    let member = harness.shard.join(filter.clone(), encoding, Start::Live);
                    members.push((member, vec![(harness.shard.position(), filter)], Vec::new()));
                }
                Act::JoinWaiting(encoding) => members.push((harness.shard.join_waiting(encoding, Start::Live), Vec::new(), Vec::new())),
                Act::Refilter(who, query) if !members.is_empty() => {
                    let at = who % members.len();
                    let (member, filters, _) = &mut members[at];
                    let from = member.reads_next(harness.shard.position(), 0).unwrap_or(harness.next);
                    let filter = filter(QUERIES[query]);
                    filters.push((from, filter.clone()));
                    harness.shard.set_filter(member, filter);
                }
                Act::Leave(who) if !members.is_empty() => {
                    let at = who % members.len();
                    harness.shard.leave(&members.swap_remove(at).0);
                }
                Act::Append(names) => harness.append(names.iter().map(|&name| commit(NAMES[name], "did:plc:a"))),
                Act::Step => { harness.shard.step(); }
                Act::Take(who, pieces) if !members.is_empty() => {
                    let at = who % members.len();
                    let (member, _, written) = &mut members[at];
                    for _ in 0..pieces {
                        match member.outbox().take() {
                            Take::Bytes(bytes) => written.extend_from_slice(&bytes),
                            Take::Over => prop_assert!(false, "no member was closed"),
                            Take::Empty => if let CatchUp::Found(chunk) = harness.shard.catch_up(member) {
                                written.extend_from_slice(&chunk.bytes);
                            },
                        }
                    }
                }
                Act::Leave(_) | Act::Refilter(..) | Act::Take(..) => {}
            }
        }
        harness.settle();
        let history = match harness.ring.read_from(1, Seq::MAX, ReadLimit { entries: usize::MAX, bytes: usize::MAX }) {
            Read::Hot(history) => history,
            _ => Vec::new(),
        };
        let mut encoder = Encoder::new(Compression::default(), Arc::default());
        for (member, filters, mut written) in members {
            written.extend(harness.drain(&member).concat());
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
            harness.shard.leave(&member);
        }
        let members = &harness.shard.members;
        prop_assert_eq!((harness.shard.lanes(), members.is_idle(), members.all().len()), (0, true, 0));
        let connection_counts = harness.shard.metrics.connection_counts();
        prop_assert_eq!((connection_counts.behind.get(), connection_counts.replaying.get(), connection_counts.waiting.get()), (0, 0, 0));
    }
}

mod pages;
mod replaced;
