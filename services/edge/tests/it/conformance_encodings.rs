//! zstd and v0. Case numbers are those of docs/develop/conformance.md.

use fanjet_edge::metrics::REFUSED_HANDSHAKES;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, FaultyLog, Node, body, commit, decompressed, event, request};
use fanjet_event::Topic;

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";

/// Cases 52, 53, 55: each way to ask for zstd, including with the extension that browsers always offer.
#[tokio::test]
async fn zstd_is_one_frame_per_binary_message() {
    let node = Node::start().await;
    let deflate = (
        "Sec-WebSocket-Extensions",
        "permessage-deflate; client_max_window_bits",
    );
    for (query, headers) in [
        ("?compress=true", vec![]),
        ("?compress=true&compress=false", vec![]),
        ("?format=v1&compress=true", vec![]),
        ("", vec![("Socket-Encoding", "zstd")]),
        ("?compress=false", vec![("Socket-Encoding", "br, zstd;q=1")]),
        ("?compress=true", vec![deflate]),
        ("", vec![("Socket-Encoding", "zstd"), deflate]),
    ] {
        let mut client = Client::connect_with(node.addr(), query, &headers).await;
        for padding in [0, 5_000] {
            let entry = &node.log.append([commit(POST, "did:plc:a").padded(padding)])[0];
            let Message::Binary(frame) = client.next_message().await else {
                panic!("{query} {headers:?}: not binary");
            };
            assert_eq!(decompressed(&frame).as_bytes(), &entry.body[..]);
            assert!(frame.len() < entry.body.len());
            assert_eq!(
                zstd::zstd_safe::get_dict_id_from_frame(&frame).map(u32::from),
                Some(1_612_007_021)
            );
            let without = zstd::bulk::decompress(&frame, 1 << 20).unwrap_err();
            assert_eq!(without.to_string(), "Dictionary mismatch");
        }
    }
}

/// Case 54 and its siblings: everything else is text.
#[tokio::test]
async fn other_values_do_not_compress() {
    let node = Node::start().await;
    for (query, headers) in [
        ("?compress=false&compress=true", vec![]),
        ("?compress=", vec![]),
        ("?Compress=true", vec![]),
        ("?compress=TRUE", vec![]),
        ("?format=&format=v0", vec![]),
        ("?format=v1", vec![]),
        ("", vec![("Socket-Encoding", "ZSTD")]),
        ("", vec![("Socket-Encoding", "gzip")]),
    ] {
        let mut client = Client::connect_with(node.addr(), query, &headers).await;
        let entry = node.append_one(POST, "did:plc:a");
        let text = String::from_utf8(entry.body.to_vec()).unwrap();
        assert_eq!(
            client.next_message().await,
            Message::Text(text.into()),
            "{query}"
        );
    }
}

#[tokio::test]
async fn v0_speaks_the_original_wire() {
    let node = Node::start().await;
    let mut client = node.client("?format=v0").await;
    let entries = node.log.append([
        commit(POST, "did:plc:a"),
        event(Topic::Identity, "did:plc:a").padded(5),
        event(Topic::Sync, "did:plc:a"),
        event(Topic::Account, "did:plc:a").padded(5),
    ]);
    client.expect(&entries[..2]).await;
    client.expect(&entries[3..]).await;
    let entry = node.append_one(POST, "did:plc:a");
    let Message::Text(text) = client.next_message().await else {
        panic!("v0 is text");
    };
    let expected = format!(
        r#"{{"did":"did:plc:a","time_us":{},"type":"com","commit":{{"rev":"3mptbyp63ih2m","type":"d","collection":"app.bsky.feed.post","rkey":"3m3q3ut7jsm2m"}}}}"#,
        entry.time().unwrap().get()
    );
    assert_eq!(text.as_str(), expected);
}

#[tokio::test]
async fn an_unknown_format_is_refused_with_the_known_ones() {
    let node = Node::start().await;
    for (query, headers, words) in [
        (
            "format=v2",
            "",
            "invalid subscriber options: invalid format: v2 (allowed: v1, v0, v2c)",
        ),
        (
            "format=V0",
            "",
            "invalid subscriber options: invalid format: V0 (allowed: v1, v0, v2c)",
        ),
        (
            "format=v0&compress=true",
            "",
            "invalid subscriber options: format=v0 cannot be compressed (allowed: ",
        ),
        (
            "format=v0",
            "Socket-Encoding: zstd\r\n",
            "invalid subscriber options: format=v0 cannot be compressed (allowed: ",
        ),
        // The cursor is checked last.
        ("format=v2&cursor=x", "", "invalid cursor: x"),
        (
            "format=v2&wantedDids=x",
            "",
            "invalid subscriber options: invalid DID: x",
        ),
    ] {
        let answer = request(&node, &format!("/subscribe?{query}"), headers).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(body(&answer).starts_with(words), "{answer}");
    }
    assert_eq!(
        node.metric(REFUSED_HANDSHAKES, Some("invalid_options")),
        6.0
    );
}

/// The limit applies to the uncompressed v1 JSON in every encoding.
#[tokio::test]
async fn a_size_limit_is_measured_before_encoding() {
    let node = Node::start().await;
    let large = commit(POST, "did:plc:a").padded(1_000);
    let limit = large.at(1).body.len();
    for encoding in ["", "&compress=true", "&format=v0"] {
        let fits = format!("?maxMessageSizeBytes={limit}{encoding}");
        let over = format!("?maxMessageSizeBytes={}{encoding}", limit - 1);
        let mut fits = node.client(&fits).await;
        let mut over = node.client(&over).await;
        let entries = node.log.append([large.clone(), commit(POST, "did:plc:a")]);
        fits.expect(&entries).await;
        over.expect(&entries[1..]).await;
    }
}

/// An update changes the filter and never the encoding, with and without a hello before it.
#[tokio::test]
async fn an_update_keeps_the_encoding() {
    let node = Node::start().await;
    for encoding in ["compress=true", "format=v0"] {
        for hello in ["", "&requireHello=true"] {
            let mut client = node.client(&format!("?{encoding}{hello}")).await;
            let before = node.append_one(POST, "did:plc:a");
            if hello.is_empty() {
                client.expect([&before]).await;
            }
            for wanted in [LIKE, POST] {
                let update = format!(
                    r#"{{"type":"options_update","payload":{{"wantedCollections":["{wanted}"],"compress":"false","format":"v1"}}}}"#
                );
                client.send(Message::Text(update.into())).await;
                client.send(Message::Ping("obeyed".into())).await;
                assert_eq!(client.next_message().await, Message::Pong("obeyed".into()));
                let entries = node
                    .log
                    .append([commit(POST, "did:plc:a"), commit(LIKE, "did:plc:a")]);
                let at = usize::from(wanted == LIKE);
                client.expect([&entries[at]]).await;
            }
        }
    }
}

/// All encodings carry the same events.
#[tokio::test]
async fn encodings_carry_the_same_events() {
    let node = Node::start_with(FaultyLog::new(), |config| config.http.workers = 2).await;
    let mut clients = Vec::new();
    for query in ["", "?compress=true", "?format=v0"] {
        clients.push(node.client(query).await);
        clients.push(node.client(query).await);
    }
    let entries = node.log.append((0..500).map(|n| {
        let topic = match n % 7 {
            0 => Topic::Identity,
            1 => Topic::Account,
            _ => Topic::Commit(POST.parse().unwrap()),
        };
        event(topic, "did:plc:a").padded(n * 37 % 900)
    }));
    for client in &mut clients {
        client.expect(&entries).await;
    }
}
