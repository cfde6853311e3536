//! Feeds over a small ring, a cache and a log with retention, against a model: for any order of operations each subscriber
//! receives its matching events from its start on, once and in order, or is closed where the log expired.

mod harness;

use std::task::Waker;
use std::time::Duration;

use fanjet_filter::{Encoding, Filter};
use fanjet_log::Seq;
use proptest::prelude::*;

use self::harness::Harness;
use super::*;
use crate::events::time_of;
use crate::hub::{Flush, StepOutcome};
use crate::replay::Start;
use crate::tail::Generation;

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

#[derive(Debug, Clone)]
enum Act {
    /// A subscriber with its start, if not live.
    Join(usize, Option<Far>),
    JoinWaiting(Option<Far>),
    Refilter(usize, usize),
    /// Sets the delay of a member in milliseconds.
    Delay(usize, u64),
    Leave(usize),
    Append(Vec<usize>),
    /// After this many milliseconds.
    Step(Flush, u64),
    Load(usize),
    /// The log keeps this many events; whether the node knows.
    Expire(u64, bool),
    Poll(usize, usize),
}

/// A start relative to the log.
#[derive(Debug, Clone, Copy)]
enum Far {
    /// This many events before the end, of which the first `early` are too early.
    Back { back: u64, early: u64 },
    /// Everything.
    Oldest,
}

fn act() -> impl Strategy<Value = Act> {
    let early = prop_oneof![2 => Just(0), 1 => 0_u64..150];
    let back = (0_u64..100, early).prop_map(|(back, early)| Far::Back { back, early });
    let far = prop_oneof![2 => back, 1 => Just(Far::Oldest)];
    let start = prop::option::weighted(0.7, far);
    prop_oneof![
        2 => ((0..QUERIES.len()), start.clone()).prop_map(|(query, far)| Act::Join(query, far)),
        1 => start.prop_map(Act::JoinWaiting),
        2 => ((0..64usize), (0..QUERIES.len())).prop_map(|(who, query)| Act::Refilter(who, query)),
        2 => ((0..64usize), prop_oneof![Just(0), 100..1001u64]).prop_map(|(who, millis)| Act::Delay(who, millis)),
        1 => (0..64usize).prop_map(Act::Leave),
        4 => prop::collection::vec(0..NAMES.len(), 1..40).prop_map(Act::Append),
        4 => (prop_oneof![Just(Flush::All), Just(Flush::Delayed)], 0..300u64).prop_map(|(flush, millis)| Act::Step(flush, millis)),
        4 => (1..20usize).prop_map(Act::Load),
        1 => ((0..120_u64), any::<bool>()).prop_map(|(kept, is_known)| Act::Expire(kept, is_known)),
        6 => ((0..64usize), (1..6usize)).prop_map(|(who, pieces)| Act::Poll(who, pieces)),
    ]
}

/// A feed with its written bytes, and its filters with the seqs from which each applies.
struct Modelled {
    feed: Feed,
    start: Start,
    filters: Vec<(Seq, Filter)>,
    written: Vec<u8>,
    /// The oldest seq of the log at its first write.
    oldest_at_first: Option<Seq>,
}

impl Modelled {
    fn new(feed: Feed, start: Start, filters: Vec<(Seq, Filter)>) -> Self {
        Self {
            feed,
            start,
            filters,
            written: Vec::new(),
            oldest_at_first: None,
        }
    }

    /// Writes until the feed is empty or the chunks are used up; returns whether it wrote anything.
    fn write(&mut self, pieces: usize, oldest: Seq) -> bool {
        let mut had_some = false;
        for _ in 0..pieces {
            let polled = self
                .feed
                .poll_bytes(&mut Context::from_waker(Waker::noop()));
            if let Poll::Ready(Some(bytes)) = polled {
                self.oldest_at_first.get_or_insert(oldest);
                self.written.extend_from_slice(&bytes);
                had_some = true;
            }
        }
        had_some
    }

    fn is_closed(&self) -> bool {
        self.feed.member().outbox().closing().is_some()
    }

    /// Compares the written bytes with the model, given the log's oldest seq at the end.
    fn check(&self, harness: &Harness) -> Result<(), TestCaseError> {
        let (_, not_before) = bounds(self.start);
        let in_force = |seq| {
            let newest = self.filters.iter().rev().find(|(from, _)| *from <= seq);
            newest.map(|(_, filter)| filter)
        };
        let mut expected: Vec<_> = harness
            .history
            .iter()
            .filter(|entry| entry.time().get() >= not_before)
            .filter(|entry| {
                let (topic, action) = (entry.topic(), entry.action());
                in_force(entry.seq()).is_some_and(|filter| {
                    filter.matches(topic, action, entry.did(), entry.json_len())
                })
            })
            .collect();
        let mut written = &self.written[..];
        if is_oldest(self.start) {
            // It may begin only after events that had expired before they were read.
            let oldest = self.oldest_at_first.unwrap_or(harness.first);
            let skipped = expected
                .iter()
                .position(|entry| entry.seq() >= oldest || written.starts_with(entry.frame()));
            expected.drain(..skipped.unwrap_or(expected.len()));
        }
        let mut last = bounds(self.start).0.map_or(0, |start| start.max(1) - 1);
        let mut missing = 0;
        for entry in &expected {
            match written.strip_prefix(&entry.frame()[..]) {
                Some(rest) if missing == 0 => (written, last) = (rest, entry.seq()),
                _ => missing += 1,
            }
        }
        let outbox = self.feed.member().outbox();
        let Some(reason) = outbox.closing() else {
            prop_assert_eq!(
                (missing, written.len()),
                (0, 0),
                "after seq {} of {:?}",
                last,
                self.start
            );
            return Ok(());
        };
        prop_assert_eq!(&reason, &CloseReason::FellBehind);
        let close_frame = reason.frame(outbox.resume()).unwrap();
        prop_assert_eq!(
            written,
            &close_frame[..],
            "after seq {} of {:?}",
            last,
            self.start
        );
        prop_assert!(
            last + 1 < harness.first,
            "closed after seq {last}, the log begins at {}",
            harness.first
        );
        Ok(())
    }
}

fn filter(query: usize) -> Filter {
    Filter::new(QUERIES[query].iter().copied(), [], 0).unwrap()
}

fn start_at(far: Option<Far>, harness: &Harness) -> Start {
    let (first, next) = (harness.first, harness.next());
    let (seq, early, oldest) = match far {
        None => return Start::Live,
        Some(Far::Back { back, early }) => (next.saturating_sub(back).max(first), early, false),
        Some(Far::Oldest) => (first, 0, true),
    };
    let not_before = match early {
        0 => 0,
        early => time_of(seq + early).get(),
    };
    Start::At {
        seq,
        cursor: seq,
        oldest,
        clamped: false,
        not_before,
        generation: Generation::default(),
    }
}

/// Its first seq and its time.
fn bounds(start: Start) -> (Option<Seq>, u64) {
    match start {
        Start::Live => (None, 0),
        Start::At {
            seq, not_before, ..
        } => (Some(seq), not_before),
    }
}

fn is_oldest(start: Start) -> bool {
    matches!(start, Start::At { oldest: true, .. })
}

proptest! {
    #[test]
    fn every_subscriber_gets_what_it_wants_once_in_order(
        acts in prop::collection::vec(act(), 1..150),
        ring_bytes in 500..20_000usize,
        cache_bytes in prop_oneof![Just(0), 1000..30_000usize],
        max_pending in 1..3000usize,
    ) {
        let mut harness = Harness::new(ring_bytes, cache_bytes, max_pending);
        let mut members: Vec<Modelled> = Vec::new();
        for act in acts {
            match act {
                Act::Join(query, far) => {
                    let start = start_at(far, &harness);
                    let filter = filter(query);
                    let member = harness.shards.borrow_mut().join(filter.clone(), Encoding::Json, start);
                    let from = bounds(start).0.unwrap_or_else(|| harness.position_for(&member));
                    let feed = Feed::new(Rc::clone(&harness.shards), member, harness.metrics.clone());
                    members.push(Modelled::new(feed, start, vec![(from, filter)]));
                }
                Act::JoinWaiting(far) => {
                    let start = start_at(far, &harness);
                    let member = harness.shards.borrow_mut().join_waiting(Encoding::Json, start);
                    let feed = Feed::new(Rc::clone(&harness.shards), member, harness.metrics.clone());
                    members.push(Modelled::new(feed, start, Vec::new()));
                }
                Act::Refilter(who, query) if !members.is_empty() => {
                    let at = who % members.len();
                    let modelled = &mut members[at];
                    if modelled.is_closed() {
                        continue;
                    }
                    let next = harness.next();
                    let member = Rc::clone(modelled.feed.member());
                    let from = member
                        .reads_next(harness.position_for(&member), harness.known_oldest())
                        .or(bounds(modelled.start).0)
                        .unwrap_or(next);
                    let filter = filter(query);
                    modelled.filters.push((from, filter.clone()));
                    harness.shards.borrow_mut().set_filter(&member, filter);
                }
                Act::Delay(who, millis) if !members.is_empty() => {
                    let at = who % members.len();
                    let asked = Duration::from_millis(millis);
                    harness.shards.borrow_mut().set_delay(members[at].feed.member(), asked);
                }
                Act::Leave(who) if !members.is_empty() => {
                    let at = who % members.len();
                    drop(members.swap_remove(at));
                }
                Act::Append(names) => harness.append(&names),
                Act::Step(flush, millis) => { harness.step(flush, Duration::from_millis(millis)); }
                Act::Load(size) => { harness.load(size); }
                Act::Expire(kept, is_known) => harness.expire(kept, is_known),
                Act::Poll(who, pieces) if !members.is_empty() => {
                    let at = who % members.len();
                    members[at].write(pieces, harness.first);
                }
                Act::Leave(_) | Act::Refilter(..) | Act::Delay(..) | Act::Poll(..) => {}
            }
        }
        loop {
            while harness.step(Flush::All, Duration::from_secs(1)) == StepOutcome::More {}
            let mut had_some = false;
            for modelled in &mut members {
                had_some |= modelled.write(100, harness.first);
            }
            had_some |= harness.load(7);
            if !had_some {
                break;
            }
        }
        for modelled in &members {
            modelled.check(&harness)?;
            prop_assert!(!modelled.feed.member().is_replaying());
        }
        drop(members);
        prop_assert_eq!(harness.shards.borrow().lanes(), 0);
    }
}

/// The cursor of a close frame is that of the start until an event was delivered.
#[test]
fn a_replay_closed_early_resumes_at_its_start() {
    let mut harness = Harness::new(500, 0, 1000);
    harness.append(&[0; 100]);
    let cursor = time_of(3).get();
    let start = Start::At {
        seq: 3,
        cursor,
        oldest: false,
        clamped: false,
        not_before: 0,
        generation: Generation::default(),
    };
    let member = harness
        .shards
        .borrow_mut()
        .join(Filter::default(), Encoding::Json, start);
    member.outbox().close_now(CloseReason::Draining);
    let expected = CloseReason::Draining.frame(Some(cursor)).unwrap();
    assert_eq!(member.outbox().take(), Take::Bytes(expected));
}
