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
async fn frames_after_a_close_frame_are_not_answered() {
    let node = Node::start().await;
    let mut stream = TcpStream::connect(node.addr()).await.unwrap();
    let head = "GET /subscribe HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // A close with 1000 and a ping, masked with zeros, in one packet: both have arrived when the first is read.
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
        // It answers the pings when it finally reads, and a closed connection would discard the close frame for that.
        config.http.close_linger = Duration::from_secs(60);
    })
    .await;
    // A client that does not read does not answer.
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
    eventually("all slots are free", || {
        node.metric(SUBSCRIBERS, None) == 0.0
    })
    .await;
}

/// A socket after its handshake, without a WebSocket library that answers closes.
async fn raw_socket(node: &Node, query: &str) -> TcpStream {
    let mut stream = TcpStream::connect(node.addr()).await.unwrap();
    let head = format!(
        "GET /subscribe{query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    stream
}

/// RFC 6455, section 7.1.1: the server ends the TCP connection, and need not wait after both close frames.
#[tokio::test]
async fn a_finished_close_handshake_ends_the_connection() {
    const CLOSE: [u8; 8] = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8];
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.http.close_linger = Duration::from_secs(3600);
    })
    .await;
    let mut by_client = raw_socket(&node, "").await;
    by_client.write_all(&CLOSE).await.unwrap();
    let mut answer = Vec::new();
    let reading = by_client.read_to_end(&mut answer);
    let in_time = tokio::time::timeout(Duration::from_secs(30), reading).await;
    assert!(in_time.is_ok(), "the client began to close: {answer:?}");
    assert_eq!(answer, [0x88, 2, 0x03, 0xe8]);

    // Closed by the node; its close frame is answered only then.
    let mut by_node = raw_socket(&node, "").await;
    let refused = br#"{"type":"options_update","payload":7}"#;
    let header = [0x81, 0x80 | refused.len() as u8, 0, 0, 0, 0];
    by_node
        .write_all(&[&header[..], refused].concat())
        .await
        .unwrap();
    let mut close = [0; 4];
    by_node.read_exact(&mut close).await.unwrap();
    assert_eq!((close[0], &close[2..]), (0x88, &1007_u16.to_be_bytes()[..]));
    node.metric_becomes(DISCONNECTS, Some("bad_message"), 1.0)
        .await;
    let mut words = vec![0; usize::from(close[1]) - 2];
    by_node.read_exact(&mut words).await.unwrap();
    let waits = tokio::time::timeout(Duration::from_millis(200), by_node.read(&mut [0])).await;
    assert!(waits.is_err(), "the client has not closed");
    by_node.write_all(&CLOSE).await.unwrap();
    let reading = by_node.read_to_end(&mut answer);
    let in_time = tokio::time::timeout(Duration::from_secs(30), reading).await;
    assert!(in_time.is_ok(), "the node began to close");
}

/// A client that never answers a close frame is disconnected eventually.
#[tokio::test]
async fn an_unanswered_close_frame_ends_the_connection() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.http.close_linger = Duration::from_millis(100);
        config.subscriber.max_age = Duration::from_millis(50);
    })
    .await;
    let mut silent = raw_socket(&node, "").await;
    let mut answer = Vec::new();
    let reading = silent.read_to_end(&mut answer);
    let in_time = tokio::time::timeout(Duration::from_secs(30), reading).await;
    assert!(in_time.is_ok());
    assert_eq!(&answer[2..4], &1012_u16.to_be_bytes()[..]);
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
    // A continuation frame without a message.
    let frame = Frame::message("part", OpCode::Data(Data::Continue), true);
    client.send(Message::Frame(frame)).await;
    assert_eq!(
        client.next().await.unwrap_err().map(|(code, _)| code),
        Some(1002)
    );
}

#[tokio::test]
async fn a_panicking_hub_closes_its_clients_and_restarts() {
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
