//! Violations of the WebSocket protocol, each on its own connection, with another client beside it that is not affected.

use std::io::Write;

use fanjet_edge::metrics::DISCONNECTS;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, Node};

const FINAL: u8 = 0x80;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
const PROTOCOL: u16 = 1002;
const INVALID: u16 = 1007;
const TOO_BIG: u16 = 1009;
const UPDATE: &[u8] =
    br#"{"type":"options_update","payload":{"wantedCollections":["com.example.none"]}}"#;

/// A frame with a zero mask and its shortest length encoding.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let head = match length {
        0..=125 => vec![first, 0x80 | length as u8],
        126..=0xffff => [&[first, 0xfe][..], &(length as u16).to_be_bytes()].concat(),
        _ => [&[first, 0xff][..], &(length as u64).to_be_bytes()].concat(),
    };
    [&head[..], &[0; 4], payload].concat()
}

/// The head of a frame with this length, and the mask.
fn announced(first: u8, length: u64) -> Vec<u8> {
    [&[first, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat()
}

fn close(code: u16, words: &[u8]) -> Vec<u8> {
    frame(FINAL | CLOSE, &[&code.to_be_bytes()[..], words].concat())
}

/// Sends bytes over a new connection; returns the code of the node's close frame.
async fn closed(node: &Node, bytes: &[u8]) -> Option<u16> {
    let mut client = node.client("?wantedCollections=com.example.none").await;
    // The node may close before everything is sent.
    let _is_taken = client.send_raw(bytes).await;
    let ending = tokio::time::timeout(std::time::Duration::from_secs(30), client.read_to_end());
    let (_, closed) = ending.await.expect("it is not closed");
    closed.map(|(code, _)| code)
}

#[tokio::test]
async fn every_violation_is_closed_with_its_code() {
    let node = Node::start().await;
    let mut honest = node.client("").await;
    let mut cases: Vec<(String, Vec<u8>, u16)> = Vec::new();
    let mut case = |what: &str, bytes: Vec<u8>, code| cases.push((what.to_owned(), bytes, code));
    for bit in [0x40, 0x20, 0x10] {
        for opcode in [TEXT, BINARY, PING, CLOSE] {
            case("a reserved bit", frame(FINAL | bit | opcode, b""), PROTOCOL);
        }
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        case("a reserved opcode", frame(FINAL | opcode, b""), PROTOCOL);
        case(
            "a reserved opcode in fragments",
            frame(opcode, b""),
            PROTOCOL,
        );
    }
    for opcode in [TEXT, BINARY, PING, PONG, CLOSE] {
        case("no mask", vec![FINAL | opcode, 0], PROTOCOL);
    }
    for opcode in [PING, PONG, CLOSE] {
        case("a control frame in fragments", frame(opcode, b""), PROTOCOL);
        case(
            "a long control frame",
            frame(FINAL | opcode, &[b'x'; 126]),
            PROTOCOL,
        );
        case(
            "a longer control frame",
            announced(FINAL | opcode, 1 << 40),
            PROTOCOL,
        );
    }
    case("a continuation of nothing", frame(0, b"x"), PROTOCOL);
    case("the end of nothing", frame(FINAL, b"x"), PROTOCOL);
    for opcode in [TEXT, BINARY] {
        for within in [opcode, FINAL | opcode] {
            let both = [frame(TEXT, b"{"), frame(within, b"}")].concat();
            case("a message within a message", both, PROTOCOL);
        }
    }
    case(
        "a close frame with half a code",
        frame(FINAL | CLOSE, b"x"),
        PROTOCOL,
    );
    for code in [
        0,
        1,
        999,
        1004,
        1005,
        1006,
        1015,
        1016,
        2999,
        5000,
        u16::MAX,
    ] {
        case(&format!("close code {code}"), close(code, b""), PROTOCOL);
    }
    case(
        "close words that are no text",
        close(1000, b"\xff"),
        PROTOCOL,
    );
    case("no frame", b"GET / HTTP/1.1\r\n\r\n".to_vec(), PROTOCOL);
    for text in [
        &b"\xff"[..],
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"{\"\xe2\x82",
        b"\0",
    ] {
        case("no text", frame(FINAL | TEXT, text), INVALID);
    }
    let cut = [frame(TEXT, b"\"\xe2"), frame(FINAL, b"\x28\xa1\"")].concat();
    case("no text in fragments", cut, INVALID);
    for length in [10_000_001, 1 << 32, u64::MAX >> 1, u64::MAX] {
        for first in [TEXT, FINAL | TEXT, BINARY, FINAL | BINARY] {
            case("too long", announced(first, length), TOO_BIG);
        }
        let behind = [frame(TEXT, b"{"), announced(0, length)].concat();
        case("too long in fragments", behind, TOO_BIG);
    }
    for json in ["[".repeat(100_000), "{\"a\":".repeat(100_000)] {
        case(
            "bottomless JSON",
            frame(FINAL | TEXT, json.as_bytes()),
            INVALID,
        );
    }
    let count = cases.len();
    for (what, bytes, code) in cases {
        let shown = &bytes[..bytes.len().min(40)];
        assert_eq!(
            closed(&node, &bytes).await,
            Some(code),
            "{what}: {shown:x?}"
        );
    }
    let entry = node.append_one("app.bsky.feed.post", "did:plc:a");
    honest.expect([&entry]).await;
    node.metric_becomes(DISCONNECTS, None, count as f64).await;
}

/// Waits until the previous messages are applied.
async fn applied(client: &mut Client) {
    client.send(Message::Ping("obeyed".into())).await;
    while client.next_message().await != Message::Pong("obeyed".into()) {}
}

/// A message may have any number of fragments, and empty ones change nothing.
#[tokio::test]
async fn tiny_and_empty_fragments_are_assembled() {
    let node = Node::start_with(crate::support::FaultyLog::new(), |config| {
        config.limits.max_messages_per_second = 0;
        config.limits.max_sent_bytes_per_second = 0;
    })
    .await;
    let mut honest = node.client("").await;
    let mut client = node.client("").await;
    let padding = b" ".repeat(60_000);
    let mut bytes = frame(TEXT, b"");
    for byte in padding.iter().chain(UPDATE) {
        bytes.extend(frame(0, &[*byte]));
    }
    bytes.extend(frame(0, b"").repeat(10_000));
    // Control frames are allowed between them.
    bytes.extend(frame(FINAL | PING, b"within"));
    assert!(client.send_raw(&bytes).await);
    assert_eq!(client.next_message().await, Message::Pong("within".into()));
    assert!(client.send_raw(&frame(FINAL, b"")).await);
    applied(&mut client).await;
    let entry = node.append_one("app.bsky.feed.post", "did:plc:a");
    honest.expect([&entry]).await;
    let entry = node.append_one("com.example.none", "did:plc:a");
    client.expect([&entry]).await;
}

/// Compressed client messages are never decompressed.
#[tokio::test]
async fn compressed_client_messages_are_not_decompressed() {
    let node = Node::start().await;
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    for _ in 0..256 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    for query in ["", "?compress=true"] {
        let mut client = node.client(query).await;
        assert!(client.send_raw(&frame(FINAL | BINARY, &bomb)).await);
        applied(&mut client).await;
    }
    let bytes = frame(FINAL | TEXT, &bomb);
    assert_eq!(closed(&node, &bytes).await, Some(INVALID));
}
