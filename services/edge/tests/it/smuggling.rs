//! Requests that two servers could parse differently. Whatever proxy is in front of an edge, each connection gets at most one
//! response, to its first request, and ends: a hidden request is never answered.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Client, Node};

/// The hidden request: the only one in these tests with this response.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: edge.test\r\n\r\n";

/// The whole response to these bytes, as Latin-1, so that everything is text.
async fn answer(addr: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let reading = async {
        // After a response the rest of the input may reset the connection.
        while let Ok(1..) = stream.read_buf(&mut answer).await {}
    };
    let in_time = tokio::time::timeout(Duration::from_secs(30), reading).await;
    assert!(
        in_time.is_ok(),
        "no end: {:?}",
        String::from_utf8_lossy(bytes)
    );
    answer.iter().map(|&byte| char::from(byte)).collect()
}

/// Expects one response with one of these statuses, and nothing for the hidden request.
async fn expect(node: &Node, bytes: &str, statuses: &[u16]) {
    let answer = answer(node.addr(), bytes.as_bytes()).await;
    // This only announces that a body may be sent.
    let answer = answer.trim_start_matches("HTTP/1.1 100 Continue\r\n\r\n");
    let heads = answer.matches("HTTP/1.").count();
    assert_eq!(heads, 1, "{bytes:?}: {answer}");
    let status: u16 = answer[9..12].parse().unwrap();
    assert!(statuses.contains(&status), "{bytes:?}: {answer}");
    assert!(!answer.contains("/hidden"), "{bytes:?}: {answer}");
}

#[tokio::test]
async fn a_body_has_one_length_or_is_refused() {
    let node = Node::start().await;
    let mut honest = node.client("").await;
    let length = HIDDEN.len();
    let both = format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n");
    let hidden = format!("Content-Length: 2\r\n\r\n{{}}{HIDDEN}");
    for headers in [
        both.as_str(),
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 2\r\nContent-Length: 40\r\n",
        "Content-Length: 2, 40\r\n",
        "Content-Length: 2, 2\r\n",
        "Content-Length: +2\r\n",
        "Content-Length: -2\r\n",
        "Content-Length: 0x2\r\n",
        "Content-Length: 2 2\r\n",
        "Content-Length: 2a\r\n",
        "Content-Length: 2.0\r\n",
        "Content-Length:\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Content-Length : 2\r\n",
        " Content-Length: 2\r\n",
        "Content-Length: 2\r\n 0\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: CHUNKED\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity, chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: \tchunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: x\r\n chunked\r\n",
        "Transfer\0-Encoding: chunked\r\n",
        "X: y\rTransfer-Encoding: chunked\r\n",
        "X: y\0Transfer-Encoding: chunked\r\n",
        "X Y: z\r\n",
        "no colon\r\n",
        ": no name\r\n",
    ] {
        for (method, path) in [("POST", "/events"), ("GET", "/events"), ("POST", "/status")] {
            let bytes = format!(
                "{method} {path} HTTP/1.1\r\nHost: edge.test\r\n{headers}\r\n0\r\n\r\n{HIDDEN}"
            );
            expect(&node, &bytes, &[400, 405, 408, 411, 413]).await;
        }
    }
    // Bytes after a whole body are not read at all.
    for path in ["/nowhere", "/status", "/events?cursor=x"] {
        let bytes = format!("POST {path} HTTP/1.1\r\nHost: edge.test\r\n{hidden}");
        expect(&node, &bytes, &[400, 404, 405]).await;
    }
    let entry = node.append_one("app.bsky.feed.post", "did:plc:a");
    honest.expect([&entry]).await;
}

#[tokio::test]
async fn an_unread_body_is_not_a_request() {
    let node = Node::start().await;
    let length = HIDDEN.len();
    for method in ["GET", "HEAD", "OPTIONS", "DELETE"] {
        for headers in [
            format!("Content-Length: {length}\r\n"),
            "Connection: keep-alive\r\n".to_owned(),
            "Connection: Content-Length\r\nContent-Length: 0\r\n".to_owned(),
            "Expect: 100-continue\r\n".to_owned(),
            "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAAA\r\n"
                .to_owned(),
        ] {
            let bytes = format!("{method} / HTTP/1.1\r\nHost: edge.test\r\n{headers}\r\n{HIDDEN}");
            expect(&node, &bytes, &[200, 204, 400, 405]).await;
        }
    }
}

#[tokio::test]
async fn a_head_is_http_or_refused() {
    let node = Node::start().await;
    let lines = "\r\nHost: edge.test\r\n\r\n";
    for (head, statuses) in [
        ("GET / HTTP/2.0", &[400, 505][..]),
        ("GET / HTTP/1.2", &[400, 505]),
        ("GET / HTTP/11", &[400]),
        ("GET / http/1.1", &[400]),
        ("GET /", &[400]),
        ("GET", &[400]),
        ("GET  / HTTP/1.1", &[400]),
        ("GET /  HTTP/1.1", &[400]),
        ("GET /\tHTTP/1.1", &[400]),
        (" GET / HTTP/1.1", &[400]),
        ("G\0T / HTTP/1.1", &[400]),
        ("GET /\0 HTTP/1.1", &[400]),
        ("GET / x HTTP/1.1", &[400]),
        ("GET /# HTTP/1.1", &[200, 400]),
        ("GET \\ HTTP/1.1", &[400]),
        ("GET status HTTP/1.1", &[400, 404]),
        ("GET //status HTTP/1.1", &[404]),
        ("GET /status/ HTTP/1.1", &[404]),
        ("GET /./status HTTP/1.1", &[404]),
        ("GET /x/../status HTTP/1.1", &[404]),
        ("GET /status; HTTP/1.1", &[404]),
        ("GET /STATUS HTTP/1.1", &[404]),
        ("PRI * HTTP/2.0\r\n\r\nSM", &[400, 505]),
        ("CONNECT edge.test:80 HTTP/1.1", &[400, 404, 405]),
        ("GET http://edge.test/nowhere HTTP/1.1", &[404]),
    ] {
        let hidden = format!("{head}{lines}{HIDDEN}");
        expect(&node, &hidden, statuses).await;
    }
}

/// A proxy that filters paths compares them literally.
#[tokio::test]
async fn a_path_has_one_spelling() {
    let node = Node::start().await;
    for path in [
        "/%73tatus",
        "/%53tatus",
        "/status%2f",
        "/status%2Flive",
        "/%2fstatus",
        "/%2e/status",
        "/status%00",
        "/%65vents",
        "/event%73",
        "/%",
        "/%zz",
        "/%2573tatus",
    ] {
        for method in ["GET", "POST"] {
            let bytes =
                format!("{method} {path} HTTP/1.1\r\nHost: edge.test\r\nContent-Length: 0\r\n\r\n");
            expect(&node, &bytes, &[400, 404]).await;
        }
    }
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let bytes = format!("GET /%73ubscribe HTTP/1.1\r\nHost: edge.test\r\n{upgrade}");
    expect(&node, &bytes, &[404]).await;
    // In a query the characters keep their usual meaning.
    let mut client = Client::connect(node.addr(), "?wantedCollections=app.bsky%2efeed.post").await;
    let entry = node.append_one("app.bsky.feed.post", "did:plc:a");
    client.expect([&entry]).await;
}

/// Text that a response repeats from its request stays text.
#[tokio::test]
async fn echoed_input_is_not_html() {
    let node = Node::start().await;
    let script = "<script>alert(1)</script>";
    for (target, headers) in [
        (format!("/{script}"), ""),
        (format!("/nowhere?{script}"), ""),
        (format!("/subscribe?wantedCollections={script}"), ""),
        (
            format!("/events?wantedDids={script}"),
            "Accept: text/html\r\n",
        ),
        (
            format!("/events?cursor={script}"),
            "Accept: text/event-stream, text/html\r\n",
        ),
        (
            "/events?wantedKinds=%3Cscript%3E".to_owned(),
            "Accept: text/html\r\n",
        ),
        (
            "/%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
            "Accept: text/html\r\n",
        ),
    ] {
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: edge.test\r\n{headers}\r\n");
        let answer = answer(node.addr(), bytes.as_bytes()).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let head = head.to_ascii_lowercase();
        assert!(!head.starts_with("http/1.1 200"), "{answer}");
        assert!(!head.contains("text/html"), "{answer}");
        if !body.is_empty() {
            assert!(head.contains("content-type: text/plain"), "{answer}");
            assert!(head.contains("x-content-type-options: nosniff"), "{answer}");
        }
    }
}
