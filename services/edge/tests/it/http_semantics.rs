//! HTTP semantics on every path of both ports: methods, versions and headers.

use std::net::SocketAddr;
use std::time::Duration;

use fanjet_edge::metrics::{DISCONNECTS, REFUSED_CONNECTIONS, REFUSED_HANDSHAKES};
use fanjet_runtime::{OnFailure, Stop, Tasks};
use fanjet_telemetry::{Metrics, OpsConfig, OpsServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Client, FaultyLog, Node};

/// A path, its port and its behavior.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    Edge,
    Ops,
}

struct Path {
    port: Port,
    path: &'static str,
    /// The status for GET and HEAD.
    status: u16,
    /// Whether the response to GET ends only with the connection.
    is_stream: bool,
    allow: &'static [&'static str],
}

const READ: &[&str] = &["GET", "HEAD", "OPTIONS"];

const fn path(port: Port, path: &'static str, status: u16) -> Path {
    Path {
        port,
        path,
        status,
        is_stream: false,
        allow: READ,
    }
}

const fn stream(path: &'static str, allow: &'static [&'static str]) -> Path {
    Path {
        port: Port::Edge,
        path,
        status: 200,
        is_stream: true,
        allow,
    }
}

const PATHS: &[Path] = &[
    path(Port::Edge, "/", 200),
    path(Port::Edge, "/subscribe", 400),
    path(Port::Edge, "/status", 200),
    path(Port::Edge, "/status/collections", 503),
    path(Port::Edge, "/nowhere", 404),
    stream("/status/live", READ),
    stream("/events", &["GET", "HEAD", "POST", "OPTIONS"]),
    path(Port::Ops, "/livez", 200),
    path(Port::Ops, "/readyz", 200),
    path(Port::Ops, "/startupz", 200),
    path(Port::Ops, "/metrics", 200),
    path(Port::Ops, "/", 404),
];

/// A response, up to its end or until it is clear that it continues.
struct Response {
    status: u16,
    version: String,
    /// In lower case, without the date.
    headers: Vec<String>,
    body: String,
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn parse(text: &str) -> Self {
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no head: {text:?}"));
        let mut lines = head.lines();
        let mut status = lines.next().unwrap().split(' ');
        let version = status.next().unwrap().to_owned();
        let headers = lines.map(str::to_ascii_lowercase);
        Self {
            version,
            status: status.next().unwrap().parse().unwrap(),
            headers: headers.filter(|line| !line.starts_with("date: ")).collect(),
            body: body.to_owned(),
        }
    }
}

/// Sends a head and reads the whole response, or only the head of an endless one.
async fn ask(addr: SocketAddr, head: &str, is_endless: bool) -> Response {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let reading = async {
        while !(is_endless && answer.windows(4).any(|four| four == b"\r\n\r\n")) {
            if stream.read_buf(&mut answer).await.unwrap() == 0 {
                break;
            }
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(30), reading).await;
    assert!(in_time.is_ok(), "no end: {head}");
    Response::parse(&String::from_utf8(answer).unwrap())
}

async fn ops(node: &Node, tasks: &mut Tasks, stop: Stop) -> SocketAddr {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let health = node.handle.health();
    let server = OpsServer::bind(&OpsConfig { listen }, Metrics::new().unwrap(), health).unwrap();
    let addr = server.address();
    tasks.spawn("ops", OnFailure::StopAll, server.run(stop));
    addr
}

async fn node() -> Node {
    let node = Node::start_with(FaultyLog::new(), |_| {}).await;
    // Wait for the first snapshot.
    while ask(node.addr(), &head("GET", "/status", "1.1", ""), false)
        .await
        .status
        != 200
    {}
    node
}

fn head(method: &str, path: &str, version: &str, headers: &str) -> String {
    format!("{method} {path} HTTP/{version}\r\nHost: edge.test\r\n{headers}\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_and_versions_behave_the_same_on_every_path() {
    let node = node().await;
    let stop = Stop::new();
    let mut tasks = Tasks::new(stop.clone());
    let ops_addr = ops(&node, &mut tasks, stop.clone()).await;
    for path in PATHS {
        let addr = match path.port {
            Port::Edge => node.addr(),
            Port::Ops => ops_addr,
        };
        for version in ["1.0", "1.1"] {
            let ask = async |method: &str| {
                let is_endless = method == "GET" && path.is_stream;
                // A request of HTTP/1.0 that may have a body needs a length.
                let length = if method == "POST" {
                    "Content-Length: 0\r\n"
                } else {
                    ""
                };
                let answer = ask(addr, &head(method, path.path, version, length), is_endless).await;
                let case = format!("{method} {:?} {} {version}", path.port, path.path);
                assert_eq!(answer.version, format!("HTTP/{version}"), "{case}");
                let nosniff = answer.header("x-content-type-options");
                assert_eq!(nosniff, Some("nosniff"), "{case}");
                if version == "1.0" {
                    assert_eq!(answer.header("transfer-encoding"), None, "{case}");
                } else {
                    assert_eq!(answer.header("connection"), Some("close"), "{case}");
                }
                (answer, case)
            };
            let (get, case) = ask("GET").await;
            assert_eq!(get.status, path.status, "{case}");
            let (of_head, case) = ask("HEAD").await;
            assert_eq!(of_head.body, "", "{case}");
            assert_eq!(of_head.status, path.status, "{case}");
            let sorted = |answer: &Response| {
                let stable = answer.headers.iter().filter(|line| !varies(line));
                let mut headers: Vec<_> = stable.cloned().collect();
                headers.sort();
                headers
            };
            assert_eq!(sorted(&of_head), sorted(&get), "{case}");
            for method in ["OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
                let (answer, case) = ask(method).await;
                let allow = answer.header("allow");
                let allow: Vec<_> = allow.map(|it| it.split(", ").collect()).unwrap_or_default();
                let allow: Vec<_> = allow.iter().map(|it| it.to_ascii_uppercase()).collect();
                if path.status == 404 {
                    assert_eq!((answer.status, allow), (404, Vec::new()), "{case}");
                } else if method == "OPTIONS" {
                    assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{case}");
                } else if !path.allow.contains(&method) {
                    assert_eq!(answer.status, 405, "{case}");
                    assert!(
                        path.allow
                            .iter()
                            .all(|it| allow.contains(&(*it).to_owned())),
                        "{case}"
                    );
                    assert!(!allow.contains(&method.to_owned()), "{case}");
                    assert!(!answer.body.is_empty(), "{case}");
                }
            }
        }
    }
    let whole = ask(node.addr(), &head("OPTIONS", "*", "1.1", ""), false).await;
    assert_eq!(whole.status, 204);
    stop.cancel();
    tasks.join().await.unwrap();
    // HEAD requests are counted as refusals too.
    assert!(node.metric(REFUSED_HANDSHAKES, Some("no_upgrade")) >= 4.0);
}

/// Whether the line differs between responses.
fn varies(line: &str) -> bool {
    line.starts_with("content-length: ") || line.starts_with("x-fanjet-")
}

/// A request head and its expected response.
#[tokio::test]
async fn malformed_heads_are_refused() {
    let node = node().await;
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let upgrade = "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n";
    let version = "Sec-WebSocket-Version: 13\r\n";
    let good = [upgrade, version, key].concat();
    let with = |upgrade: &str, version: &str, key: &str| [upgrade, version, key].concat();
    for (method, path, http, headers, status, words) in [
        ("GET", "/subscribe", "1.1", good.clone(), 101, ""),
        (
            "GET",
            "/subscribe",
            "1.1",
            with(
                "Connection: keep-alive\r\nUPGRADE: websocket\r\nconnection: upgrade\r\n",
                version,
                key,
            ),
            101,
            "",
        ),
        (
            "GET",
            "/subscribe",
            "1.0",
            good.clone(),
            400,
            "with HTTP/1.1",
        ),
        ("HEAD", "/subscribe", "1.1", good.clone(), 400, ""),
        (
            "POST",
            "/subscribe",
            "1.1",
            good.clone(),
            400,
            "GET /subscribe",
        ),
        ("GET", "/events", "1.1", good.clone(), 400, "GET /subscribe"),
        ("GET", "/", "1.1", good.clone(), 400, "GET /subscribe"),
        (
            "GET",
            "/subscribe",
            "1.1",
            with("Upgrade: h2c\r\nConnection: upgrade\r\n", version, key),
            400,
            "WebSocket endpoint",
        ),
        (
            "GET",
            "/subscribe",
            "1.1",
            with("Upgrade: websocket\r\n", version, key),
            400,
            "WebSocket endpoint",
        ),
        (
            "GET",
            "/subscribe",
            "1.1",
            with(upgrade, "Sec-WebSocket-Version: 8\r\n", key),
            426,
            "allowed: 13",
        ),
        (
            "GET",
            "/subscribe",
            "1.1",
            with(upgrade, "Sec-WebSocket-Version: 14\r\n", key),
            426,
            "allowed: 13",
        ),
        (
            "GET",
            "/subscribe",
            "1.1",
            with(upgrade, "", key),
            426,
            "allowed: 13",
        ),
        (
            "GET",
            "/subscribe",
            "1.1",
            with(upgrade, version, ""),
            400,
            "Sec-WebSocket-Key",
        ),
        (
            "GET",
            "/subscribe",
            "1.1",
            with(upgrade, version, "Sec-WebSocket-Key: c2hvcnQ=\r\n"),
            400,
            "16 bytes",
        ),
        (
            "GET",
            "/subscribe",
            "1.1",
            with(
                upgrade,
                version,
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE9\r\n",
            ),
            400,
            "16 bytes",
        ),
        (
            "GET",
            "/subscribe",
            "1.1",
            with(
                upgrade,
                version,
                "Sec-WebSocket-Key: no base64 at all, 24 b\r\n",
            ),
            400,
            "16 bytes",
        ),
        (
            "GET",
            "/subscribe",
            "1.1",
            with(upgrade, version, &key.repeat(2)),
            400,
            "one, of 16 bytes",
        ),
        (
            "POST",
            "/status",
            "1.1",
            "Transfer-Encoding: chunked\r\n".to_owned(),
            411,
            "Content-Length",
        ),
        (
            "GET",
            "/events",
            "1.1",
            "Transfer-Encoding: chunked\r\n".to_owned(),
            411,
            "Content-Length",
        ),
        (
            "GET",
            "/status",
            "1.1",
            "Host: another.test\r\n".to_owned(),
            400,
            "",
        ),
        (
            "GET",
            "/status",
            "1.1",
            "Content-Length: 3\r\n\r\nabc".to_owned(),
            200,
            "{",
        ),
        (
            "GET",
            "/status",
            "1.1",
            "Connection: keep-alive\r\n".to_owned(),
            200,
            "{",
        ),
    ] {
        let head = head(method, path, http, &headers);
        let answer = ask(node.addr(), &head, status == 101).await;
        assert_eq!(answer.status, status, "{head}");
        assert!(answer.body.contains(words), "{head}{}", answer.body);
        if !answer.body.is_empty() {
            let nosniff = answer.header("x-content-type-options");
            assert_eq!(nosniff, Some("nosniff"), "{head}");
        }
        match status {
            426 => {
                assert_eq!(answer.header("sec-websocket-version"), Some("13"));
                assert_eq!(answer.header("upgrade"), Some("websocket"));
            }
            101 => assert!(answer.header("sec-websocket-accept").is_some()),
            _ => assert_eq!(answer.header("upgrade"), None),
        }
    }
    assert_eq!(
        node.metric(REFUSED_HANDSHAKES, Some("unsupported_version")),
        3.0
    );
    assert_eq!(node.metric(REFUSED_HANDSHAKES, Some("bad_key")), 5.0);
    let without_host = ask(node.addr(), "GET / HTTP/1.1\r\n\r\n", false).await;
    assert_eq!(without_host.status, 400);
}

/// Pipelined requests get one complete response.
#[tokio::test]
async fn the_first_of_pipelined_requests_is_answered_completely() {
    let node = node().await;
    let one = head("GET", "/", "1.1", "");
    let answer = ask(node.addr(), &one.repeat(100), false).await;
    assert_eq!(answer.status, 200);
    let length: usize = answer.header("content-length").unwrap().parse().unwrap();
    assert_eq!(answer.body.len(), length);
}

/// Requests after an endless response are not buffered: a client that sends many is disconnected.
#[tokio::test]
async fn requests_after_a_stream_are_not_buffered() {
    let node = node().await;
    let mut honest = Client::connect(node.addr(), "").await;
    for path in ["/events", "/status/live"] {
        let mut busy = TcpStream::connect(node.addr()).await.unwrap();
        busy.write_all(head("GET", path, "1.1", "").as_bytes())
            .await
            .unwrap();
        let padded = head(
            "GET",
            "/",
            "1.1",
            &format!("X-Padding: {}\r\n", "x".repeat(100_000)),
        );
        let (mut reader, mut writer) = busy.into_split();
        let sending = async {
            // Eventually it cannot send any more.
            while writer.write_all(padded.as_bytes()).await.is_ok() {}
        };
        let in_time = tokio::time::timeout(Duration::from_secs(30), sending).await;
        assert!(in_time.is_ok(), "it may send without limit after {path}");
        let mut bytes = [0; 4096];
        while matches!(reader.read(&mut bytes).await, Ok(1..)) {}
    }
    node.metric_becomes(REFUSED_CONNECTIONS, Some("overrun"), 2.0)
        .await;
    let next = node.append_one("app.bsky.feed.post", "did:plc:a");
    honest.expect([&next]).await;
    assert_eq!(node.metric(DISCONNECTS, None), 1.0);
}

/// Sends as much as possible after a head, until the connection ends.
async fn flood(addr: SocketAddr, head: &str) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let bytes = vec![b'x'; 65_536];
    let sending = async { while writer.write_all(&bytes).await.is_ok() {} };
    let in_time = tokio::time::timeout(Duration::from_secs(30), sending).await;
    assert!(in_time.is_ok(), "it may send without limit after {head}");
    let mut rest = [0; 4096];
    while matches!(reader.read(&mut rest).await, Ok(1..)) {}
}

/// After a refused upgrade the following bytes are not read as WebSocket.
#[tokio::test]
async fn nothing_is_read_after_a_refused_websocket() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.http.close_linger = Duration::from_hours(1);
    })
    .await;
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
    let good = format!("{upgrade}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    for (path, headers) in [("/subscribe", upgrade), ("/subscribe?cursor=x", &good)] {
        flood(node.addr(), &head("GET", path, "1.1", headers)).await;
    }
    node.metric_becomes(REFUSED_CONNECTIONS, Some("overrun"), 2.0)
        .await;
}

/// A client whose body is refused can read the reason, within a short time.
#[tokio::test]
async fn a_refused_body_is_read_briefly() {
    let node = node().await;
    for path in ["/nowhere", "/subscribe", "/events", "/events?cursor=x"] {
        let length = format!("Content-Length: {}\r\n", u64::MAX);
        flood(node.addr(), &head("POST", path, "1.1", &length)).await;
    }
}

/// A connection serves one request, so it never waits for a second.
#[tokio::test]
async fn a_connection_is_closed_after_its_response() {
    let node = node().await;
    let mut stream = TcpStream::connect(node.addr()).await.unwrap();
    let first = head("GET", "/status", "1.1", "Connection: keep-alive\r\n");
    stream.write_all(first.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let reading = stream.read_to_string(&mut answer);
    let read = tokio::time::timeout(Duration::from_secs(3), reading).await;
    assert!(read.is_ok(), "it waits for another request");
}
