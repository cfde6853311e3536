use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use fanjet_edge::metrics::REFUSED_HANDSHAKES;

use crate::support::{Client, Fault, FaultyLog, Node, body, commit, request};

/// Options are checked before the upgrade, so a plain request shows what is wrong with them.
#[tokio::test]
async fn bad_options_are_refused_in_the_words_of_v1() {
    let node = Node::start().await;
    let many: String = (0..101)
        .map(|n| format!("&wantedCollections=p{n}.x.y"))
        .collect();
    for (query, words) in [
        (
            "wantedCollections=app.bsky.fo*",
            "invalid subscriber options: invalid collection: app.bsky.fo* (allowed: ",
        ),
        (
            "wantedCollections=",
            "invalid subscriber options: invalid collection:  (allowed: ",
        ),
        (
            "wantedDids=not-a-did",
            "invalid subscriber options: invalid DID: not-a-did (allowed: ",
        ),
        (
            &many,
            "invalid subscriber options: too many wanted collections: 101 > 100",
        ),
    ] {
        let answer = request(&node, &format!("/subscribe?{query}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(
            answer.contains("content-type: text/plain; charset=utf-8\r\n"),
            "{answer}"
        );
        assert!(body(&answer).starts_with(words), "{answer}");
        assert!(!answer.ends_with('\n'));
    }
    assert_eq!(
        node.metric(REFUSED_HANDSHAKES, Some("invalid_options")),
        4.0
    );
}

#[tokio::test]
async fn a_plain_request_is_asked_to_upgrade() {
    let node = Node::start().await;
    let answer = request(&node, "/subscribe", "").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("sec-websocket-version: 13\r\n"), "{answer}");
    assert!(body(&answer).contains("WebSocket"), "{answer}");
    assert_eq!(node.metric(REFUSED_HANDSHAKES, Some("no_upgrade")), 1.0);
    // Its slot is free again.
    assert_eq!(node.metric(fanjet_edge::metrics::SUBSCRIBERS, None), 0.0);
}

#[tokio::test]
async fn the_front_page_explains_how_to_connect() {
    let node = Node::start().await;
    let answer = request(&node, "/", "").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(body(&answer).contains("/subscribe"), "{answer}");
}

#[tokio::test]
async fn a_url_above_the_limit_is_refused() {
    let node = Node::start_with(FaultyLog::new(), |config| config.http.max_url_bytes = 100).await;
    let fits = format!("/subscribe?{}", "x".repeat(89));
    assert!(request(&node, &fits, "").await.starts_with("HTTP/1.1 400 "));
    let answer = request(&node, &format!("{fits}x"), "").await;
    assert!(
        answer.starts_with("HTTP/1.1 414 ") && answer.contains("100 bytes"),
        "{answer}"
    );
}

#[tokio::test]
async fn offered_compression_and_subprotocols_are_declined() {
    let node = Node::start().await;
    let mut stream = TcpStream::connect(node.addr()).await.unwrap();
    let head = "GET /subscribe HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
        Origin: https://elsewhere.test\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    let answer = String::from_utf8(answer).unwrap().to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
    assert!(
        answer.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
        "{answer}"
    );
    assert!(!answer.contains("sec-websocket-extensions"), "{answer}");
    assert!(!answer.contains("sec-websocket-protocol"), "{answer}");
}

#[tokio::test]
async fn a_full_node_refuses_until_a_client_leaves() {
    let node = Node::start_with(FaultyLog::new(), |config| config.http.max_subscribers = 2).await;
    let first = node.client("").await;
    let _second = node.client("").await;
    let answer = request(&node, "/subscribe", "").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("retry-after: "), "{answer}");
    assert!(body(&answer).contains("at most 2 subscribers"), "{answer}");
    assert!(Client::try_connect(node.addr(), "").await.is_err());
    assert_eq!(node.metric(REFUSED_HANDSHAKES, Some("node_full")), 2.0);
    drop(first);
    node.metric_becomes(fanjet_edge::metrics::DISCONNECTS, Some("client_gone"), 1.0)
        .await;
    let mut third = node.client("").await;
    let entry = node.append_one("app.bsky.feed.post", "did:plc:a");
    third.expect([&entry]).await;
}

#[tokio::test]
async fn one_address_cannot_take_every_slot() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.http.max_subscribers_per_address = 1;
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let one = [("X-Forwarded-For", "198.51.100.7")];
    let _first = Client::connect_with(node.addr(), "", &one).await;
    let forged = "X-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n";
    for headers in ["X-Forwarded-For: 198.51.100.7\r\n", forged] {
        let answer = request(&node, "/subscribe", headers).await;
        assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
        assert!(answer.contains("retry-after: "), "{answer}");
        assert!(body(&answer).contains("at most 1 "), "{answer}");
    }
    assert_eq!(node.metric(REFUSED_HANDSHAKES, Some("address_full")), 2.0);
    let another = [("X-Forwarded-For", "203.0.113.9")];
    let mut another = Client::connect_with(node.addr(), "", &another).await;
    let entry = node.append_one("app.bsky.feed.post", "did:plc:a");
    another.expect([&entry]).await;
}

/// Before the log has answered, the node does not know its end.
#[tokio::test]
async fn clients_are_refused_until_the_log_has_answered() {
    let log = FaultyLog::new();
    log.set_fault(Fault::Away);
    let node = Node::start_unready(log.clone(), |_| {});
    let answer = request(&node, "/subscribe", "").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(body(&answer).contains("not ready"), "{answer}");
    assert!(!node.handle.readiness().is_ready());
    log.append([commit("app.bsky.feed.post", "did:plc:a")]);
    log.set_fault(Fault::None);
    crate::support::eventually("ready", || node.handle.readiness().is_ready()).await;
    let mut client = node.client("").await;
    let entry = node.append_one("app.bsky.feed.post", "did:plc:a");
    client.expect([&entry]).await;
}
