//! `maxDelayMs`: events may be delayed, and none is lost.

use fanjet_log::Entry;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, FaultyLog, Node, body, commit, request};

const POST: &str = "app.bsky.feed.post";
const A: &str = "did:plc:a";

async fn update(client: &mut Client, payload: &str) {
    let text = format!(r#"{{"type":"options_update","payload":{payload}}}"#);
    client.send(Message::Text(text.into())).await;
    client.send(Message::Ping("obeyed".into())).await;
}

fn posts(node: &Node, count: usize) -> Vec<Entry> {
    node.log.append((0..count).map(|_| commit(POST, A)))
}

#[tokio::test]
async fn a_delayed_subscriber_gets_the_same_events() {
    let node = Node::start_with(FaultyLog::new(), |config| config.http.workers = 1).await;
    let mut clients = Vec::new();
    for query in [
        "",
        "?maxDelayMs=0",
        "?maxDelayMs=99",
        "?maxDelayMs=100",
        "?maxDelayMs=333&compress=true",
        "?maxDelayMs=1000&format=v0",
    ] {
        clients.push(node.client(query).await);
    }
    for _ in 0..5 {
        let entries = posts(&node, 40);
        for client in &mut clients {
            client.expect(&entries).await;
        }
    }
}

/// From the log through the ring to live, in a delayed shard.
#[tokio::test]
async fn a_replay_ends_in_the_delayed_shard() {
    let log = FaultyLog::new();
    let mut entries = log.append((0..300).map(|_| commit(POST, A)));
    let adjust = |config: &mut fanjet_edge::EdgeConfig| {
        config.http.workers = 1;
        config.tail.warm_entries = 10;
        config.replay.page_bytes = 2_000;
    };
    let node = Node::start_with(log, adjust).await;
    let mut other = node.client("?maxDelayMs=250").await;
    let mut client = node.client("?cursor=1&maxDelayMs=250").await;
    let mut hello = node
        .client("?cursor=1&maxDelayMs=1000&requireHello=true")
        .await;
    update(&mut hello, r#"{"maxDelayMs":250}"#).await;
    for round in 0..20 {
        let more = posts(&node, 15);
        if round > 10 {
            other.expect(&more).await;
        } else if round == 10 {
            other.expect(&entries[300..]).await;
            other.expect(&more).await;
        }
        entries.extend(more);
    }
    client.expect(&entries).await;
    hello.expect(&entries).await;
}

#[tokio::test]
async fn an_update_changes_the_delay_and_loses_nothing() {
    let node = Node::start_with(FaultyLog::new(), |config| config.http.workers = 1).await;
    let mut client = node.client("?maxDelayMs=1000").await;
    let mut plain = node.client("").await;
    let mut all = Vec::new();
    for payload in [
        r#"{"maxDelayMs":0}"#,
        r#"{"maxDelayMs":500}"#,
        "{}",
        r#"{"maxDelayMs":100}"#,
        r#"{"maxDelayMs":1000}"#,
        r#"{"maxDelayMs":null}"#,
        r#"{"maxDelayMs":0}"#,
    ] {
        let before = posts(&node, 7);
        plain.expect(&before).await;
        update(&mut client, payload).await;
        let behind = posts(&node, 7);
        plain.expect(&behind).await;
        all.extend(before);
        all.extend(behind);
    }
    client.expect(&all).await;
}

#[tokio::test]
async fn an_invalid_delay_is_refused_by_name() {
    let node = Node::start().await;
    let allowed = "(allowed: whole milliseconds from 0 to 1000)";
    for path in ["/subscribe", "/events"] {
        for value in ["1001", "-1", "", "1.5", "1s"] {
            let answer = request(&node, &format!("{path}?maxDelayMs={value}"), "").await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
            let words =
                format!("invalid subscriber options: invalid maxDelayMs: {value} {allowed}");
            assert_eq!(body(&answer), words);
        }
    }
    for value in ["1001", "-1"] {
        let mut client = node.client("?maxDelayMs=100").await;
        update(&mut client, &format!(r#"{{"maxDelayMs":{value}}}"#)).await;
        let (code, reason) = client.next().await.unwrap_err().unwrap();
        let words = format!("invalid subscriber options: invalid maxDelayMs: {value} {allowed}");
        assert_eq!((code, reason), (1008, words));
    }
    for value in ["1.5", r#""5""#] {
        let mut client = node.client("").await;
        update(&mut client, &format!(r#"{{"maxDelayMs":{value}}}"#)).await;
        let (code, reason) = client.next().await.unwrap_err().unwrap();
        assert_eq!((code, &*reason), (1007, "bad options_update payload"));
    }
}
