//! Feeds over a small ring, a cache and a log, against a model: whatever order everything happens in, each subscriber
//! gets what it wants from its start on, once, in order.

use std::cell::RefCell;
use std::sync::Arc;
use std::task::Waker;

use fanjet_filter::{Encoding, Filter};
use fanjet_log::Seq;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;
use crate::events::{commit, time_of};
use crate::hub::{Shard, ShardLimits, Step};
use crate::replay::{Desk, Start};
use crate::tail::{Collections, Entry, Ring, Window};

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

struct Rig {
    ring: Arc<Ring>,
    desk: Arc<Desk>,
    shard: SharedShard,
    metrics: Metrics,
    collections: Mutex<Collections>,
    history: Vec<Arc<Entry>>,
    logged: Vec<fanjet_log::Entry>,
}

impl Rig {
    fn new(ring_bytes: usize, cache_bytes: usize, max_pending_bytes: usize) -> Self {
        let ring = Arc::new(Ring::new(ring_bytes));
        ring.restart(1, 1);
        let desk = Arc::new(Desk::new(Arc::clone(&ring), cache_bytes));
        let metrics = Metrics::new(&SdkMeterProvider::default().meter("test"));
        let limits = ShardLimits {
            flush_bytes: 900,
            catch_up_bytes: 500,
            max_pending_bytes,
        };
        let window = Arc::new(Window::default());
        window.begins_at(1);
        let shard = Shard::new(
            Arc::clone(&ring),
            Arc::clone(&desk),
            window,
            limits,
            metrics.clone(),
        );
        Self {
            ring,
            desk,
            shard: Rc::new(RefCell::new(shard)),
            metrics,
            collections: Mutex::new(Collections::new(100)),
            history: Vec::new(),
            logged: Vec::new(),
        }
    }

    fn next(&self) -> Seq {
        self.history.len() as Seq + 1
    }

    fn append(&mut self, names: &[usize]) {
        let mut entries = Vec::new();
        for &name in names {
            let logged = commit(NAMES[name], "did:plc:a").at(self.next());
            let entry = Entry::new(&logged, self.collections.get_mut()).unwrap();
            let entry = Arc::new(entry);
            self.logged.push(logged);
            self.history.push(Arc::clone(&entry));
            entries.push(entry);
        }
        self.ring.extend(entries);
    }

    /// Answers one request for a page, with at most `size` events.
    fn load(&self, size: usize) -> bool {
        let Some(load) = self.desk.next_load() else {
            return false;
        };
        let until = load.until.unwrap_or(Seq::MAX).min(load.from + size as Seq);
        let next = until.min(self.next());
        let stretch = &self.logged[load.from as usize - 1..next as usize - 1];
        let found: Vec<_> = stretch
            .iter()
            .filter(|logged| load.selection.matches(&logged.topic))
            .cloned()
            .collect();
        let page = Page::new(&found, load.from, next, &self.collections).unwrap();
        self.desk.loaded(load, page);
        true
    }
}

#[derive(Debug, Clone)]
enum Act {
    /// A subscriber, and where it starts, if not live.
    Join(usize, Option<Far>),
    JoinWaiting(Option<Far>),
    Refilter(usize, usize),
    Leave(usize),
    Append(Vec<usize>),
    Step,
    Load(usize),
    Poll(usize, usize),
}

/// A start, in events.
#[derive(Debug, Clone, Copy)]
struct Far {
    back: u64,
    /// How many events at and behind it are too early.
    early: u64,
}

fn act() -> impl Strategy<Value = Act> {
    let early = prop_oneof![2 => Just(0), 1 => 0_u64..150];
    let far = (0_u64..100, early).prop_map(|(back, early)| Far { back, early });
    let start = prop::option::weighted(0.7, far);
    prop_oneof![
        2 => ((0..QUERIES.len()), start.clone()).prop_map(|(query, far)| Act::Join(query, far)),
        1 => start.prop_map(Act::JoinWaiting),
        2 => ((0..64usize), (0..QUERIES.len())).prop_map(|(who, query)| Act::Refilter(who, query)),
        1 => (0..64usize).prop_map(Act::Leave),
        4 => prop::collection::vec(0..NAMES.len(), 1..40).prop_map(Act::Append),
        4 => Just(Act::Step),
        4 => (1..20usize).prop_map(Act::Load),
        6 => ((0..64usize), (1..6usize)).prop_map(|(who, pieces)| Act::Poll(who, pieces)),
    ]
}

/// One feed, what it has written, and the filters with the seqs from which each counts.
struct Modelled {
    feed: Feed,
    start: Start,
    filters: Vec<(Seq, Filter)>,
    written: Vec<u8>,
}

impl Modelled {
    /// Writes until the feed has nothing, or the pieces are used up; returns whether it had something.
    fn write(&mut self, pieces: usize) -> bool {
        let mut had_some = false;
        for _ in 0..pieces {
            match self
                .feed
                .poll_bytes(&mut Context::from_waker(Waker::noop()))
            {
                Poll::Ready(Some(bytes)) => self.written.extend_from_slice(&bytes),
                Poll::Ready(None) => panic!("nobody was closed"),
                Poll::Pending => continue,
            }
            had_some = true;
        }
        had_some
    }
}

fn filter(query: usize) -> Filter {
    Filter::new(QUERIES[query].iter().copied(), [], 0).unwrap()
}

fn start_at(far: Option<Far>, next: Seq) -> Start {
    far.map_or(Start::Live, |Far { back, early }| {
        let seq = next.saturating_sub(back).max(1);
        let not_before = match early {
            0 => 0,
            early => time_of(seq + early).get(),
        };
        Start::At {
            seq,
            cursor: seq,
            oldest: false,
            clamped: false,
            not_before,
        }
    })
}

/// The seq that it starts at, and the time.
fn bounds(start: Start) -> (Option<Seq>, u64) {
    match start {
        Start::Live => (None, 0),
        Start::At {
            seq, not_before, ..
        } => (Some(seq), not_before),
    }
}

proptest! {
    #[test]
    fn every_subscriber_gets_what_it_wants_once_in_order(
        acts in prop::collection::vec(act(), 1..150),
        ring_bytes in 500..20_000usize,
        cache_bytes in prop_oneof![Just(0), 1000..30_000usize],
        max_pending in 1..3000usize,
    ) {
        let mut rig = Rig::new(ring_bytes, cache_bytes, max_pending);
        let mut members: Vec<Modelled> = Vec::new();
        for act in acts {
            match act {
                Act::Join(query, far) => {
                    let start = start_at(far, rig.next());
                    let filter = filter(query);
                    let member = rig.shard.borrow_mut().join(filter.clone(), Encoding::Json, start);
                    let from = bounds(start).0.unwrap_or_else(|| rig.shard.borrow().position());
                    let (feed, _) = Feed::new(Rc::clone(&rig.shard), member, rig.metrics.clone());
                    members.push(Modelled { feed, start, filters: vec![(from, filter)], written: Vec::new() });
                }
                Act::JoinWaiting(far) => {
                    let start = start_at(far, rig.next());
                    let member = rig.shard.borrow_mut().join_waiting(Encoding::Json, start);
                    let (feed, _) = Feed::new(Rc::clone(&rig.shard), member, rig.metrics.clone());
                    members.push(Modelled { feed, start, filters: Vec::new(), written: Vec::new() });
                }
                Act::Refilter(who, query) if !members.is_empty() => {
                    let at = who % members.len();
                    let modelled = &mut members[at];
                    let next = rig.next();
                    let member = Rc::clone(modelled.feed.member());
                    let from = member
                        .reads_next(rig.shard.borrow().position())
                        .or(bounds(modelled.start).0)
                        .unwrap_or(next);
                    let filter = filter(query);
                    modelled.filters.push((from, filter.clone()));
                    rig.shard.borrow_mut().set_filter(&member, filter);
                }
                Act::Leave(who) if !members.is_empty() => {
                    let at = who % members.len();
                    drop(members.swap_remove(at));
                }
                Act::Append(names) => rig.append(&names),
                Act::Step => { rig.shard.borrow_mut().step(); }
                Act::Load(size) => { rig.load(size); }
                Act::Poll(who, pieces) if !members.is_empty() => {
                    let at = who % members.len();
                    members[at].write(pieces);
                }
                Act::Leave(_) | Act::Refilter(..) | Act::Poll(..) => {}
            }
        }
        loop {
            while rig.shard.borrow_mut().step() == Step::More {}
            let mut had_some = false;
            for modelled in &mut members {
                had_some |= modelled.write(100);
            }
            had_some |= rig.load(7);
            if !had_some {
                break;
            }
        }
        for Modelled { feed, start, filters, written } in &members {
            let (_, not_before) = bounds(*start);
            let in_force = |seq| filters.iter().rev().find(|(from, _)| *from <= seq).map(|(_, filter)| filter);
            let expected: Vec<u8> = rig.history.iter()
                .filter(|entry| entry.time().get() >= not_before)
                .filter(|entry| in_force(entry.seq()).is_some_and(|filter| filter.matches(entry.topic(), entry.action(), entry.did(), entry.json_len())))
                .flat_map(|entry| entry.frame().to_vec())
                .collect();
            prop_assert!(*written == expected, "{filters:?}: {} of {} bytes", written.len(), expected.len());
            prop_assert!(!feed.member().is_replaying());
        }
        drop(members);
        prop_assert_eq!(rig.shard.borrow().lanes(), 0);
    }
}

/// The cursor of a close frame is the start's until something was delivered.
#[test]
fn a_replay_that_is_cut_off_early_resumes_at_its_start() {
    let mut rig = Rig::new(500, 0, 1000);
    rig.append(&[0; 100]);
    let cursor = time_of(3).get();
    let start = Start::At {
        seq: 3,
        cursor,
        oldest: false,
        clamped: false,
        not_before: 0,
    };
    let member = rig
        .shard
        .borrow_mut()
        .join(Filter::default(), Encoding::Json, start);
    member.outbox().close_now(CloseReason::Draining);
    let expected = CloseReason::Draining.frame(Some(cursor)).unwrap();
    assert_eq!(member.outbox().take(), Take::Bytes(expected));
}
