//! Messages that clients send after connecting. Case numbers are those of docs/develop/conformance.md.

use std::time::Duration;

use fanjet_edge::metrics::{DISCONNECTS, SUBSCRIBERS};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, FaultyLog, Node, commit, eventually};

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";
const A: &str = "did:plc:a";
const B: &str = "did:plc:b";

fn update(payload: &str) -> String {
    format!(r#"{{"type":"options_update","payload":{payload}}}"#)
}

/// Sends a message and waits until it is applied: messages are applied in order, and the pong is the node's very next frame.
async fn send_and_wait(client: &mut Client, text: impl Into<String>) {
    client.send(Message::Text(text.into().into())).await;
    client.send(Message::Ping("obeyed".into())).await;
    assert_eq!(client.next_message().await, Message::Pong("obeyed".into()));
}

/// As [`send_and_wait`], for a client that the node pings all the time.
async fn send_between_pings(client: &mut Client, text: &str) {
    client.send(Message::Text(text.into())).await;
    client.send(Message::Ping("obeyed".into())).await;
    loop {
        match client.next_message().await {
            Message::Ping(_) => {}
            other => return assert_eq!(other, Message::Pong("obeyed".into())),
        }
    }
}

/// The close frame that answers this message.
async fn answer(node: &Node, query: &str, text: impl Into<String>) -> (u16, String) {
    let mut client = node.client(query).await;
    client.send(Message::Text(text.into().into())).await;
    client.next().await.unwrap_err().unwrap()
}

/// Cases 59, 67, 71.
#[tokio::test]
async fn an_update_replaces_the_whole_filter() {
    let node = Node::start().await;
    let mut client = node
        .client("?wantedCollections=app.bsky.feed.post&maxMessageSizeBytes=1000")
        .await;
    let events = || {
        [
            commit(POST, A),
            commit(LIKE, A),
            commit(POST, B).padded(2000),
            commit(LIKE, B),
            commit(POST, A),
        ]
    };
    let entries = node.log.append(events());
    client.expect([&entries[0], &entries[4]]).await;
    let steps: [(&str, &[usize]); 6] = [
        (r#"{"wantedDids":["did:plc:b"]}"#, &[2, 3]),
        (
            r#"{"WANTEDCOLLECTIONS":["app.bsky.feed.like"],"cursor":5}"#,
            &[1, 3],
        ),
        (r#"{"maxMessageSizeBytes":1000}"#, &[0, 1, 3, 4]),
        (
            r#"{"wantedDids":[],"wantedCollections":[]}"#,
            &[0, 1, 2, 3, 4],
        ),
        (
            r#"{"wantedCollections":["app.bsky.*"],"wantedDids":["did:plc:a"]}"#,
            &[0, 1, 4],
        ),
        ("null", &[0, 1, 2, 3, 4]),
    ];
    for (payload, wanted) in steps {
        send_and_wait(&mut client, update(payload)).await;
        let entries = node.log.append(events());
        client.expect(wanted.iter().map(|&at| &entries[at])).await;
    }
    assert_eq!(node.metric(SUBSCRIBERS, None), 1.0);
}

/// Cases 60-62, with and without a hello.
#[tokio::test]
async fn bad_messages_close_the_connection() {
    let node = Node::start().await;
    let envelope = "bad SubscriberSourcedMessage envelope";
    let payload = "bad options_update payload";
    for query in ["", "?requireHello=true"] {
        for (text, reason) in [
            ("not json".to_owned(), envelope),
            ("[]".to_owned(), envelope),
            (update(r#""not-json""#), payload),
            (update(r#"{"wantedDids":"did:plc:a"}"#), payload),
            (r#"{"type":"options_update"}"#.to_owned(), payload),
        ] {
            assert_eq!(answer(&node, query, text).await, (1007, reason.to_owned()));
        }
        for (payload, words) in [
            (
                r#"{"wantedCollections":["app.bsky.fo*"]}"#,
                "invalid collection: app.bsky.fo* (allowed: ",
            ),
            (
                r#"{"wantedDids":["not-a-did"]}"#,
                "invalid DID: not-a-did (allowed: ",
            ),
        ] {
            let (code, reason) = answer(&node, query, update(payload)).await;
            assert_eq!(code, 1008);
            assert!(
                reason.starts_with(&format!("invalid subscriber options: {words}")),
                "{reason}"
            );
        }
    }
    node.metric_becomes(DISCONNECTS, Some("bad_message"), 10.0)
        .await;
    node.metric_becomes(DISCONNECTS, Some("invalid_options"), 4.0)
        .await;
}

/// Case 61: accepted although it changes nothing. Cases 64, 65.
#[tokio::test]
async fn other_messages_are_ignored() {
    let node = Node::start().await;
    let mut client = node.client("?wantedCollections=app.bsky.feed.post").await;
    client
        .send(Message::Binary(b"not json".as_slice().into()))
        .await;
    for text in ["null", "{}", r#"{"type":"unknown_type","payload":5}"#] {
        send_and_wait(&mut client, text).await;
    }
    let entries = node.log.append([commit(LIKE, A), commit(POST, A)]);
    client.expect(&entries[1..]).await;
    send_and_wait(
        &mut client,
        update(r#"{"wantedCollections":["app.bsky.feed.like"]}"#),
    )
    .await;
    let entries = node.log.append([commit(POST, A), commit(LIKE, A)]);
    client.expect(&entries[1..]).await;
}

fn spaced(text: &str, len: usize) -> String {
    text.to_owned() + &" ".repeat(len - text.len())
}

/// Case 63.
#[tokio::test]
async fn ten_megabytes_and_one_byte() {
    let node = Node::start().await;
    let mut client = node.client("").await;
    let like = update(r#"{"wantedCollections":["app.bsky.feed.like"]}"#);
    send_and_wait(&mut client, spaced(&like, 10_000_000)).await;
    let entries = node.log.append([commit(POST, A), commit(LIKE, A)]);
    client.expect(&entries[1..]).await;
    client
        .send(Message::Text(spaced(&like, 10_000_001).into()))
        .await;
    let (code, reason) = client.next().await.unwrap_err().unwrap();
    assert_eq!((code, &*reason), (1009, "message too big"));
    node.metric_becomes(DISCONNECTS, Some("message_too_big"), 1.0)
        .await;
}

/// Case 10: too many for a URL.
#[tokio::test]
async fn ten_thousand_dids_and_one() {
    let node = Node::start().await;
    let dids = |count: usize, did: &dyn Fn(usize) -> String| {
        let quoted: Vec<_> = (0..count).map(|n| format!("{:?}", did(n))).collect();
        update(&format!(r#"{{"wantedDids":[{}]}}"#, quoted.join(",")))
    };
    let numbered = |n| format!("did:plc:{n}");
    let mut client = node.client("").await;
    send_and_wait(&mut client, dids(10_000, &numbered)).await;
    let entries = node
        .log
        .append([commit(POST, A), commit(POST, "did:plc:9999")]);
    client.expect(&entries[1..]).await;
    send_and_wait(&mut client, dids(10_050, &|_| A.to_owned())).await;
    let entries = node.log.append([commit(POST, B), commit(POST, A)]);
    client.expect(&entries[1..]).await;
    let (code, reason) = answer(&node, "", dids(10_001, &numbered)).await;
    assert_eq!(
        (code, &*reason),
        (
            1008,
            "invalid subscriber options: too many wanted DIDs: 10001 > 10000"
        )
    );
}

/// Case 66.
#[tokio::test]
async fn a_long_reason_is_shortened() {
    let node = Node::start().await;
    for shift in ["", "x", "xx"] {
        let did = format!("{shift}{}", "€".repeat(200));
        let (code, reason) =
            answer(&node, "", update(&format!(r#"{{"wantedDids":["{did}"]}}"#))).await;
        assert_eq!(code, 1008);
        assert!((121..=123).contains(&reason.len()), "{}", reason.len());
        assert!(reason.ends_with("€..."), "{reason}");
    }
}

/// Cases 68, 69, 71: no events and no pings before the hello, and nothing of the query's filter.
#[tokio::test]
async fn nothing_comes_before_the_hello() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.http.workers = 1;
        config.subscriber.ping_interval = Duration::from_millis(5);
    })
    .await;
    let mut waiting = node
        .client("?requireHello=true&wantedCollections=app.bsky.feed.like")
        .await;
    let mut other = node.client("").await;
    let before = node.log.append([commit(POST, A), commit(LIKE, A)]);
    other.expect(&before).await;
    // On the same thread, so the waiting client would have been pinged as often.
    for _ in 0..5 {
        assert_eq!(other.next_message().await, Message::Ping("".into()));
    }
    send_and_wait(&mut waiting, r#"{"type":"unknown_type"}"#).await;
    send_between_pings(
        &mut waiting,
        &update(r#"{"wantedCollections":["app.bsky.feed.post"]}"#),
    )
    .await;
    assert_eq!(waiting.next_message().await, Message::Ping("".into()));
    let after = node.log.append([commit(LIKE, A), commit(POST, A)]);
    waiting.expect(&after[1..]).await;
    // A later update is an ordinary update.
    send_between_pings(&mut waiting, &update("{}")).await;
    let all = node.log.append([commit(LIKE, A), commit(POST, A)]);
    waiting.expect(&all).await;
}

/// Case 70.
#[tokio::test]
async fn a_client_that_leaves_before_the_hello_is_forgotten() {
    let node = Node::start().await;
    for _ in 0..10 {
        drop(node.client("?requireHello=true").await);
    }
    node.metric_becomes(DISCONNECTS, Some("client_gone"), 10.0)
        .await;
    eventually("all slots are free", || {
        node.metric(SUBSCRIBERS, None) == 0.0
    })
    .await;
}

#[tokio::test]
async fn a_missing_hello_closes_the_connection() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.subscriber.hello_timeout = Duration::from_secs(2);
    })
    .await;
    let mut silent = node.client("?requireHello=true").await;
    let mut polite = node.client("?requireHello=true").await;
    polite.send(Message::Text(update("{}").into())).await;
    let (read, closed) = silent.read_to_end().await;
    assert_eq!(read, Vec::<String>::new());
    let (code, reason) = closed.unwrap();
    assert_eq!(code, 1008);
    assert!(reason.contains("options_update"), "{reason}");
    node.metric_becomes(DISCONNECTS, Some("hello_timeout"), 1.0)
        .await;
    let entry = node.append_one(POST, A);
    polite.expect([&entry]).await;
}

/// A stopping node also closes clients that have not sent their hello.
#[tokio::test]
async fn a_waiting_client_gets_the_close_frame() {
    let node = Node::start().await;
    let mut waiting = node.client("?requireHello=true").await;
    node.stop.cancel();
    let (_, closed) = waiting.read_to_end().await;
    assert_eq!(closed.unwrap().0, 1012);
}
