//! Cursors: where they start, that every node agrees, and that replay and live are one stream.

use std::time::Duration;

use fanjet_edge::metrics::{DISCONNECTS, REFUSED_HANDSHAKES, REPLAY_READ_EVENTS, REPLAYS, STARTS};
use fanjet_log::Entry;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::support::{Client, Event, Fault, FaultyLog, Node, commit, event, time_of};

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";
const RARE: &str = "com.example.rare";

/// Every 300th event is rare, and every third is a like.
fn mixed(count: u64) -> impl Iterator<Item = Event> {
    (1..=count).map(|n| match n {
        _ if n % 300 == 0 => commit(RARE, "did:plc:r"),
        _ if n % 500 == 7 => event(fanjet_event::Topic::Identity, "did:plc:i"),
        _ if n % 3 == 0 => commit(LIKE, "did:plc:a"),
        _ => commit(POST, "did:plc:b"),
    })
}

/// A node whose ring holds about the last 100 events of the log.
async fn node_over(log: FaultyLog) -> Node {
    Node::start_with(log, |config| {
        config.tail.ring_bytes = 60_000;
        config.tail.warm_entries = 50;
        config.tail.check_interval = Duration::from_millis(20);
        config.replay.cache_bytes = 200_000;
        config.replay.page_bytes = 20_000;
        config.replay.max_loads = 2;
    })
    .await
}

fn from(entries: &[Entry], seq: u64) -> impl Iterator<Item = &Entry> {
    entries.iter().filter(move |entry| entry.seq >= seq)
}

/// Cases 26, 27, 35 and 36: a cursor is inclusive, as a seq and as a time, and the replay continues live.
#[tokio::test]
async fn a_cursor_replays_from_there_and_becomes_live() {
    let log = FaultyLog::new();
    let mut all = log.append(mixed(3000));
    let node = node_over(log).await;
    let mut clients = Vec::new();
    for seq in [1, 2, 500, 1499, 2890, 2999, 3000] {
        for cursor in [seq, time_of(seq).get()] {
            clients.push((seq, node.client(&format!("?cursor={cursor}")).await));
        }
    }
    all.extend(node.log.append(mixed(500)));
    for (seq, client) in &mut clients {
        client.expect(from(&all, *seq)).await;
    }
    let after = node.append_one(POST, "did:plc:z");
    for (_, client) in &mut clients {
        client.expect([&after]).await;
    }
    node.metric_falls_to(REPLAYS, 0.0).await;
    assert_eq!(node.metric(DISCONNECTS, None), 0.0);
}

/// Readers of the same range share its pages: the log is read about once for all of them.
#[tokio::test]
async fn readers_close_to_each_other_share_pages() {
    let log = FaultyLog::new();
    let all = log.append(mixed(3000));
    let node = Node::start_with(log, |config| {
        config.tail.ring_bytes = 60_000;
        config.tail.warm_entries = 50;
    })
    .await;
    let mut clients = Vec::new();
    for cursor in 1..=20 {
        clients.push((cursor, node.client(&format!("?cursor={cursor}")).await));
    }
    for (cursor, client) in &mut clients {
        client.expect(from(&all, *cursor)).await;
    }
    let read = node.metric(REPLAY_READ_EVENTS, None);
    assert!(
        read < 2.0 * 3000.0,
        "{read} of 3,000 events were read for 20 replays"
    );
}

/// Where almost nothing matches the log searches, once for all equal selections.
#[tokio::test]
async fn readers_of_the_same_rare_collection_share_a_search() {
    let log = FaultyLog::new();
    let all = log.append(mixed(9000));
    // Enough recent events to detect rare collections.
    let node = Node::start_with(log, |config| {
        config.tail.ring_bytes = 1_000_000;
        config.tail.warm_entries = 2000;
    })
    .await;
    let mut clients = Vec::new();
    for cursor in 1..=20 {
        let query = format!("?cursor={cursor}&wantedCollections={RARE}");
        clients.push((cursor, node.client(&query).await));
    }
    let is_wanted = |entry: &&Entry| match &entry.topic {
        fanjet_event::Topic::Commit(name) => name.as_str() == RARE,
        _ => true,
    };
    for (cursor, client) in &mut clients {
        client.expect(from(&all, *cursor).filter(is_wanted)).await;
    }
    let wanted = all.iter().filter(is_wanted).count() as f64;
    let read = node.metric(REPLAY_READ_EVENTS, None);
    assert!(
        read < 3.0 * wanted,
        "{read} events were read for 20 replays that wanted {wanted}"
    );
}

/// A time between two events selects the later one.
#[tokio::test]
async fn a_time_without_an_event_starts_with_the_next_one() {
    let log = FaultyLog::new();
    let all = log.append(mixed(300));
    let node = node_over(log).await;
    // All times of the log are one microsecond apart, so the only time without an event is before the first.
    let mut client = node
        .client(&format!("?cursor={}", time_of(1).get() - 1))
        .await;
    client.expect(&all).await;
}

/// Cases 24 and 28: the future is live.
#[tokio::test]
async fn the_future_is_live() {
    let log = FaultyLog::new();
    log.append(mixed(300));
    let node = node_over(log).await;
    let mut clients = Vec::new();
    for cursor in [
        time_of(301).get(),
        9_999_999_999_999_999,
        i64::MAX as u64,
        301,
        999_999_999_999_999,
    ] {
        clients.push(node.client(&format!("?cursor={cursor}")).await);
    }
    clients.push(node.client("?cursor=").await);
    let next = node.append_one(POST, "did:plc:a");
    for client in &mut clients {
        client.expect([&next]).await;
    }
}

/// A client that asks for a past time gets nothing older, even when older events are still on their way to the log.
#[tokio::test]
async fn a_time_after_the_logs_end_waits_for_its_event() {
    let log = FaultyLog::new();
    let mut all = log.append(mixed(300));
    let node = node_over(log).await;
    let mut clients = Vec::new();
    for seq in [301, 302, 350, 351, 400] {
        for more in ["", "&requireHello=true"] {
            let query = format!("?cursor={}{more}", time_of(seq));
            clients.push((seq, node.client(&query).await));
        }
    }
    let mut live = node.client("").await;
    all.extend(node.log.append(mixed(50)));
    live.expect(from(&all, 301)).await;
    for (_, client) in clients.iter_mut().skip(1).step_by(2) {
        client
            .send(Message::text(r#"{"type":"options_update","payload":{}}"#))
            .await;
    }
    all.extend(node.log.append(mixed(50)));
    live.expect(from(&all, 351)).await;
    for (seq, client) in &mut clients {
        client.expect(from(&all, *seq)).await;
    }
}

/// Cases 21, 23, 25 and 29: everything retained, and older cursors.
#[tokio::test]
async fn zero_negative_and_ancient_cursors_begin_with_the_oldest() {
    let log = FaultyLog::new();
    let all = log.append(mixed(1000));
    log.retain_from(401);
    let node = node_over(log).await;
    eventually_knows_its_oldest(&node).await;
    for (cursor, is_clamped) in [
        ("0".to_owned(), false),
        ("-42".to_owned(), false),
        ("5".to_owned(), true),
        ("%2B400".to_owned(), true),
        ("401".to_owned(), false),
        (time_of(1).to_string(), true),
        (time_of(400).to_string(), true),
        (time_of(401).to_string(), false),
    ] {
        let query = format!("?cursor={cursor}");
        let (mut client, oldest) =
            Client::connect_and_ask(node.addr(), &query, "x-fanjet-oldest-cursor").await;
        assert_eq!(oldest, Some(time_of(401).to_string()));
        client.expect(from(&all, 401)).await;
        let (_, clamped) =
            Client::connect_and_ask(node.addr(), &query, "x-fanjet-cursor-clamped").await;
        assert_eq!(clamped.is_some(), is_clamped, "{cursor}");
    }
    assert!(node.labelled(STARTS, "start", "clamped") >= 8.0);
    assert!(node.labelled(STARTS, "start", "oldest") >= 4.0);
}

async fn eventually_knows_its_oldest(node: &Node) {
    for _ in 0..1000 {
        let (_, oldest) =
            Client::connect_and_ask(node.addr(), "?cursor=", "x-fanjet-oldest-cursor").await;
        if oldest.is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the oldest event never became known");
}

/// The same cursor yields the same bytes on nodes that know different parts of the log.
#[tokio::test]
async fn every_node_replays_the_same() {
    let log = FaultyLog::new();
    let all = log.append(mixed(2000));
    let small = node_over(log.clone()).await;
    let large = Node::start_with(log, |_| {}).await;
    for query in [
        "",
        "&wantedCollections=com.example.*",
        "&wantedDids=did:plc:a",
    ] {
        for seq in [1, 77, 1950, 1999] {
            let query = format!("?cursor={}{query}", time_of(seq).get());
            let mut first = small.client(&query).await;
            let mut second = large.client(&query).await;
            let wanted = from(&all, seq).filter(|entry| {
                let body = std::str::from_utf8(&entry.body).unwrap();
                !query.contains("wantedDids") || body.contains("did:plc:a")
            });
            let wanted = wanted.filter(|entry| {
                let is_rare = matches!(&entry.topic, fanjet_event::Topic::Commit(name) if name.as_str() == RARE);
                let is_identity = entry.topic == fanjet_event::Topic::Identity;
                !query.contains("wantedCollections") || is_rare || is_identity
            });
            let wanted: Vec<_> = wanted.collect();
            first.expect(wanted.iter().copied()).await;
            second.expect(wanted.iter().copied()).await;
        }
    }
}

/// A node that lags behind the log must not start before a cursor that another node gave out.
#[tokio::test]
async fn a_cursor_ahead_of_this_nodes_ring_is_waited_for() {
    let log = FaultyLog::new();
    log.append(mixed(300));
    let node = Node::start_with(log, |_| {}).await;
    node.log.set_fault(Fault::Hanging);
    let unseen = node.log.append(mixed(50));
    let mut client = node
        .client(&format!("?cursor={}", time_of(341).get()))
        .await;
    let mut by_seq = node.client("?cursor=350").await;
    node.log.set_fault(Fault::None);
    client.expect(&unseen[40..]).await;
    by_seq.expect(&unseen[49..]).await;
}

/// The start is fixed on connect, and the filter comes with the hello.
#[tokio::test]
async fn a_replay_with_hello_starts_at_the_cursor() {
    let log = FaultyLog::new();
    let mut all = log.append(mixed(1000));
    let node = node_over(log).await;
    let mut client = node.client("?requireHello=true&cursor=600").await;
    all.extend(node.log.append(mixed(200)));
    let hello =
        r#"{"type":"options_update","payload":{"wantedCollections":["app.bsky.feed.like"]}}"#;
    client.send(Message::text(hello)).await;
    let likes = from(&all, 600).filter(|entry| match &entry.topic {
        fanjet_event::Topic::Commit(name) => name.as_str() == LIKE,
        _ => true,
    });
    client.expect(likes).await;
}

/// Only the hello can wake the writer: no event arrives.
#[tokio::test]
async fn a_hello_starts_the_replay_of_a_quiet_log() {
    let log = FaultyLog::new();
    let all = log.append(mixed(1000));
    let node = Node::start_with(log, |config| {
        // A ping from the node would wake the writer, too.
        config.subscriber.ping_interval = Duration::from_secs(3600);
    })
    .await;
    let mut client = node.client("?requireHello=true&cursor=600").await;
    // After the pong the writer sleeps.
    client.send(Message::Ping("asleep".into())).await;
    assert_eq!(client.next_message().await, Message::Pong("asleep".into()));
    let hello = r#"{"type":"options_update","payload":{}}"#;
    client.send(Message::text(hello)).await;
    client.expect(from(&all, 600)).await;
}

/// Case 32, an unavailable log: events of the ring are served, the rest is refused with a reason or waits.
#[tokio::test]
async fn an_unavailable_log_delays_replays_and_loses_nothing() {
    let log = FaultyLog::new();
    let all = log.append(mixed(1000));
    let node = Node::start_with(log, |config| {
        config.tail.ring_bytes = 60_000;
        config.tail.warm_entries = 50;
        config.replay.cache_bytes = 0;
        config.replay.page_bytes = 1000;
        config.replay.cursor_timeout = Duration::from_millis(200);
    })
    .await;
    let mut replaying = Client::connect_narrow(node.addr(), "?cursor=1").await;
    replaying.expect(&all[..10]).await;
    node.log.set_fault(Fault::Away);
    let refused = Client::try_connect(node.addr(), "?cursor=2").await;
    let Err(Error::Http(response)) = refused.map(|_| ()) else {
        panic!("it must be refused");
    };
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    // The body may arrive after the head, and the client waits only for the head.
    assert_eq!(node.metric(REFUSED_HANDSHAKES, Some("cursor_timeout")), 1.0);
    // Or does not answer at all: the same.
    node.log.set_fault(Fault::Silent);
    let time = format!("?cursor={}", time_of(2).get());
    let refused = Client::try_connect(node.addr(), &time).await;
    let Err(Error::Http(response)) = refused.map(|_| ()) else {
        panic!("it must be refused");
    };
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "5");
    assert_eq!(node.metric(REFUSED_HANDSHAKES, Some("cursor_timeout")), 2.0);
    let mut from_ring = node.client("?cursor=990").await;
    from_ring.expect(&all[989..]).await;
    node.log.set_fault(Fault::None);
    replaying.expect(&all[10..]).await;
}

/// A client whose replay expires is closed, and never silently served less.
#[tokio::test]
async fn a_replay_that_is_overtaken_by_retention_is_closed() {
    let log = FaultyLog::new();
    let all = log.append((0..2000).map(|_| commit(POST, "did:plc:a").padded(20_000)));
    let node = node_over(log).await;
    let mut client = Client::connect_narrow(node.addr(), "?cursor=10").await;
    client.expect(&all[9..20]).await;
    node.log.retain_from(1900);
    let (read, closed) = client.read_to_end().await;
    let (code, reason) = closed.unwrap();
    assert_eq!(code, 1013);
    let last = 20 + read.len();
    for (text, entry) in read.iter().zip(&all[20..]) {
        assert_eq!(text.as_bytes(), &entry.body[..]);
    }
    let cursor = time_of(last as u64);
    assert!(reason.ends_with(&format!("cursor={cursor}")), "{reason}");
}

/// Readers at random positions with random filters, some of them replaced during the replay, while events arrive.
#[tokio::test]
async fn random_replays_under_load_miss_nothing() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let log = FaultyLog::new();
    let mut all = log.append(mixed(3000));
    let node = node_over(log).await;
    let queries = [
        "",
        "wantedCollections=app.bsky.feed.like",
        "wantedCollections=com.example.*",
        "wantedDids=did:plc:b",
        "compress=true",
        "compress=true&wantedCollections=app.bsky.feed.*",
    ];
    let mut clients = Vec::new();
    for round in 0..40 {
        let seq = random.random_range(1..=all.len() as u64);
        let cursor = if random.random_bool(0.5) {
            seq
        } else {
            time_of(seq).get()
        };
        let query = queries[round % queries.len()];
        let client = node.client(&format!("?cursor={cursor}&{query}")).await;
        clients.push((seq, query, client));
        all.extend(node.log.append(mixed(random.random_range(0..100))));
    }
    all.extend(
        node.log
            .append([event(fanjet_event::Topic::Account, "did:plc:b")]),
    );
    for (seq, query, client) in &mut clients {
        let filter = fanjet_filter::SubscriberOptions::parse(query)
            .unwrap()
            .filter;
        let wanted = from(&all, *seq).filter(|entry| {
            let envelope = entry.envelope().unwrap();
            let (action, did) = (envelope.action, envelope.did);
            filter.matches(&entry.topic, action, did, entry.body.len())
        });
        client.expect(wanted).await;
    }
}

/// The pages that a search needs do not wait behind those of all replays: a busy node refuses no cursor.
#[tokio::test]
async fn a_cursor_is_found_among_many_replays() {
    const READERS: u64 = 40;
    const APART: u64 = 300;
    let log = FaultyLog::new();
    let all = log.append(mixed(READERS * APART));
    let node = Node::start_with(log, |config| {
        config.tail.ring_bytes = 60_000;
        config.tail.warm_entries = 50;
        config.replay.cache_bytes = 0;
        config.replay.max_loads = 1;
        config.replay.cursor_timeout = Duration::from_secs(4);
    })
    .await;
    node.log
        .set_fault(Fault::SlowReads(Duration::from_millis(50)));
    let mut readers = Vec::new();
    for reader in 0..READERS - 1 {
        let query = format!("?cursor={}", 1 + reader * APART);
        readers.push(node.client(&query).await);
    }
    // Two seconds a page, if it had to wait for all of them, and the search needs some.
    let found = format!("?cursor={}", time_of(3333).get());
    let mut client = node.client(&found).await;
    node.log.set_fault(Fault::None);
    client.expect(from(&all, 3333).take(500)).await;
}

/// A log that fails for a moment refuses no cursor: it is asked again.
#[tokio::test]
async fn a_cursor_waits_for_a_log_that_is_away_for_a_moment() {
    let log = FaultyLog::new();
    let all = log.append(mixed(1000));
    let node = Node::start_with(log, |config| {
        config.tail.ring_bytes = 60_000;
        config.tail.warm_entries = 50;
    })
    .await;
    let time = format!("?cursor={}", time_of(20).get());
    for (query, first) in [("?cursor=10", 10), (time.as_str(), 20)] {
        node.log.set_fault(Fault::Away);
        let recovering = async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            node.log.set_fault(Fault::None);
        };
        let (mut client, ()) = tokio::join!(node.client(query), recovering);
        client.expect(from(&all, first).take(10)).await;
    }
}
