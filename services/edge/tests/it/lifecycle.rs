use std::time::Duration;

use fanjet_edge::metrics::{DISCONNECTS, HUB_CRASHES, SUBSCRIBERS};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::support::{FaultyLog, Node, eventually};

const POST: &str = "app.bsky.feed.post";

#[tokio::test]
async fn a_ping_is_answered_with_its_payload() {
    let node = Node::start().await;
    let mut client = node.client("").await;
    client.send(Message::Ping("are you there".into())).await;
    assert_eq!(
        client.next_message().await,
        Message::Pong("are you there".into())
    );
}

#[tokio::test]
async fn what_comes_behind_a_close_frame_is_not_answered() {
    let node = Node::start().await;
    let mut stream = TcpStream::connect(node.addr()).await.unwrap();
    let head = "GET /subscribe HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // A close with 1000 and a ping, masked with zeros, in one piece: both are there when the first is read.
    let frames = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8, 0x89, 0x80, 0, 0, 0, 0];
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&frames).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    assert_eq!(answer[end.unwrap() + 4..], [0x88, 2, 0x03, 0xe8]);
}

#[tokio::test]
async fn the_server_pings_and_an_answering_client_stays() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.subscriber.ping_interval = Duration::from_millis(20);
        config.subscriber.pong_timeout = Duration::from_millis(500);
    })
    .await;
    let mut client = node.client("").await;
    // Reading answers pings.
    for _ in 0..50 {
        assert_eq!(client.next_message().await, Message::Ping("".into()));
    }
    let entry = node.append_one(POST, "did:plc:a");
    client.expect([&entry]).await;
}

#[tokio::test]
async fn a_client_that_never_answers_a_ping_is_dropped() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.subscriber.ping_interval = Duration::from_millis(20);
        config.subscriber.pong_timeout = Duration::from_millis(100);
        // It answers the pings when it reads at last, and a closed connection would forget the close frame for that.
        config.http.close_linger = Duration::from_secs(60);
    })
    .await;
    // Not reading is not answering.
    let mut client = node.client("").await;
    node.metric_becomes(DISCONNECTS, Some("pong_timeout"), 1.0)
        .await;
    let (_, closed) = client.read_to_end().await;
    assert_eq!(closed.map(|(code, _)| code), Some(1008));
}

#[tokio::test]
async fn a_clients_close_is_answered() {
    let node = Node::start().await;
    for (sent, expected) in [
        (Some(1000), Some(1000)),
        (Some(3999), Some(3999)),
        (None, None),
    ] {
        let mut client = node.client("").await;
        let frame = sent.map(|code| CloseFrame {
            code: code.into(),
            reason: "bye".into(),
        });
        client.send(Message::Close(frame)).await;
        let (_, closed) = client.read_to_end().await;
        assert_eq!(closed.map(|(code, _)| code), expected);
    }
    node.metric_becomes(DISCONNECTS, Some("client_closed"), 3.0)
        .await;
    eventually("all places are free", || {
        node.metric(SUBSCRIBERS, None) == 0.0
    })
    .await;
}

#[tokio::test]
async fn a_client_that_vanishes_is_forgotten() {
    let node = Node::start().await;
    for _ in 0..10 {
        drop(node.client("?wantedDids=did:plc:a").await);
    }
    node.metric_becomes(DISCONNECTS, Some("client_gone"), 10.0)
        .await;
    assert_eq!(node.metric(SUBSCRIBERS, None), 0.0);
}

#[tokio::test]
async fn messages_of_unknown_types_are_ignored() {
    let node = Node::start().await;
    let mut client = node.client("").await;
    client
        .send(Message::Text(
            r#"{"type":"unknown_type","payload":{}}"#.into(),
        ))
        .await;
    client
        .send(Message::Binary(vec![0, 159, 146, 150].into()))
        .await;
    for (part, opcode, is_final) in [
        (r#"{"type""#, Data::Text, false),
        (r#":"un"#, Data::Continue, false),
        (r#"known"}"#, Data::Continue, true),
    ] {
        let frame = Frame::message(part, OpCode::Data(opcode), is_final);
        client.send(Message::Frame(frame)).await;
    }
    client.send(Message::Ping("done".into())).await;
    assert_eq!(client.next_message().await, Message::Pong("done".into()));
    let entry = node.append_one(POST, "did:plc:a");
    client.expect([&entry]).await;
}

#[tokio::test]
async fn a_message_above_the_limit_closes_the_connection() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.subscriber.max_client_message_bytes = 100_000;
    })
    .await;
    let text = |len: usize| Message::Text(("{}".to_owned() + &" ".repeat(len - 2)).into());
    let mut whole = node.client("").await;
    whole.send(text(100_000)).await;
    whole.send(Message::Ping("fits".into())).await;
    assert_eq!(whole.next_message().await, Message::Pong("fits".into()));
    whole.send(text(100_001)).await;
    assert_eq!(
        whole.next().await.unwrap_err().map(|(code, _)| code),
        Some(1009)
    );

    let mut in_parts = node.client("").await;
    for opcode in [Data::Text, Data::Continue] {
        let frame = Frame::message(vec![b'x'; 50_001], OpCode::Data(opcode), false);
        in_parts.send(Message::Frame(frame)).await;
    }
    assert_eq!(
        in_parts.next().await.unwrap_err().map(|(code, _)| code),
        Some(1009)
    );
    node.metric_becomes(DISCONNECTS, Some("message_too_big"), 2.0)
        .await;
}

#[tokio::test]
async fn a_broken_protocol_closes_the_connection() {
    let node = Node::start().await;
    let mut client = node.client("").await;
    // A continuation of nothing.
    let frame = Frame::message("part", OpCode::Data(Data::Continue), true);
    client.send(Message::Frame(frame)).await;
    assert_eq!(
        client.next().await.unwrap_err().map(|(code, _)| code),
        Some(1002)
    );
}

#[tokio::test]
async fn a_hub_that_panics_takes_nobody_hostage() {
    let node = Node::start().await;
    let mut before = Vec::new();
    for _ in 0..8 {
        before.push(node.client("").await);
    }
    let entry = node.append_one(POST, "did:plc:a");
    for client in &mut before {
        client.expect([&entry]).await;
    }
    node.handle.crash_hubs();
    for client in &mut before {
        let (read, closed) = client.read_to_end().await;
        assert_eq!(read, Vec::<String>::new());
        let (code, reason) = closed.unwrap();
        assert_eq!(code, 1011);
        assert!(
            reason.ends_with(&format!("cursor={}", entry.time().unwrap())),
            "{reason}"
        );
    }
    node.metric_becomes(HUB_CRASHES, None, 2.0).await;
    node.metric_becomes(DISCONNECTS, Some("internal"), 8.0)
        .await;

    let mut after = Vec::new();
    for _ in 0..8 {
        after.push(node.client("").await);
    }
    let entry = node.append_one(POST, "did:plc:a");
    for client in &mut after {
        client.expect([&entry]).await;
    }
}
