//! The cost of fan-out per log event, without sockets: the feeder's part, routing and gathering into lanes and outboxes, and
//! taking the queued chunks. One thread; figures are per core.
//!
//! `cargo bench -p fanjet-edge --bench fanout`

#![allow(clippy::print_stdout, reason = "a benchmark prints figures")]
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark may panic on invalid data of its own"
)]

#[path = "../tests/it/support/events.rs"]
#[allow(dead_code, reason = "shared with the tests, which use more of it")]
mod events;
#[path = "../tests/it/support/instruments.rs"]
mod instruments;

use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fanjet_edge::hub::{Member, Shard, ShardLimits, StepOutcome};
use fanjet_edge::metrics::{DELIVERED_EVENTS, Metrics};
use fanjet_edge::outbox::Take;
use fanjet_edge::replay::{PageRequests, Start};
use fanjet_edge::tail::{Collections, Entry, Ring};
use fanjet_filter::{Encoding, Filter};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use events::commit;
use instruments::Instruments;

const SUBSCRIBERS: usize = 1000;
/// Active accounts; 100,000 wanted DIDs belong to them.
const ACCOUNTS: u32 = 100_000;
/// Filler bytes, so that an event has about the 550 bytes of a real one.
const PADDING: usize = 370;
/// Each row runs at least this long.
const RUN: Duration = Duration::from_secs(2);
/// Events that are created once and fed repeatedly.
const EVENTS: usize = 20_000;

/// Collections by their share of the firehose, in percent.
const COLLECTIONS: [(&str, u32); 8] = [
    ("app.bsky.feed.like", 55),
    ("app.bsky.graph.follow", 14),
    ("app.bsky.feed.post", 12),
    ("app.bsky.feed.repost", 10),
    ("app.bsky.graph.block", 4),
    ("app.bsky.actor.profile", 2),
    ("app.bsky.graph.listitem", 2),
    ("com.example.thing.record", 1),
];

fn main() {
    println!("{SUBSCRIBERS} subscribers on one core");
    println!(
        "{:<34} {:>5} {:>6} {:>14} {:>10} {:>12} {:>12} {:>14} {:>12}",
        "mix",
        "batch",
        "lanes",
        "log events/s",
        "ns/event",
        "deliveries/s",
        "ns/delivery",
        "feed ns/event",
        "take ns/event"
    );
    let unfiltered = |_: &mut StdRng| Filter::default();
    for batch in [1, 16, 64] {
        report("A no filter", batch, Encoding::Json, unfiltered);
        report("A no filter, zstd", batch, Encoding::Zstd, unfiltered);
        report("A no filter, v0", batch, Encoding::V0, unfiltered);
        report("A no filter, sse", batch, Encoding::Sse, unfiltered);
        report(
            "C one or two of 8 collections",
            batch,
            Encoding::Json,
            some_collections,
        );
        report("C2 prefixes", batch, Encoding::Json, some_prefixes);
        report("D 100 random DIDs", batch, Encoding::Json, some_dids);
        report(
            "D2 100 random DIDs, 1 collection",
            batch,
            Encoding::Json,
            some_dids_of_one_collection,
        );
    }
}

fn some_collections(random: &mut StdRng) -> Filter {
    let count = random.random_range(1..=2);
    let names: Vec<_> = (0..count)
        .map(|_| COLLECTIONS[random.random_range(0..COLLECTIONS.len())].0)
        .collect();
    Filter::new(names, [], 0).unwrap()
}

fn some_prefixes(random: &mut StdRng) -> Filter {
    let prefixes = ["app.*", "app.bsky.feed.*", "app.bsky.graph.*", "com.*"];
    Filter::new([prefixes[random.random_range(0..prefixes.len())]], [], 0).unwrap()
}

fn some_dids(random: &mut StdRng) -> Filter {
    let dids: Vec<_> = (0..100).map(|_| did(random)).collect();
    Filter::new([], dids.iter().map(String::as_str), 0).unwrap()
}

fn some_dids_of_one_collection(random: &mut StdRng) -> Filter {
    let dids: Vec<_> = (0..100).map(|_| did(random)).collect();
    Filter::new(["app.bsky.feed.post"], dids.iter().map(String::as_str), 0).unwrap()
}

fn did(random: &mut StdRng) -> String {
    let account = random.random_range(0..ACCOUNTS);
    format!("did:plc:{account:a>24o}")
        .replace('0', "x")
        .replace('1', "y")
}

fn collection(random: &mut StdRng) -> &'static str {
    let mut at = random.random_range(0..100);
    for (name, share) in COLLECTIONS {
        if at < share {
            return name;
        }
        at -= share;
    }
    COLLECTIONS[0].0
}

fn report(mix: &str, batch: usize, encoding: Encoding, filter: impl Fn(&mut StdRng) -> Filter) {
    let mut random = StdRng::seed_from_u64(1);
    let logged: Vec<_> = (1..=EVENTS as u64)
        .map(|seq| {
            let did = did(&mut random);
            commit(collection(&mut random), &did)
                .padded(PADDING)
                .at(seq)
        })
        .collect();
    let instruments = Instruments::new();
    let ring = Arc::new(Ring::new(64 << 20));
    ring.restart(1, 1);
    let limits = ShardLimits {
        flush_bytes: 96 << 10,
        catch_up_bytes: 96 << 10,
        max_pending_bytes: 1 << 20,
    };
    let metrics = Metrics::new(&instruments.meter());
    let page_requests = Arc::new(PageRequests::new(Arc::clone(&ring), 1 << 20));
    let mut shard = Shard::new(
        Arc::clone(&ring),
        page_requests,
        Arc::default(),
        limits,
        metrics,
    );
    let members: Vec<Rc<Member>> = (0..SUBSCRIBERS)
        .map(|_| shard.join(filter(&mut random), encoding, Start::Live))
        .collect();

    let mut collections = Collections::new(1000);
    let (mut feeding, mut routing, mut taking) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let (mut events, mut next) = (0_u64, 1);
    while feeding + routing + taking < RUN {
        for part in logged.chunks(batch) {
            let start = Instant::now();
            let entries = part
                .iter()
                .map(|logged| {
                    let mut logged = logged.clone();
                    logged.seq = next;
                    next += 1;
                    Arc::new(Entry::new(&logged, &mut collections).unwrap())
                })
                .collect();
            ring.extend(entries);
            let fed = Instant::now();
            while shard.step() == StepOutcome::More {}
            let routed = Instant::now();
            for member in &members {
                while let Take::Bytes(bytes) = member.outbox().take() {
                    black_box(bytes);
                }
            }
            feeding += fed - start;
            routing += routed - fed;
            taking += routed.elapsed();
            events += part.len() as u64;
        }
    }
    let delivered = instruments.sum(DELIVERED_EVENTS, None);
    let per_event = |time: Duration| time.as_nanos() as f64 / events as f64;
    println!(
        "{mix:<34} {batch:>5} {:>6} {:>14.0} {:>10.0} {:>12.0} {:>12.2} {:>14.0} {:>12.0}",
        shard.lanes(),
        events as f64 / routing.as_secs_f64(),
        per_event(routing),
        delivered / routing.as_secs_f64(),
        (routing + taking).as_nanos() as f64 / delivered,
        per_event(feeding),
        per_event(taking),
    );
}
