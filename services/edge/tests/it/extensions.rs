//! Extensions beyond v1.

use fanjet_event::{Action, Topic};
use fanjet_log::Entry;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, Event, FaultyLog, Node, body, commit, event, request};

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";
const OTHER: &str = "com.example.thing";
const A: &str = "did:plc:a";
const B: &str = "did:plc:b";

/// One event for each condition.
fn events() -> [Event; 8] {
    [
        commit(POST, A).doing(Action::Create),
        commit(LIKE, A).doing(Action::Update),
        commit(OTHER, A).doing(Action::Delete),
        event(Topic::Identity, A),
        event(Topic::Account, B),
        commit(POST, B).doing(Action::Delete),
        commit(OTHER, B).doing(Action::Create),
        event(Topic::Identity, B),
    ]
}

/// Query, payload of an update, indices of the events that pass.
const CASES: [(&str, &str, &[usize]); 10] = [
    (
        "unwantedCollections=app.bsky.feed.post",
        r#"{"unwantedCollections":["app.bsky.feed.post"]}"#,
        &[1, 2, 3, 4, 6, 7],
    ),
    (
        "unwantedCollections=app.*",
        r#"{"unwantedCollections":["app.*"]}"#,
        &[2, 3, 4, 6, 7],
    ),
    (
        "wantedCollections=app.*&unwantedCollections=app.bsky.feed.like",
        r#"{"wantedCollections":["app.*"],"unwantedCollections":["app.bsky.feed.like"]}"#,
        &[0, 3, 4, 5, 7],
    ),
    (
        "unwantedDids=did:plc:a&unwantedDids=did:plc:c",
        r#"{"unwantedDids":["did:plc:a","did:plc:c"]}"#,
        &[4, 5, 6, 7],
    ),
    (
        "wantedDids=did:plc:a&unwantedDids=did:plc:a&wantedDids=did:plc:b",
        r#"{"wantedDids":["did:plc:a","did:plc:b"],"unwantedDids":["did:plc:a"]}"#,
        &[4, 5, 6, 7],
    ),
    (
        "wantedKinds=commit",
        r#"{"wantedKinds":["commit"]}"#,
        &[0, 1, 2, 5, 6],
    ),
    (
        "wantedKinds=identity&wantedKinds=account&wantedDids=did:plc:b",
        r#"{"wantedKinds":["identity","account"],"wantedDids":["did:plc:b"]}"#,
        &[4, 7],
    ),
    (
        "wantedOperations=delete",
        r#"{"wantedOperations":["delete"]}"#,
        &[2, 3, 4, 5, 7],
    ),
    (
        "wantedOperations=create&wantedOperations=update&wantedKinds=commit&wantedCollections=app.*",
        r#"{"wantedOperations":["create","update"],"wantedKinds":["commit"],"wantedCollections":["app.*"]}"#,
        &[0, 1],
    ),
    (
        "wantedKinds=account&wantedCollections=app.*&wantedOperations=create",
        r#"{"wantedKinds":["account"],"wantedCollections":["app.*"],"wantedOperations":["create"]}"#,
        &[4],
    ),
];

fn picked<'a>(entries: &'a [Entry], places: &'a [usize]) -> impl Iterator<Item = &'a Entry> {
    places.iter().map(|&place| &entries[place])
}

#[tokio::test]
async fn every_condition_holds_in_a_query() {
    let node = Node::start().await;
    let mut clients = Vec::new();
    for (query, _, _) in CASES {
        clients.push(node.client(&format!("?{query}")).await);
    }
    let entries = [node.log.append(events()), node.log.append(events())].concat();
    for (client, (_, _, places)) in clients.iter_mut().zip(CASES) {
        client.expect(picked(&entries[..8], places)).await;
        client.expect(picked(&entries[8..], places)).await;
    }
}

#[tokio::test]
async fn every_condition_holds_after_an_update() {
    let node = Node::start().await;
    let mut client = node.client("?unwantedCollections=.*").await;
    for (_, payload, places) in CASES {
        let text = format!(r#"{{"type":"options_update","payload":{payload}}}"#);
        client.send(Message::Text(text.into())).await;
        client.send(Message::Ping("obeyed".into())).await;
        assert_eq!(client.next_message().await, Message::Pong("obeyed".into()));
        let entries = node.log.append(events());
        client.expect(picked(&entries, places)).await;
    }
}

#[tokio::test]
async fn refused_values_are_named_before_and_after_connecting() {
    let node = Node::start().await;
    for (name, value, words) in [
        (
            "unwantedCollections",
            "*",
            "invalid unwanted collection: * (allowed: ",
        ),
        ("unwantedDids", "x", "invalid unwanted DID: x (allowed: "),
        (
            "wantedKinds",
            "sync",
            "invalid kind: sync (allowed: commit, identity, account)",
        ),
        (
            "wantedOperations",
            "put",
            "invalid operation: put (allowed: create, update, delete)",
        ),
    ] {
        let words = format!("invalid subscriber options: {words}");
        let answer = request(&node, &format!("/subscribe?{name}={value}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(body(&answer).starts_with(&words), "{answer}");
        let text = |value: &str| {
            Message::Text(
                format!(r#"{{"type":"options_update","payload":{{"{name}":{value}}}}}"#).into(),
            )
        };
        let mut client = node.client("").await;
        client.send(text(&format!(r#"["{value}"]"#))).await;
        let (code, reason) = client.next().await.unwrap_err().unwrap();
        assert_eq!(code, 1008);
        assert!(reason.starts_with(&words), "{reason}");
        let mut client = node.client("").await;
        client.send(text("5")).await;
        let (code, reason) = client.next().await.unwrap_err().unwrap();
        assert_eq!((code, &*reason), (1007, "bad options_update payload"));
    }
    for value in ["0", "301", "", "1.5", "x"] {
        let answer = request(&node, &format!("/subscribe?heartbeat={value}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        let words = format!(
            "invalid subscriber options: invalid heartbeat: {value} (allowed: whole seconds from 1 to 300)"
        );
        assert_eq!(body(&answer), words);
    }
}

fn heartbeat_at(entry: &Entry) -> String {
    let time = entry.envelope().unwrap().time.get();
    format!(r#"{{"did":"","time_us":{time},"kind":"heartbeat"}}"#)
}

/// The next message other than the previous heartbeat.
async fn next_but(client: &mut Client, stale: &str) -> String {
    loop {
        let text = client.next().await.unwrap();
        if text != stale {
            return text;
        }
    }
}

#[tokio::test]
async fn a_heartbeat_carries_the_nodes_position() {
    let node = Node::start_with(FaultyLog::new(), |config| config.http.workers = 1).await;
    let mut client = node
        .client("?heartbeat=1&wantedCollections=app.bsky.feed.like&wantedKinds=commit")
        .await;
    let mut plain = node.client("").await;
    let entries = node
        .log
        .append([commit(LIKE, A), commit(POST, A), commit(POST, B)]);
    plain.expect(&entries).await;
    // The first event arrives unchanged; the two unwanted ones only move the heartbeat's cursor.
    client.expect(&entries[..1]).await;
    let first = client.next().await.unwrap();
    assert_eq!(first, heartbeat_at(&entries[2]));
    // Repeatedly while nothing happens.
    assert_eq!(client.next().await.unwrap(), first);
    let more = node.log.append([commit(POST, A)]);
    plain.expect(&more).await;
    let moved = next_but(&mut client, &first).await;
    assert_eq!(moved, heartbeat_at(&more[0]));
    // Matching events stay in order between heartbeats.
    let wanted = node.log.append([commit(LIKE, A), commit(POST, A)]);
    assert_eq!(
        next_but(&mut client, &moved).await.as_bytes(),
        &wanted[0].body[..]
    );
    assert_eq!(client.next().await.unwrap(), heartbeat_at(&wanted[1]));
    // A client that did not ask for heartbeats gets none.
    plain.expect(&wanted).await;
    let last = node.append_one(POST, A);
    plain.expect([&last]).await;
}

#[tokio::test]
async fn no_heartbeat_comes_before_the_hello() {
    let node = Node::start_with(FaultyLog::new(), |config| config.http.workers = 1).await;
    let entries = node.log.append([commit(POST, A)]);
    node.tail_caught_up().await;
    let mut waiting = node.client("?requireHello=true&heartbeat=1").await;
    let mut other = node.client("?heartbeat=1&unwantedDids=did:plc:a").await;
    for _ in 0..2 {
        assert_eq!(other.next().await.unwrap(), heartbeat_at(&entries[0]));
    }
    waiting.send(Message::Ping("quiet".into())).await;
    assert_eq!(waiting.next_message().await, Message::Pong("quiet".into()));
    let hello = r#"{"type":"options_update","payload":{"wantedKinds":["account"]}}"#;
    waiting.send(Message::Text(hello.into())).await;
    assert_eq!(waiting.next().await.unwrap(), heartbeat_at(&entries[0]));
}
