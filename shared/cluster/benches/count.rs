//! The cost of counting on the path of an event: batches of acknowledged events, in the network's mix.

#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use divan::Bencher;
use divan::counter::ItemsCount;
use fanjet_cluster::freshness::Table;
use fanjet_event::{Nsid, Topic};

const EVENTS: usize = 64;

fn main() {
    divan::main();
}

/// Half of the events are in one collection, the rest in many.
fn batch(collections: usize) -> Vec<Topic> {
    let name = |n: usize| format!("app.bsky.feed.collection{n}");
    let topic = |n: usize| Topic::Commit(Nsid::parse(name(n).into()).unwrap());
    let number = |n: usize| {
        if n.is_multiple_of(2) {
            0
        } else {
            n * 31 % collections
        }
    };
    (0..EVENTS).map(|n| topic(number(n))).collect()
}

#[divan::bench(args = [10, 600, 5000])]
fn counted(bencher: Bencher<'_, '_>, collections: usize) {
    let mut table = Table::default();
    for n in 0..collections {
        let topic =
            Topic::Commit(Nsid::parse(format!("app.bsky.feed.collection{n}").into()).unwrap());
        table.appended([&topic].into_iter(), 1);
    }
    let batch = batch(collections);
    let mut now_us = 1;
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        now_us += 1000;
        table.flowed("relay", EVENTS, now_us);
        table.appended(batch.iter(), now_us);
    });
}

/// Every few seconds, not per event.
#[divan::bench(args = [600, 2000])]
fn roll_and_publish(bencher: Bencher<'_, '_>, collections: usize) {
    let mut table = Table::default();
    for n in 0..collections {
        let topic =
            Topic::Commit(Nsid::parse(format!("app.bsky.feed.collection{n}").into()).unwrap());
        table.appended([&topic].into_iter(), 1);
    }
    let mut now_us = 1;
    bencher.bench_local(|| {
        now_us += 5_000_000;
        table.roll(now_us);
        serde_json::to_vec(&table.snapshot(now_us)).unwrap()
    });
}
