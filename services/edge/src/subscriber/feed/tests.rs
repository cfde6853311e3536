use std::cell::RefCell;
use std::sync::Arc;
use std::task::Waker;

use fanjet_filter::{Encoding, Filter};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::*;
use crate::events::commit;
use crate::hub::{Flush, Shard, ShardLimits, Shards, StepOutcome};
use crate::replay::{PageRequests, Start};
use crate::tail::{Collections, Entry, Ring};

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";

struct Harness {
    ring: Arc<Ring>,
    shards: SharedShards,
    metrics: Metrics,
}

fn harness() -> Harness {
    let ring = Arc::new(Ring::new(1 << 24));
    ring.restart(1, 1);
    let metrics = Metrics::new(&SdkMeterProvider::default().meter("test"));
    let limits = ShardLimits {
        flush_bytes: 1000,
        catch_up_bytes: 1000,
        max_pending_bytes: 1,
    };
    let page_requests = Arc::new(PageRequests::new(Arc::clone(&ring), 1 << 20));
    let shard = Shard::new(
        Arc::clone(&ring),
        page_requests,
        Arc::default(),
        limits,
        metrics.clone(),
    );
    Harness {
        shards: Rc::new(RefCell::new(Shards::new(shard))),
        ring,
        metrics,
    }
}

impl Harness {
    fn feed(&self, collection: &str) -> Feed {
        let filter = Filter::new([collection], [], 0).unwrap();
        let member = self
            .shards
            .borrow_mut()
            .join(filter, Encoding::Json, Start::Live);
        Feed::new(Rc::clone(&self.shards), member, self.metrics.clone())
    }

    fn append(&self, names: &[&str]) {
        let mut collections = Collections::new(10);
        let entries = (self.ring.head().live..).zip(names).map(|(seq, name)| {
            let logged = commit(name, "did:plc:a").at(seq);
            Arc::new(Entry::new(&logged, &mut collections).unwrap())
        });
        self.ring.extend(entries.collect());
        while self.shards.borrow_mut().step(Flush::All, Instant::now()) == StepOutcome::More {}
    }
}

fn poll(feed: &mut Feed) -> Poll<Option<Bytes>> {
    feed.poll_bytes(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn dropping_the_feed_removes_the_member() {
    let harness = harness();
    let feed = harness.feed(POST);
    assert_eq!(harness.shards.borrow().lanes(), 1);
    let member = Rc::clone(feed.member());
    drop(feed);
    assert_eq!(harness.shards.borrow().lanes(), 0);
    harness.append(&[POST]);
    assert_eq!(
        member.outbox().pending_bytes(),
        0,
        "nothing is queued for a removed member"
    );
}

/// A long range without matching events is read in turns, and the reader wakes itself.
#[test]
fn a_reader_behind_yields_to_other_tasks() {
    let harness = harness();
    let mut feed = harness.feed(POST);
    harness.append(&[POST]);
    harness.append(&[POST]);
    assert!(feed.member().is_behind());
    harness.append(&[LIKE; 100]);
    harness.append(&[POST]);
    let mut turns = 0;
    let mut frames = 0;
    while feed.member().is_behind() || frames < 3 {
        turns += 1;
        if let Poll::Ready(bytes) = poll(&mut feed) {
            assert!(bytes.is_some());
            frames += 1;
        }
        assert!(turns < 100, "it must make progress");
    }
    assert_eq!(frames, 3);
    assert!(turns > frames, "some turns found no event");
    assert_eq!(poll(&mut feed), Poll::Pending);
}

#[test]
fn a_closed_feed_ends_after_its_close_frame() {
    let harness = harness();
    let mut feed = harness.feed(POST);
    harness.append(&[POST]);
    feed.member().outbox().close(CloseReason::Draining);
    for _ in 0..2 {
        assert!(matches!(poll(&mut feed), Poll::Ready(Some(_))));
    }
    assert_eq!(poll(&mut feed), Poll::Ready(None));
}
