use fanjet_edge::metrics::REFUSED_HANDSHAKES;

use super::{POST, UPGRADE, XRPC, error, refusal};
use crate::support::{FaultyLog, Node, V2Client, body, eventually, request, request_as};

/// 1 to 4.
#[tokio::test]
async fn the_subprotocol_is_agreed_to_if_it_is_offered() {
    let node = Node::start().await;
    let protocol = "Sec-WebSocket-Protocol";
    for (headers, is_agreed) in [
        (&[(protocol, "xrpc.v1.json")][..], true),
        (&[(protocol, "other, xrpc.v1.json")], true),
        (&[("Sec-WebSocket-Extensions", "permessage-deflate")], false),
        (&[("Origin", "https://any.example")], false),
        (&[], false),
    ] {
        let client = V2Client::connect_with(node.addr(), "", headers).await;
        let agreed = match client {
            Ok(client) => {
                assert!(!client.headers.contains_key("sec-websocket-extensions"));
                client.headers.get(protocol).cloned()
            }
            Err(error) => panic!("{headers:?}: {error}"),
        };
        let expected = is_agreed.then(|| "xrpc.v1.json".parse().unwrap());
        assert_eq!(agreed, expected, "{headers:?}");
    }
    // The client of these tests reads only one header, and insists on an answer.
    for (offers, is_agreed) in [
        (&["other", "xrpc.v1.json"][..], true),
        (&["XRPC.V1.JSON"], false),
        (&["other"], false),
        (&["xrpc.v9.msgpack"], false),
    ] {
        let target = format!("{XRPC}subscribeEvents?kinds=sync");
        let offers: String = offers
            .iter()
            .map(|offer| format!("Sec-WebSocket-Protocol: {offer}\r\n"))
            .collect();
        let headers = format!("{UPGRADE}Connection: Upgrade\r\n{offers}");
        let head = head(&node, &target, &headers).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let agreed = "\r\nsec-websocket-protocol: xrpc.v1.json\r\n";
        assert_eq!(head.to_lowercase().contains(agreed), is_agreed, "{head}");
        let any = head.to_lowercase().contains("\r\nsec-websocket-protocol:");
        assert_eq!(any, is_agreed, "{head}");
    }
}

/// The head of a response that does not end.
async fn head(node: &Node, target: &str, headers: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(node.addr()).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: edge.test\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// 5.
#[tokio::test]
async fn what_is_no_upgrade_is_refused_after_the_options() {
    let node = Node::start().await;
    let target = format!("{XRPC}subscribeEvents");
    let post = request_as(&node, "POST", &target, "Content-Length: 0\r\n").await;
    assert_eq!(error(&post).0, 405);
    let plain = request(&node, &target, "").await;
    assert_eq!(error(&plain).0, 426);
    assert!(
        plain.to_lowercase().contains("\r\nupgrade: websocket\r\n"),
        "{plain}"
    );
    let wrong = request(&node, &format!("{target}?kinds=x"), "").await;
    assert_eq!(error(&wrong).0, 400);
    let options = request_as(&node, "OPTIONS", &target, "").await;
    assert!(options.starts_with("HTTP/1.1 204 "), "{options}");
}

/// 6, 7, 9, 11: the texts are tested where the options are parsed.
#[tokio::test]
async fn refused_options_are_json() {
    let node = Node::start().await;
    let current = fanjet_dictionaries::v2().id();
    for (query, name, text) in [
        (
            "compress=true",
            "InvalidRequest",
            format!("zstdDictionary={current}"),
        ),
        (
            "zstdDictionary=0",
            "InvalidRequest",
            "positive integer".to_owned(),
        ),
        (
            "zstdDictionary=4294967296",
            "InvalidRequest",
            "positive integer".to_owned(),
        ),
        (
            "zstdDictionary=1",
            "UnknownZstdDictionary",
            format!("is {current} "),
        ),
        ("wantedDids=", "InvalidRequest", "use dids".to_owned()),
        (
            "wantedCollections=x.y.z",
            "InvalidRequest",
            "use collections".to_owned(),
        ),
        (
            "requireHello=false",
            "InvalidRequest",
            "server-push only".to_owned(),
        ),
        (
            "cursor=abc",
            "InvalidRequest",
            "invalid cursor: \"abc\"".to_owned(),
        ),
        ("a=%zz", "InvalidRequest", "invalid URL escape".to_owned()),
        ("a;b", "InvalidRequest", "semicolon".to_owned()),
    ] {
        let (status, error, message) = refusal(&node, query).await;
        assert_eq!((status, &*error), (400, name), "{query}: {message}");
        assert!(message.contains(&text), "{query}: {message}");
    }
    let target = format!("{XRPC}subscribeEvents");
    let header = request(&node, &target, "Socket-Encoding: zstd\r\n").await;
    assert!(error(&header).2.contains("zstdDictionary="), "{header}");
    assert_eq!(
        node.metric(REFUSED_HANDSHAKES, Some("invalid_options")),
        21.0
    );
}

/// 10: never 429, which ends clients for good.
#[tokio::test]
async fn what_may_succeed_later_is_503() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.http.max_subscribers_per_address = 1;
    })
    .await;
    let mut only = V2Client::connect(node.addr(), "").await;
    let target = format!("{XRPC}subscribeEvents");
    let full = request(&node, &target, "").await;
    let (status, name, _) = error(&full);
    assert_eq!((status, &*name), (503, "ServiceUnavailable"));
    assert!(full.to_lowercase().contains("\r\nretry-after: "), "{full}");
    // v1 says it in its own way.
    let v1 = request(&node, "/subscribe", "").await;
    assert!(v1.starts_with("HTTP/1.1 429 "), "{v1}");
    assert!(body(&v1).starts_with("too many subscribers"));
    let entry = node.append_one(POST, "did:plc:a");
    only.expect([&entry]).await;
}

/// 10.
#[tokio::test]
async fn a_log_that_was_not_reached_is_503() {
    let log = FaultyLog::new();
    log.set_fault(crate::support::Fault::Away);
    let node = Node::start_unready(log, |_| {});
    let mut answer = String::new();
    for _ in 0..100 {
        answer = request(&node, &format!("{XRPC}subscribeEvents"), "").await;
        if answer.starts_with("HTTP/1.1 503 ") {
            break;
        }
    }
    assert_eq!(error(&answer).1, "ServiceUnavailable");
    node.log.set_fault(crate::support::Fault::None);
    eventually("the node is ready", || node.handle.readiness().is_ready()).await;
    let _open = V2Client::connect(node.addr(), "").await;
}
