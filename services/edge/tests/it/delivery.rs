use fanjet_event::Topic;
use fanjet_log::Entry;

use crate::support::{Event, Node, commit, event};

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";
const FOLLOW: &str = "app.bsky.graph.follow";

/// One of each kind, from three repos.
fn mixture() -> Vec<Event> {
    ["did:plc:a", "did:plc:b", "did:web:c.example"]
        .into_iter()
        .flat_map(|did| {
            let others = [Topic::Identity, Topic::Sync, Topic::Account];
            [POST, LIKE, FOLLOW]
                .map(|collection| commit(collection, did))
                .into_iter()
                .chain(others.map(|topic| event(topic, did)))
        })
        .collect()
}

/// The events that a filter must pass, spelled out per case: by collection prefix and by DID.
fn wanted(entries: &[Entry], collections: &[&str], dids: &[&str]) -> Vec<Entry> {
    entries
        .iter()
        .filter(|entry| {
            let text = std::str::from_utf8(&entry.body).unwrap();
            let passes_collection = match &entry.topic {
                Topic::Commit(name) => collections
                    .iter()
                    .any(|head| name.as_str().starts_with(head)),
                Topic::Identity | Topic::Account => true,
                Topic::Sync | Topic::Frame(_) | Topic::Labels(_) => false,
            };
            let from = |did: &&str| text.starts_with(&format!(r#"{{"did":"{did}","#));
            passes_collection && (dids.is_empty() || dids.iter().any(from))
        })
        .cloned()
        .collect()
}

#[tokio::test]
async fn an_event_reaches_a_client_byte_for_byte() {
    let node = Node::start().await;
    let mut client = node.client("").await;
    let appended = node.log.append([commit(POST, "did:plc:a")]);
    client.expect(&appended).await;
}

#[tokio::test]
async fn filters_match_as_documented() {
    let node = Node::start().await;
    let cases: [(&str, &[&str], &[&str]); 9] = [
        ("", &[""], &[]),
        ("?unknown=1&wantedCollections=%zz", &[""], &[]),
        ("?wantedCollections=app.bsky.feed.post", &[POST], &[]),
        (
            "?wantedCollections=app.bsky.feed.*",
            &["app.bsky.feed."],
            &[],
        ),
        (
            "?wantedCollections=app.bsky.feed.*&wantedCollections=app.bsky.feed.post&wantedCollections=app.bsky.graph.follow",
            &["app."],
            &[],
        ),
        ("?wantedCollections=.*", &["nothing"], &[]),
        ("?wantedDids=did:plc:b", &[""], &["did:plc:b"]),
        (
            "?wantedDids=did:plc:b&wantedDids=did:plc:a&wantedDids=did:plc:none",
            &[""],
            &["did:plc:a", "did:plc:b"],
        ),
        (
            "?wantedDids=did:web:c.example&wantedCollections=app.bsky.graph.*",
            &["app.bsky.graph."],
            &["did:web:c.example"],
        ),
    ];
    let mut clients = Vec::new();
    for (query, ..) in &cases {
        clients.push(node.client(query).await);
    }
    let mut appended = node.log.append(mixture());
    appended.extend(node.log.append(mixture()));
    for (mut client, (query, collections, dids)) in clients.into_iter().zip(cases) {
        let expected = wanted(&appended, collections, dids);
        assert!(!expected.is_empty(), "{query}");
        client.expect(&expected).await;
    }
}

/// A sync event is skipped silently, and the events after it arrive.
#[tokio::test]
async fn sync_events_are_never_served() {
    let node = Node::start().await;
    let mut all = node.client("").await;
    let mut by_did = node.client("?wantedDids=did:plc:a").await;
    node.log.append([event(Topic::Sync, "did:plc:a")]);
    let after = node.append_one(POST, "did:plc:a");
    all.expect([&after]).await;
    by_did.expect([&after]).await;
}

#[tokio::test]
async fn an_event_above_the_clients_limit_is_skipped() {
    let node = Node::start().await;
    let exact = commit(POST, "did:plc:a").at(1).body.len();
    let mut client = node.client(&format!("?maxMessageSizeBytes={exact}")).await;
    let appended = node.log.append([
        commit(POST, "did:plc:a"),
        commit(POST, "did:plc:a").padded(1),
        commit(POST, "did:plc:a"),
    ]);
    client.expect([&appended[0], &appended[2]]).await;
}

#[tokio::test]
async fn a_client_starts_with_the_next_event() {
    let node = Node::start().await;
    node.log.append(mixture());
    node.tail_caught_up().await;
    let mut client = node.client("").await;
    let next = node.append_one(POST, "did:plc:a");
    client.expect([&next]).await;
}

/// Frames with every length encoding, alone and joined.
#[tokio::test]
async fn events_of_all_sizes_arrive_whole() {
    let node = Node::start().await;
    let mut client = node.client("").await;
    let sizes = [0, 1, 60_000, 65_400, 65_500, 70_000, 0, 1_000_000, 3];
    let appended = node
        .log
        .append(sizes.map(|bytes| commit(POST, "did:plc:a").padded(bytes)));
    client.expect(&appended).await;
}

#[tokio::test]
async fn many_subscribers_get_the_same_in_order() {
    let node = Node::start().await;
    let mut clients = Vec::new();
    for n in 0..40 {
        let query = if n % 2 == 0 {
            ""
        } else {
            "?wantedCollections=app.bsky.feed.like"
        };
        clients.push(node.client(query).await);
    }
    let appended = node.log.append((0..50).flat_map(|_| mixture()));
    let likes = wanted(&appended, &[LIKE], &[]);
    let all = wanted(&appended, &[""], &[]);
    for (n, client) in clients.iter_mut().enumerate() {
        client.expect(if n % 2 == 0 { &all } else { &likes }).await;
    }
    let delivered = (20 * (all.len() + likes.len())) as f64;
    node.metric_becomes(fanjet_edge::metrics::DELIVERED_EVENTS, None, delivered)
        .await;
    assert_eq!(node.metric(fanjet_edge::metrics::SUBSCRIBERS, None), 40.0);
}
