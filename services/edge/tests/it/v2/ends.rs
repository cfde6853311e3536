use std::time::Duration;

use fanjet_edge::metrics::DISCONNECTS;
use tokio_tungstenite::tungstenite::Message;

use super::{POST, refusal};
use crate::support::{FaultyLog, Node, V2Client, commit};

/// 44.
#[tokio::test]
async fn a_client_has_nothing_to_say() {
    let node = Node::start().await;
    for message in [
        Message::Text("{}".into()),
        Message::Text(r#"{"type":"options_update","payload":{}}"#.into()),
        Message::Binary(vec![1].into()),
        Message::Text("x".repeat(1 << 20).into()),
    ] {
        let mut client = V2Client::connect(node.addr(), "").await;
        client.send(Message::Ping("x".into())).await;
        assert_eq!(client.next_message().await, Message::Pong("x".into()));
        client.send(message).await;
        let closed = Err(Some((1008, "this endpoint takes no messages".to_owned())));
        assert_eq!(client.next().await, closed);
    }
    node.metric_becomes(DISCONNECTS, Some("unexpected_message"), 4.0)
        .await;
}

/// 43, the server's half: 1012 with the seq, which clients reconnect after.
#[tokio::test]
async fn draining_names_the_last_seq() {
    let node = Node::start().await;
    let mut client = V2Client::connect(node.addr(), "").await;
    let entries = node.log.append((0..5).map(|_| commit(POST, "did:plc:a")));
    client.expect(&entries).await;
    node.stop.cancel();
    let (code, reason) = client.next().await.unwrap_err().unwrap();
    assert_eq!(code, 1012);
    assert!(reason.ends_with("resume with cursor=5"), "{reason}");
}

/// 46: what is gone ends with an error that makes clients reconnect, and then they get the reason.
#[tokio::test]
async fn an_expired_position_is_an_error_frame() {
    let log = FaultyLog::new();
    let all = log.append((0..2000).map(|_| commit(POST, "did:plc:a").padded(20_000)));
    let node = Node::start_with(log, |config| {
        config.tail.ring_bytes = 60_000;
        config.tail.warm_entries = 50;
        config.tail.check_interval = Duration::from_millis(20);
        config.replay.page_bytes = 20_000;
        config.replay.cache_bytes = 200_000;
    })
    .await;
    let mut client = V2Client::connect_narrow(node.addr(), "cursor=10").await;
    client.expect(&all[9..20]).await;
    node.log.retain_from(1900);
    let mut last = 20;
    let error = loop {
        let frame = client.next().await.unwrap();
        if frame["$type"] == "error" {
            break frame;
        }
        last += 1;
        assert_eq!(frame["payload"]["seq"], last);
    };
    assert_eq!(error["error"], "ConsumerTooSlow");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.ends_with(&format!("reconnect with cursor={last}")),
        "{message}"
    );
    assert_eq!(client.next().await.unwrap_err().unwrap().0, 1008);
    let (_, name, _) = refusal(&node, &format!("cursor={last}")).await;
    assert_eq!(name, "CursorTooOld");
}

/// 47: internal failures close without an error frame, which would end clients for good.
#[tokio::test]
async fn damage_closes_without_an_error_frame() {
    let node = Node::start().await;
    let mut client = V2Client::connect(node.addr(), "").await;
    let entry = node.append_one(POST, "did:plc:a");
    client.expect([&entry]).await;
    let mut bad = commit(POST, "did:plc:a").at(2);
    bad.body = "no event".into();
    node.log.append_raw(bad);
    let (code, reason) = client.next().await.unwrap_err().unwrap();
    assert_eq!(code, 1011, "{reason}");
    node.metric_becomes(DISCONNECTS, Some("log_damaged"), 1.0)
        .await;
}

/// 45: readers that pause within retention get everything later, although the ring has long forgotten it.
#[tokio::test]
async fn readers_that_pause_get_everything() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.tail.ring_bytes = 60_000;
        config.subscriber.max_pending_bytes = 20_000;
    })
    .await;
    let mut narrow = V2Client::connect_narrow(node.addr(), "").await;
    let mut zstd = V2Client::compressed(node.addr(), "", fanjet_dictionaries::v2()).await;
    let all = node
        .log
        .append((0..8000).map(|_| commit(POST, "did:plc:a").padded(300)));
    node.tail_caught_up().await;
    narrow.expect(&all).await;
    zstd.expect(&all).await;
}
