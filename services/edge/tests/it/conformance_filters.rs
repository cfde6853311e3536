//! Which events the query's filters pass. Case numbers are those of docs/develop/conformance.md.

use fanjet_event::Topic;

use crate::support::{Event, Node, body, commit, event, request};

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";
const FOLLOW: &str = "app.bsky.graph.follow";
const LIST: &str = "app.bsky.graph.list";
const A: &str = "did:plc:a";
const B: &str = "did:plc:b";

/// The last one passes every filter of these tests.
fn events() -> Vec<Event> {
    vec![
        commit(POST, A),
        commit(LIKE, A),
        commit(FOLLOW, A),
        commit(LIST, A),
        commit("com.example.thing", A),
        commit(POST, B),
        event(Topic::Identity, B),
        event(Topic::Account, B),
        event(Topic::Sync, A),
        event(Topic::Account, A),
        event(Topic::Identity, A),
    ]
}

/// The 400 body for a query; `None` when its options are accepted.
async fn refusal(node: &Node, query: &str) -> Option<String> {
    let answer = request(node, &format!("/subscribe?{query}"), "").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let words = body(&answer);
    (!words.contains("WebSocket endpoint")).then(|| words.to_owned())
}

fn repeated(name: &str, value: impl Fn(usize) -> String, count: usize) -> String {
    let pairs: Vec<_> = (0..count).map(|n| format!("{name}={}", value(n))).collect();
    pairs.join("&")
}

/// Cases 1-4, 12-14, 40.
#[tokio::test]
async fn matching_events_pass() {
    let node = Node::start().await;
    let cases: [(&str, &[usize]); 7] = [
        ("", &[0, 1, 2, 3, 4, 5, 6, 7, 9, 10]),
        (
            "?wantedCollections=app.bsky.feed.post",
            &[0, 5, 6, 7, 9, 10],
        ),
        ("?wantedCollections=app.bsky.graph.*", &[2, 3, 6, 7, 9, 10]),
        (
            "?wantedCollections=app.bsky.*",
            &[0, 1, 2, 3, 5, 6, 7, 9, 10],
        ),
        ("?wantedCollections=.*", &[6, 7, 9, 10]),
        ("?wantedDids=did:plc:a", &[0, 1, 2, 3, 4, 9, 10]),
        (
            "?wantedDids=did:plc:a&wantedCollections=app.bsky.feed.post",
            &[0, 9, 10],
        ),
    ];
    for (query, wanted) in cases {
        let mut client = node.client(query).await;
        let entries = node.log.append(events());
        client.expect(wanted.iter().map(|&at| &entries[at])).await;
    }
}

/// Cases 5-9, 11, 18, 19.
#[tokio::test]
async fn invalid_filters_are_refused() {
    let node = Node::start().await;
    let prefixes = |count| repeated("wantedCollections", |n| format!("p{n}.x.y.*"), count);
    assert_eq!(refusal(&node, &prefixes(100)).await, None);
    let words = refusal(&node, &prefixes(101)).await.unwrap();
    assert!(words.contains("too many"), "{words}");
    for same in [POST, "app.bsky.*"] {
        let query = repeated("wantedCollections", |_| same.to_owned(), 150);
        assert_eq!(refusal(&node, &query).await, None);
    }
    for bad in [
        "app.bsky.fo*",
        "not+a+valid+nsid",
        "com.example",
        "a-0.b-1.c-3",
        "0two.example.foo",
        ".one.two.three",
        "com.example.fooBar.2",
        "a.b.c,d.e.f",
    ] {
        let words = refusal(&node, &format!("wantedCollections={bad}"))
            .await
            .unwrap();
        assert!(
            words.starts_with("invalid subscriber options: invalid collection: "),
            "{words}"
        );
    }
    for good in ["a.b.c", "com.example.foo.*", "org.4chan.lex.getThing"] {
        assert_eq!(
            refusal(&node, &format!("wantedCollections={good}")).await,
            None,
            "{good}"
        );
    }
    for bad in [
        "not-a-did",
        "did:method:val:",
        "did:method:val%25",
        "did:METHOD:val",
        "did:method:",
    ] {
        let words = refusal(&node, &format!("wantedDids={bad}")).await.unwrap();
        assert!(
            words.starts_with("invalid subscriber options: invalid DID: "),
            "{words}"
        );
    }
    for good in [
        "did:web:localhost%253A1234",
        "did:m:v",
        "did:method:-:_:.:%25ab",
    ] {
        assert_eq!(
            refusal(&node, &format!("wantedDids={good}")).await,
            None,
            "{good}"
        );
    }
}

/// Cases 15, 16.
#[tokio::test]
async fn size_limits() {
    let node = Node::start().await;
    for limit in ["", "0", "-1", "abc", "99999999999", "1000000"] {
        let mut client = node.client(&format!("?maxMessageSizeBytes={limit}")).await;
        let entries = node.log.append([commit(POST, A).padded(5000)]);
        client.expect(&entries).await;
    }
    let small = node.append_one(POST, A);
    let mut client = node
        .client(&format!("?maxMessageSizeBytes={}", small.body.len()))
        .await;
    // One event is a byte too large, the next one just fits.
    let entries = node
        .log
        .append([commit(POST, "did:plc:ab"), commit(POST, A)]);
    assert_eq!(entries[0].body.len(), small.body.len() + 1);
    client.expect(&entries[1..]).await;
}
