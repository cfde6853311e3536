use std::time::Duration;

use fanjet_edge::metrics::STARTS;
use fanjet_log::Entry;
use serde_json::json;

use super::{POST, refusal};
use crate::support::{FaultyLog, Node, V2Client, commit, time_of};

/// A node over a log of 200 to 300, whose ring has less of it.
async fn node() -> (Node, Vec<Entry>) {
    let log = FaultyLog::new();
    let all = log.append((1..=300).map(|_| commit(POST, "did:plc:a").padded(50)));
    log.retain_from(200);
    let node = Node::start_with(log, |config| {
        config.tail.ring_bytes = 20_000;
        config.tail.warm_entries = 20;
        config.tail.check_interval = Duration::from_millis(20);
    })
    .await;
    node.knows_its_oldest(200).await;
    (node, all)
}

/// The message that a time is gone.
fn outdated(start: u64) -> serde_json::Value {
    json!({"$type": "message", "payload": {
        "$type": "network.bsky.jetstream.subscribeEvents#info",
        "message": format!("requested timestamp cursor below retention floor; starting at seq {start}"),
        "name": "OutdatedCursor",
    }})
}

fn from(all: &[Entry], seq: u64) -> impl Iterator<Item = &Entry> {
    all.iter().filter(move |entry| entry.seq >= seq)
}

/// 19, 20, 22, 24.
#[tokio::test]
async fn a_cursor_starts_at_its_event() {
    let (node, mut all) = node().await;
    let time = |seq: u64| time_of(seq).get();
    let cases = [
        (String::new(), 301),
        ("cursor=250".to_owned(), 250),
        ("cursor=300".to_owned(), 300),
        ("cursor=301".to_owned(), 301),
        ("cursor=999999".to_owned(), 301),
        ("cursor=200".to_owned(), 200),
        ("cursor=199".to_owned(), 200),
        ("cursor=250&cursor=abc".to_owned(), 250),
        (format!("cursor={}", time(200)), 200),
        (format!("cursor={}", time(263)), 263),
        (format!("cursor={}", time(301)), 301),
    ];
    let mut clients = Vec::new();
    for (query, start) in &cases {
        let text = V2Client::connect(node.addr(), query).await;
        let zstd = V2Client::compressed(node.addr(), query, fanjet_dictionaries::v2()).await;
        clients.extend([(*start, text), (*start, zstd)]);
    }
    all.extend(node.log.append((0..50).map(|_| commit(POST, "did:plc:a"))));
    for (start, client) in &mut clients {
        client.expect(from(&all, *start)).await;
    }
}

/// 20, 23.
#[tokio::test]
async fn a_seq_that_is_gone_is_refused() {
    let (node, _) = node().await;
    for cursor in [198, 50, 1, 0] {
        let (status, name, message) = refusal(&node, &format!("cursor={cursor}")).await;
        assert_eq!((status, &*name), (400, "CursorTooOld"));
        assert_eq!(
            message,
            format!(
                "subscribe: cursor too old: cursor {cursor} below lookback floor 200; re-backfill from your last seq"
            )
        );
    }
    for cursor in ["abc", "-1", "1.5", "9223372036854775808"] {
        let (status, name, message) = refusal(&node, &format!("cursor={cursor}")).await;
        assert_eq!((status, &*name), (400, "InvalidRequest"), "{message}");
        assert!(
            message.starts_with("subscribe: invalid cursor: "),
            "{message}"
        );
    }
}

/// 22: a time that is gone starts with a message that says so, compressed or not.
#[tokio::test]
async fn a_time_that_is_gone_is_moved_and_said() {
    let (node, all) = node().await;
    let query = format!("cursor={}", time_of(50).get());
    let info = outdated(200);
    let mut text = V2Client::connect(node.addr(), &query).await;
    let mut zstd = V2Client::compressed(node.addr(), &query, fanjet_dictionaries::v2()).await;
    for client in [&mut text, &mut zstd] {
        assert_eq!(client.next().await.unwrap(), info);
        client.expect(from(&all, 200)).await;
    }
    // Exactly 10^15 is a time, and gone.
    let mut boundary = V2Client::connect(node.addr(), "cursor=1000000000000000").await;
    assert_eq!(boundary.next().await.unwrap(), info);
    assert_eq!(node.labelled(STARTS, "start", "clamped"), 3.0);
}

/// 21.
#[tokio::test]
async fn everything_of_a_whole_log() {
    let log = FaultyLog::new();
    let empty = Node::start_with(log, |_| {}).await;
    let mut early = V2Client::connect(empty.addr(), "cursor=0").await;
    let all = empty
        .log
        .append((1..=100).map(|_| commit(POST, "did:plc:a")));
    early.expect(&all).await;
    let mut late = V2Client::connect(empty.addr(), "cursor=0").await;
    late.expect(&all).await;
}

/// 21, 22: whether a log without events had some at a past time is unknown, so the message says where the stream starts.
/// A future time is live.
#[tokio::test]
async fn a_past_time_of_an_empty_log_is_moved_and_said() {
    const FUTURE: u64 = 4_500_000_000_000_000;
    for lost in [0, 20] {
        let log = FaultyLog::new();
        log.append((0..lost).map(|_| commit(POST, "did:plc:a")));
        log.retain_from(lost + 1);
        let node = Node::start_with(log, |config| {
            config.tail.check_interval = Duration::from_millis(20);
        })
        .await;
        let past = format!("cursor={}", time_of(lost + 1).get());
        let mut text = V2Client::connect(node.addr(), &past).await;
        let mut zstd = V2Client::compressed(node.addr(), &past, fanjet_dictionaries::v2()).await;
        for client in [&mut text, &mut zstd] {
            assert_eq!(client.next().await.unwrap(), outdated(lost + 1));
        }
        assert_eq!(node.labelled(STARTS, "start", "clamped"), 2.0);
        let mut live = V2Client::connect(node.addr(), &format!("cursor={FUTURE}")).await;
        let new = node.log.append((0..5).map(|_| commit(POST, "did:plc:a")));
        for client in [&mut text, &mut zstd, &mut live] {
            client.expect(&new).await;
        }
        // Behind the last event of a log that has some, nothing is missed.
        let behind = format!("cursor={}", time_of(lost + 6).get());
        let mut behind = V2Client::connect(node.addr(), &behind).await;
        let new = node.log.append((0..5).map(|_| commit(POST, "did:plc:a")));
        behind.expect(&new).await;
    }
}

/// 26: the seqs are the log's, and those that `/subscribe` takes as cursors.
#[tokio::test]
async fn seqs_are_those_of_the_log() {
    let (node, all) = node().await;
    let mut v2 = V2Client::connect(node.addr(), "cursor=270").await;
    let seq = v2.next().await.unwrap()["payload"]["seq"].as_u64().unwrap();
    assert_eq!(seq, 270);
    let mut v1 = node.client(&format!("?cursor={seq}")).await;
    v1.expect(from(&all, 270)).await;
}
