//! A node that serves only some collections: it reads no others, and never serves less than was asked for.

use std::time::Duration;

use fanjet_edge::NotReady;
use fanjet_edge::metrics::{
    DELIVERED_EVENTS, DISCONNECTS, FEEDER_RESTARTS, REFUSED_HANDSHAKES, TAIL_LOST_EVENTS, TAIL_SEQ,
};
use fanjet_event::Topic;
use fanjet_log::Entry;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Event, Fault, FaultyLog, Node, body, commit, event, eventually, request};

const POST: &str = "app.bsky.feed.post";
const FOLLOW: &str = "app.bsky.graph.follow";

fn mixed(count: u64) -> impl Iterator<Item = Event> {
    (1..=count).map(|n| match n % 10 {
        0 => commit(POST, "did:plc:a"),
        5 if n % 50 == 5 => event(Topic::Identity, "did:plc:b"),
        _ => commit(FOLLOW, "did:plc:c"),
    })
}

fn served(all: &[Entry]) -> impl Iterator<Item = &Entry> {
    all.iter().filter(|entry| match &entry.topic {
        Topic::Commit(name) => name.as_str() == POST,
        other => *other == Topic::Identity,
    })
}

async fn feeds(log: FaultyLog) -> Node {
    Node::start_with(log, |config| {
        config.tail.collections = vec!["app.bsky.feed.*".to_owned()];
        config.tail.check_interval = Duration::from_millis(20);
        config.tail.ring_bytes = 20_000;
        config.tail.warm_entries = 100;
    })
    .await
}

#[tokio::test]
async fn a_pool_serves_its_collections_live_and_from_the_past() {
    let log = FaultyLog::new();
    let mut all = log.append(mixed(2000));
    let node = feeds(log).await;
    let query = "wantedCollections=app.bsky.feed.post";
    let mut live = node.client(&format!("?{query}")).await;
    let mut replaying = node.client(&format!("?cursor=1&{query}")).await;
    let new = node.log.append(mixed(500));
    all.extend(new.iter().cloned());
    live.expect(served(&new)).await;
    replaying.expect(served(&all)).await;
    let last = node.append_one(POST, "did:plc:a");
    live.expect([&last]).await;
    replaying.expect([&last]).await;
    assert!(node.metric(DELIVERED_EVENTS, None) > 0.0);
    assert_eq!(node.metric(TAIL_SEQ, None), last.seq as f64);
}

#[tokio::test]
async fn a_filter_beyond_the_pool_is_refused_with_its_collections() {
    let node = feeds(FaultyLog::new()).await;
    let words = "this node serves only app.bsky.feed.*: set wantedCollections to some of these";
    for query in [
        "",
        "?wantedCollections=app.bsky.graph.follow",
        "?wantedCollections=app.bsky.*",
        "?wantedDids=did:plc:a",
    ] {
        let answer = request(&node, &format!("/subscribe{query}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert_eq!(body(&answer), words, "{query}");
    }
    assert_eq!(node.metric(REFUSED_HANDSHAKES, Some("outside_pool")), 4.0);

    let mut client = node.client("?requireHello=true").await;
    let update =
        r#"{"type":"options_update","payload":{"wantedCollections":["app.bsky.feed.like"]}}"#;
    client.send(Message::text(update)).await;
    client
        .send(Message::text(update.replace("feed.like", "graph.follow")))
        .await;
    let (_, closed) = client.read_to_end().await;
    let (code, reason) = closed.unwrap();
    assert_eq!(code, 1008);
    assert!(
        reason.starts_with("this node serves only app.bsky.feed.*"),
        "{reason}"
    );
}

/// A pool without new events is fresh; a pool whose events do not arrive is not.
#[tokio::test]
async fn a_quiet_pool_is_fresh_and_a_hanging_one_is_replaced() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.tail.collections = vec!["app.bsky.feed.*".to_owned()];
        config.tail.check_interval = Duration::from_millis(20);
        config.tail.fresh_within = Duration::from_millis(500);
    })
    .await;
    let until = tokio::time::Instant::now() + Duration::from_millis(1000);
    while tokio::time::Instant::now() < until {
        node.append_one(FOLLOW, "did:plc:c");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(node.handle.readiness().is_ready());
    assert_eq!(node.metric(FEEDER_RESTARTS, None), 0.0);

    let mut client = node.client("?wantedCollections=app.bsky.feed.post").await;
    node.log.set_fault(Fault::Hanging);
    let hidden = node.append_one(POST, "did:plc:a");
    node.metric_becomes(FEEDER_RESTARTS, Some("unavailable"), 1.0)
        .await;
    node.log.set_fault(Fault::None);
    client.expect([&hidden]).await;
    eventually("it is ready again", || {
        !node
            .handle
            .readiness()
            .reasons
            .contains(&NotReady::TailStale)
    })
    .await;
}

/// Retention has deleted the pool's newest event and the connection to the log breaks: nothing of the pool is lost.
#[tokio::test]
async fn a_quiet_pool_keeps_its_subscribers_during_a_log_outage() {
    let node = feeds(FaultyLog::new()).await;
    let mut client = node.client("?wantedCollections=app.bsky.feed.post").await;
    let mine: Vec<_> = (0..5).map(|_| node.append_one(POST, "did:plc:a")).collect();
    client.expect(&mine).await;
    node.log
        .append((0..100).map(|_| commit(FOLLOW, "did:plc:c")));
    // The second of two checks reads after the posts.
    for first in [3, 4] {
        node.log.retain_from(first);
        node.knows_its_oldest(first).await;
    }
    node.log.set_fault(Fault::Away);
    node.log.break_follows();
    node.metric_becomes(FEEDER_RESTARTS, None, 1.0).await;
    node.log.retain_from(50);
    node.log.set_fault(Fault::None);
    let next = node.append_one(POST, "did:plc:a");
    client.expect([&next]).await;
    assert_eq!(node.metric(TAIL_LOST_EVENTS, None), 0.0);
    assert_eq!(node.metric(DISCONNECTS, Some("fell_behind")), 0.0);

    // Seqs that may have belonged to the pool count as lost.
    node.log.set_fault(Fault::Away);
    node.log.break_follows();
    node.metric_becomes(FEEDER_RESTARTS, None, 2.0).await;
    node.log.append((0..10).map(|_| commit(POST, "did:plc:a")));
    node.log.retain_from(node.log.last());
    node.log.set_fault(Fault::None);
    let (_, closed) = client.read_to_end().await;
    assert_eq!(closed.map(|(code, _)| code), Some(1013));
}
