//! Filters that are stored first and named by their id.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fanjet_edge::EdgeConfig;
use fanjet_edge::metrics::{REFUSED_FILTERS, REFUSED_HANDSHAKES, STORED_FILTERS};
use fanjet_filter::{Filter, FilterId};
use fanjet_log::memory::{MemoryStore, MemoryStoreOptions};
use fanjet_log::{ExpiringStore, StoreError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{FaultyLog, Node, body, commit, eventually, request};

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";
const A: &str = "did:plc:a";

/// A store that can be taken away.
#[derive(Default)]
struct FaultyStore {
    kept: MemoryStore,
    is_away: AtomicBool,
    failures: AtomicU64,
}

impl FaultyStore {
    fn check(&self) -> Result<(), StoreError> {
        if self.is_away.load(Ordering::SeqCst) {
            self.failures.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::unavailable("injected"));
        }
        Ok(())
    }
}

#[async_trait]
impl ExpiringStore for FaultyStore {
    async fn put(&self, key: &str, value: Bytes) -> Result<Duration, StoreError> {
        self.check()?;
        self.kept.put(key, value).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.check()?;
        self.kept.get(key).await
    }
}

async fn over(store: Arc<dyn ExpiringStore>, adjust: impl FnOnce(&mut EdgeConfig)) -> Node {
    let node = Node::start_over(FaultyLog::new(), store, adjust);
    eventually("the node is ready", || node.handle.readiness().is_ready()).await;
    node
}

fn head(length: usize) -> String {
    format!(
        "POST /subscribe/filters HTTP/1.1\r\nHost: edge.test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    )
}

async fn post(node: &Node, text: &str) -> String {
    let mut stream = TcpStream::connect(node.addr()).await.unwrap();
    stream.write_all(head(text.len()).as_bytes()).await.unwrap();
    // A refused body is not read to its end.
    let _refused = stream.write_all(text.as_bytes()).await.is_err();
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut part).await {
        answer.extend_from_slice(&part[..read]);
    }
    String::from_utf8(answer).unwrap()
}

/// Stores a filter; returns its id and when it expires.
async fn stored(node: &Node, text: &str) -> (String, u64) {
    let answer = post(node, text).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(
        answer.contains("content-type: application/json\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("access-control-allow-origin: *\r\n"),
        "{answer}"
    );
    let rest = body(&answer).strip_prefix(r#"{"filter":""#).unwrap();
    let (id, rest) = rest.split_once(r#"","expires_at":"#).unwrap();
    (
        id.to_owned(),
        rest.strip_suffix('}').unwrap().parse().unwrap(),
    )
}

#[tokio::test]
async fn a_stored_filter_is_the_filter_on_every_node() {
    let store = Arc::new(MemoryStore::default());
    let nodes = [over(store.clone(), |_| {}).await, over(store, |_| {}).await];
    let text = r#"{"wantedCollections":["app.bsky.feed.post"],"unwantedDids":["did:plc:b"],"maxMessageSizeBytes":1000}"#;
    let (id, expires_at) = stored(&nodes[0], text).await;
    assert_eq!(
        id,
        FilterId::of(&Filter::from_json(text).unwrap()).to_string()
    );
    let again = r#"{"maxMessageSizeBytes":1000,"unwanteddids":["did:plc:b","did:plc:b"],"wantedCollections":["app.bsky.feed.post"]}"#;
    let (same, later) = stored(&nodes[1], again).await;
    assert_eq!(same, id);
    // Whole seconds, each cut on its own.
    assert!(later.abs_diff(expires_at) <= 1 + 60, "{expires_at} {later}");
    for node in &nodes {
        for query in ["", "&cursor=&compress=true&heartbeat=300"] {
            let mut client = node.client(&format!("?filter={id}{query}")).await;
            let entries = node.log.append([
                commit(LIKE, A),
                commit(POST, "did:plc:b"),
                commit(POST, A).padded(2000),
                commit(POST, A),
            ]);
            client.expect(&entries[3..]).await;
        }
        assert_eq!(node.metric(STORED_FILTERS, None), 1.0);
    }
}

#[tokio::test]
async fn a_filter_too_long_for_any_url() {
    let node = Node::start().await;
    let dids: Vec<_> = (0..10_000)
        .map(|n| format!("\"did:plc:{n:024}\""))
        .collect();
    let (id, _) = stored(
        &node,
        &format!(r#"{{"unwantedDids":[{}]}}"#, dids.join(",")),
    )
    .await;
    let mut client = node.client(&format!("?filter={id}")).await;
    let unwanted = format!("did:plc:{:024}", 9_999);
    let entries = node.log.append([commit(POST, &unwanted), commit(POST, A)]);
    client.expect(&entries[1..]).await;
}

#[tokio::test]
async fn what_cannot_be_named() {
    let node = Node::start().await;
    let (id, _) = stored(&node, "{}").await;
    for (query, status, words) in [
        (
            format!("filter={id}&wantedDids=did:plc:a"),
            400,
            "invalid subscriber options: filter cannot be combined with wantedDids (allowed beside filter: ",
        ),
        (
            "filter=nonsense".to_owned(),
            400,
            "invalid subscriber options: invalid filter: nonsense (allowed: an id that POST /subscribe/filters has answered)",
        ),
        (
            format!("filter={}", "a".repeat(32)),
            404,
            "unknown filter: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa (it has expired, or was never stored: POST it",
        ),
    ] {
        let answer = request(&node, &format!("/subscribe?{query}"), "").await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(body(&answer).starts_with(words), "{answer}");
    }
    assert_eq!(node.metric(REFUSED_HANDSHAKES, Some("unknown_filter")), 1.0);
    assert_eq!(node.metric(fanjet_edge::metrics::SUBSCRIBERS, None), 0.0);
}

#[tokio::test]
async fn what_cannot_be_stored() {
    let node = Node::start().await;
    for (text, words) in [
        (
            "",
            "bad filter (allowed: a JSON object with the keys of an options_update payload",
        ),
        ("[]", "bad filter (allowed: "),
        (r#"{"wantedDids":"did:plc:a"}"#, "bad filter (allowed: "),
        (
            r#"{"wantedDids":["x"]}"#,
            "invalid subscriber options: invalid DID: x (allowed: ",
        ),
        (
            r#"{"wantedKinds":["x"]}"#,
            "invalid subscriber options: invalid kind: x (allowed: ",
        ),
    ] {
        let answer = post(&node, text).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(body(&answer).starts_with(words), "{answer}");
    }
    assert_eq!(node.metric(REFUSED_FILTERS, Some("no_filter")), 3.0);
    assert_eq!(node.metric(REFUSED_FILTERS, Some("invalid_options")), 2.0);
    let answer = request(&node, "/subscribe/filters", "").await;
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
}

#[tokio::test]
async fn ten_megabytes_and_one_byte() {
    let node = Node::start().await;
    let spaced = |len: usize| "{}".to_owned() + &" ".repeat(len - 2);
    let (id, _) = stored(&node, &spaced(10_000_000)).await;
    assert_eq!(id, FilterId::of(&Filter::default()).to_string());
    let answer = post(&node, &spaced(10_000_001)).await;
    // The system may take the answer away from a client that is still sending.
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 413 "),
        "{answer}"
    );
    node.metric_becomes(REFUSED_FILTERS, Some("body_too_long"), 1.0)
        .await;
}

/// What the body allows may still be more than a store takes.
#[tokio::test]
async fn a_filter_larger_than_the_store_takes() {
    let node = Node::start().await;
    let filler = "x".repeat(1_900);
    let dids: Vec<_> = (0..1_200)
        .map(|n| format!("\"did:plc:{n}{filler}\""))
        .collect();
    let answer = post(&node, &format!(r#"{{"wantedDids":[{}]}}"#, dids.join(","))).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(body(&answer).starts_with("filter too large: "), "{answer}");
}

#[tokio::test]
async fn a_store_that_is_away_is_asked_again_later() {
    let store = Arc::new(FaultyStore::default());
    let node = over(store.clone(), |_| {}).await;
    let (id, _) = stored(&node, "{}").await;
    store.is_away.store(true, Ordering::SeqCst);
    let refused = [
        post(&node, "{}").await,
        request(&node, &format!("/subscribe?filter={id}"), "").await,
    ];
    for answer in refused {
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("retry-after: "), "{answer}");
        assert_eq!(body(&answer), "stored filters are unavailable");
    }
    assert_eq!(store.failures.load(Ordering::SeqCst), 2);
    // Who names none is served all the same.
    let mut client = node.client("").await;
    let entry = node.append_one(POST, A);
    client.expect([&entry]).await;
    store.is_away.store(false, Ordering::SeqCst);
    let _client = node.client(&format!("?filter={id}")).await;
}

#[tokio::test]
async fn a_full_store_says_so() {
    let store = MemoryStore::new(MemoryStoreOptions {
        max_entries: 1,
        ..MemoryStoreOptions::default()
    });
    let node = over(Arc::new(store), |_| {}).await;
    stored(&node, "{}").await;
    stored(&node, "{}").await;
    let answer = post(&node, r#"{"maxMessageSizeBytes":5}"#).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(
        body(&answer).starts_with("no room for more filters"),
        "{answer}"
    );
    assert_eq!(node.metric(REFUSED_FILTERS, Some("store_full")), 1.0);
}

#[tokio::test]
async fn only_so_many_bodies_are_read_at_one_time_and_none_for_ever() {
    let store = Arc::new(MemoryStore::default());
    let node = over(store, |config| {
        config.filters.max_concurrent_bodies = 1;
        config.filters.body_timeout = Duration::from_secs(2);
    })
    .await;
    let (mut slow, answer) = loop {
        let mut slow = TcpStream::connect(node.addr()).await.unwrap();
        slow.write_all(head(2).as_bytes()).await.unwrap();
        slow.write_all(b"{").await.unwrap();
        // Until the slow one's place is taken, others are served.
        let refusal = async {
            loop {
                let answer = post(&node, "{}").await;
                if !answer.starts_with("HTTP/1.1 201 ") {
                    return answer;
                }
            }
        };
        let mut early = String::new();
        tokio::select! {
            answer = refusal => break (slow, answer),
            read = slow.read_to_string(&mut early) => {
                read.unwrap();
                // One of the others was being read just then: again.
                assert!(early.starts_with("HTTP/1.1 503 "), "{early}");
            }
        }
    };
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(
        body(&answer).starts_with("too many filters are being stored: at most 1 "),
        "{answer}"
    );
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    stored(&node, "{}").await;
}
