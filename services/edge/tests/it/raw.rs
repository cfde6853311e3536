//! `com.atproto.sync.subscribeRepos`: the raw log, byte for byte, from any cursor.

mod filters;
mod pressure;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanjet_edge::config::RawServeConfig;
use fanjet_edge::metrics::REFUSED_HANDSHAKES;
use fanjet_edge::{Edge, EdgeConfig, EdgeDeps, EdgeHandle};
use fanjet_event::{FrameStamp, FrameTopic, TimeUs, Topic};
use fanjet_log::memory::{MemoryBookmarks, MemoryClusterState, MemoryLog};
use fanjet_log::{EventLog, NewEvent, Origin, RawLog, UpstreamId};
use fanjet_runtime::{Stop, SystemClock};
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Response};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::{Instruments, eventually};

const PATH: &str = "/xrpc/com.atproto.sync.subscribeRepos";
const PATIENCE: Duration = Duration::from_secs(60);
const NOW: u64 = 1_783_175_888_000_000;

/// A node that serves a raw log.
struct Node {
    handle: EdgeHandle,
    stop: Stop,
    instruments: Instruments,
}

impl Node {
    async fn over(raw: &Arc<MemoryLog>, adjust: impl FnOnce(&mut EdgeConfig)) -> Self {
        let mut config = EdgeConfig::default();
        config.http.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.http.workers = 2;
        config.http.close_linger = Duration::from_millis(600);
        config.raw.future_slack = 50;
        config.raw.max_subscribers_per_address = 0;
        adjust(&mut config);
        let instruments = Instruments::new();
        let stop = Stop::new();
        let deps = EdgeDeps {
            tracer: None,
            log: Arc::new(MemoryLog::new()),
            cluster_state: Arc::new(MemoryClusterState::default()),
            clock: Arc::new(SystemClock),
            instance: "edge-of-test/1/0a".to_owned(),
        };
        let log = RawLog::opened(raw.clone(), Arc::new(MemoryBookmarks::default()));
        let handle =
            Edge::start_with_raw(config, deps, Some(log), &instruments.meter(), stop.clone())
                .unwrap();
        let node = Self {
            handle,
            stop,
            instruments,
        };
        // A client is let in once the node has reached the log.
        for _ in 0..5_000 {
            if node.try_connect("").await.is_ok() {
                return node;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("the node never let a client in");
    }

    async fn try_connect(&self, query: &str) -> Result<Client, Option<u16>> {
        let stream = TcpStream::connect(self.handle.addr()).await.unwrap();
        Client::over(stream, query).await.map(|(client, _)| client)
    }

    async fn connect(&self, query: &str) -> Client {
        self.try_connect(query).await.unwrap()
    }

    async fn stop(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.handle.join()).await;
        ended.unwrap().unwrap();
    }
}

#[derive(Debug)]
struct Client(WebSocketStream<TcpStream>);

/// What a client gets.
#[derive(Debug, PartialEq, Eq)]
enum Got {
    Frame(Bytes),
    Closed(u16, String),
    /// Without a close frame.
    Cut,
}

impl Client {
    /// Over an open socket; the status when it is refused.
    async fn over(
        stream: TcpStream,
        query: &str,
    ) -> Result<(Self, Response<Option<Vec<u8>>>), Option<u16>> {
        let mut request = format!("ws://edge.test{PATH}{query}")
            .into_client_request()
            .unwrap();
        // As a page of another site, and as clients that would like both.
        for (name, value) in [
            ("origin", "https://other.test"),
            ("sec-websocket-extensions", "permessage-deflate"),
        ] {
            let value = HeaderValue::from_static(value);
            request.headers_mut().insert(name, value);
        }
        match client_async(request, stream).await {
            Ok((socket, response)) => Ok((Self(socket), response)),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
                Err(Some(response.status().as_u16()))
            }
            Err(_) => Err(None),
        }
    }

    async fn next(&mut self) -> Got {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await;
            match message.expect("a message, or the end") {
                Some(Ok(Message::Binary(frame))) => return Got::Frame(frame),
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Got::Closed(frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("{other:?}"),
                Some(Err(_)) | None => return Got::Cut,
            }
        }
    }

    /// The bodies of the next frames are these.
    async fn expect(&mut self, frames: &[NewEvent]) {
        for frame in frames {
            assert_eq!(self.next().await, Got::Frame(frame.body.clone()));
        }
    }
}

/// A frame of any bytes: the edge does not look into it.
fn frame(wire_seq: u64, bytes: usize) -> NewEvent {
    frame_about(wire_seq, bytes, None)
}

/// A frame about this, as its stamp says.
fn frame_about(wire_seq: u64, bytes: usize, topic: Option<FrameTopic>) -> NewEvent {
    let mut body = format!("\u{a2}frame {wire_seq};").into_bytes();
    body.resize(bytes.max(body.len()), wire_seq as u8);
    NewEvent {
        topic: Topic::Frame(Arc::new(FrameStamp {
            wire_seq,
            time: TimeUs::new(NOW + wire_seq % 1_000_000_000).unwrap(),
            topic,
        })),
        origin: Origin {
            upstream: UpstreamId::new("relay").unwrap(),
            relay_seq: wire_seq,
            op_index: 0,
            op_count: 1,
            time: "2026-07-04T14:38:08.999Z".parse().unwrap(),
        },
        body: Bytes::from(body),
        trace: None,
    }
}

async fn append(log: &MemoryLog, frames: &[NewEvent]) {
    let last = log.bounds().await.unwrap().last;
    let mut appender = log.appender(last).await.unwrap();
    appender.append(frames).await.unwrap();
    appender.flush().await.unwrap();
}

fn frames(wire_seqs: impl IntoIterator<Item = u64>) -> Vec<NewEvent> {
    wire_seqs.into_iter().map(|seq| frame(seq, 40)).collect()
}

fn info(name: &str) -> impl Fn(&Got) -> bool {
    let wanted = format!("name{}{name}", char::from(0x60 | name.len() as u8));
    move |got| matches!(got, Got::Frame(frame) if frame.starts_with(b"\xa2\x61t\x65#info\x62op\x01") && contains(frame, &wanted))
}

fn error(name: &str) -> impl Fn(&Got) -> bool {
    let wanted = format!("error{}{name}", char::from(0x60 | name.len() as u8));
    move |got| matches!(got, Got::Frame(frame) if frame.starts_with(b"\xa1\x62op\x20") && contains(frame, &wanted))
}

fn contains(frame: &[u8], text: &str) -> bool {
    frame
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

/// The log of the catalogue, followed by one more frame while clients are connected.
#[tokio::test(flavor = "multi_thread")]
async fn cursors_start_where_they_should() {
    // From the ring, and from a log whose frames the ring does not have.
    for ring_bytes in [1 << 20, 1] {
        let raw = Arc::new(MemoryLog::new());
        let all = frames([100, 101, 105, 110]);
        append(&raw, &all).await;
        let node = Node::over(&raw, |config| config.raw.ring_bytes = ring_bytes).await;
        let mut clients = Vec::new();
        for (query, outdated, replayed) in [
            ("", false, &all[4..]),
            ("?cursor=", false, &all[4..]),
            ("?cursor=105", false, &all[2..]),
            ("?cursor=106", false, &all[3..]),
            ("?cursor=0", false, &all[..]),
            ("?cursor=100", false, &all[..]),
            ("?cursor=50", true, &all[..]),
            ("?cursor=110", false, &all[3..]),
            ("?cursor=111", false, &all[4..]),
            ("?cursor=105&cursor=0", false, &all[2..]),
        ] {
            let mut client = node.connect(query).await;
            if outdated {
                let got = client.next().await;
                assert!(info("OutdatedCursor")(&got), "{query}: {got:?}");
            }
            client.expect(replayed).await;
            clients.push(client);
        }
        let mut far = node.connect("?cursor=160").await;
        let more = frames([112, 159, 161]);
        append(&raw, &more).await;
        for client in &mut clients {
            client.expect(&more).await;
        }
        // What is below its cursor is not sent.
        far.expect(&more[2..]).await;
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_cursors_get_an_error_frame_and_1008() {
    let raw = Arc::new(MemoryLog::new());
    append(&raw, &frames([100, 110])).await;
    let node = Node::over(&raw, |_| {}).await;
    for cursor in ["abc", "-1", "1e5", "9007199254740992", "%2B5x"] {
        let mut client = node.connect(&format!("?cursor={cursor}")).await;
        let got = client.next().await;
        assert!(error("InvalidRequest")(&got), "{cursor}: {got:?}");
        let closed = Got::Closed(1008, "InvalidRequest".to_owned());
        assert_eq!(client.next().await, closed, "{cursor}");
    }
    let mut client = node.connect("?cursor=161").await;
    let got = client.next().await;
    assert!(error("FutureCursor")(&got), "{got:?}");
    let closed = Got::Closed(1008, "FutureCursor".to_owned());
    assert_eq!(client.next().await, closed);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_log_makes_every_cursor_live() {
    let raw = Arc::new(MemoryLog::new());
    let node = Node::over(&raw, |_| {}).await;
    let mut clients = Vec::new();
    for cursor in ["", "?cursor=0", "?cursor=5", "?cursor=30000000000"] {
        clients.push(node.connect(cursor).await);
    }
    let first = frames([7, 9]);
    append(&raw, &first).await;
    for client in &mut clients {
        client.expect(&first).await;
    }
    let mut client = node.connect("?cursor=30000000000").await;
    assert!(error("FutureCursor")(&client.next().await));
    node.stop().await;
}

/// The cutover from pages to the ring, under load, with a ring that holds little.
#[tokio::test(flavor = "multi_thread")]
async fn replays_under_load_get_every_frame_once_in_order() {
    let raw = Arc::new(MemoryLog::new());
    let all: Vec<_> = (0..6_000u64)
        .map(|n| frame(1_000 + 3 * n, 200 + (n as usize * 37) % 3_000))
        .collect();
    append(&raw, &all[..2_000]).await;
    let node = Node::over(&raw, |config| {
        config.raw.ring_bytes = 300_000;
        config.raw.cache_bytes = 400_000;
    })
    .await;
    let mut readers = Vec::new();
    for start in [0, 1, 63, 64, 65, 700, 1_990, 1_999] {
        let mut client = node
            .connect(&format!("?cursor={}", 1_000 + 3 * start as u64))
            .await;
        let expected = all[start..].to_vec();
        readers.push(async move { client.expect(&expected).await });
    }
    let writing = async {
        for batch in all[2_000..].chunks(40) {
            append(&raw, batch).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::join!(writing, futures::future::join_all(readers));
    node.stop().await;
}

/// It reads nothing until much more than the ring has gone by.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_gets_everything_from_the_log() {
    let raw = Arc::new(MemoryLog::new());
    append(&raw, &frames([1])).await;
    let node = Node::over(&raw, |config| config.raw.ring_bytes = 500_000).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(node.handle.addr()).await.unwrap();
    let (mut slow, _) = Client::over(stream, "").await.unwrap();
    let mut quick = node.connect("").await;
    let all: Vec<_> = (2..3_000u64).map(|seq| frame(seq, 3_000)).collect();
    append(&raw, &all).await;
    quick.expect(&all).await;
    slow.expect(&all).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_whose_frames_have_expired_gets_an_error_frame() {
    let raw = Arc::new(MemoryLog::new());
    append(&raw, &frames([1])).await;
    let node = Node::over(&raw, |config| config.raw.ring_bytes = 100_000).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(node.handle.addr()).await.unwrap();
    let (mut slow, _) = Client::over(stream, "").await.unwrap();
    let all: Vec<_> = (2..6_000u64).map(|seq| frame(seq, 5_000)).collect();
    for batch in all.chunks(100) {
        append(&raw, batch).await;
    }
    eventually("the ring has the end", || {
        node.instruments.sum("fanjet_edge_raw_wire_seq", None) >= 5_999.0
    })
    .await;
    raw.expire(5_900);
    let mut got = 0;
    loop {
        match slow.next().await {
            Got::Frame(body) if body == all[got].body => got += 1,
            other => {
                assert!(error("ConsumerTooSlow")(&other), "{other:?} after {got}");
                break;
            }
        }
    }
    let closed = Got::Closed(1008, "ConsumerTooSlow".to_owned());
    assert_eq!(slow.next().await, closed);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_closes_with_1012_and_a_return_misses_nothing() {
    let raw = Arc::new(MemoryLog::new());
    append(&raw, &frames([5, 6])).await;
    let node = Node::over(&raw, |_| {}).await;
    let mut client = node.connect("?cursor=5").await;
    client.expect(&frames([5, 6])).await;
    node.stop.cancel();
    let closed = Got::Closed(1012, "restarting".to_owned());
    assert_eq!(client.next().await, closed);
    node.handle.join().await.unwrap();
    append(&raw, &frames([9])).await;
    let node = Node::over(&raw, |_| {}).await;
    let mut client = node.connect("?cursor=6").await;
    client.expect(&frames([6, 9])).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_send_is_ignored_up_to_a_limit() {
    let raw = Arc::new(MemoryLog::new());
    let node = Node::over(&raw, |_| {}).await;
    let mut client = node.connect("").await;
    client.0.send(Message::text("hello")).await.unwrap();
    client.0.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    append(&raw, &frames([5])).await;
    client.expect(&frames([5])).await;
    client
        .0
        .send(Message::binary(vec![0; 100 << 10]))
        .await
        .unwrap();
    let closed = Got::Closed(1009, "message too big".to_owned());
    assert_eq!(client.next().await, closed);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_answers_no_ping_is_closed() {
    let raw = Arc::new(MemoryLog::new());
    let node = Node::over(&raw, |config| {
        config.subscriber.ping_interval = Duration::from_millis(100);
        config.subscriber.pong_timeout = Duration::from_millis(300);
    })
    .await;
    // One that answers stays: its library does.
    let mut alive = node.connect("").await;
    let dead = node.connect("").await;
    let gone = || {
        node.instruments.sum(
            "fanjet_edge_raw_disconnects_total",
            Some(("reason", "pong_timeout")),
        )
    };
    let reading = tokio::time::timeout(Duration::from_secs(2), alive.next());
    let (read, ()) = tokio::join!(
        reading,
        eventually("the dead one is closed", || gone() >= 1.0)
    );
    assert!(read.is_err(), "{read:?}");
    append(&raw, &frames([5])).await;
    alive.expect(&frames([5])).await;
    drop(dead);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_node_answers_503_and_places_are_given_back() {
    let raw = Arc::new(MemoryLog::new());
    let node = Node::over(&raw, |config| config.raw.max_subscribers = 2).await;
    let mut held = Vec::new();
    // The first probe may still hold a place.
    while held.len() < 2 {
        match node.try_connect("").await {
            Ok(client) => held.push(client),
            Err(status) => assert_eq!(status, Some(503)),
        }
    }
    let refused = || {
        node.instruments
            .sum(REFUSED_HANDSHAKES, Some(("reason", "node_full")))
    };
    let before = refused();
    assert_eq!(node.try_connect("").await.unwrap_err(), Some(503));
    assert_eq!(refused(), before + 1.0);
    held.pop();
    for _ in 0..5_000 {
        if node.try_connect("").await.is_ok() {
            node.stop().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("the place was never given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_log_at_its_place_closes_its_readers() {
    let raw = Arc::new(MemoryLog::new());
    append(&raw, &frames([5])).await;
    let node = Node::over(&raw, |_| {}).await;
    let mut client = node.connect("?cursor=5").await;
    client.expect(&frames([5])).await;
    raw.recreate(1_000);
    append(&raw, &frames([3])).await;
    let closed = Got::Closed(1012, "the log was replaced".to_owned());
    assert_eq!(client.next().await, closed);
    // Refused until the node follows the new log.
    let mut client = loop {
        match node.try_connect("?cursor=0").await {
            Ok(client) => break client,
            Err(status) => assert_eq!(status, Some(503)),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    client.expect(&frames([3])).await;
    node.stop().await;
}

/// What HTTP says, on this path and beside it.
#[tokio::test(flavor = "multi_thread")]
async fn the_handshake_is_that_of_a_relay() {
    let raw = Arc::new(MemoryLog::new());
    let node = Node::over(&raw, |_| {}).await;
    let stream = TcpStream::connect(node.handle.addr()).await.unwrap();
    let (_client, response) = Client::over(stream, "").await.unwrap();
    let headers = response.headers();
    assert!(!headers.contains_key("sec-websocket-extensions"));
    assert!(!headers.contains_key("sec-websocket-protocol"));
    let server = headers["server"].to_str().unwrap();
    assert!(
        server.starts_with("fanjet/") && server.contains("atproto-relay"),
        "{server}"
    );

    let ask = async |request: &str| {
        let mut stream = TcpStream::connect(node.handle.addr()).await.unwrap();
        let request = format!("{request} HTTP/1.1\r\nhost: edge.test\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let plain = ask(&format!("GET {PATH}")).await;
    assert!(plain.starts_with("HTTP/1.1 426 "), "{plain}");
    assert!(plain.contains("\"error\":\"InvalidRequest\""), "{plain}");
    assert!(plain.contains("access-control-allow-origin: *"), "{plain}");
    let post = ask(&format!("POST {PATH}")).await;
    assert!(post.starts_with("HTTP/1.1 405 "), "{post}");
    let slash = ask(&format!("GET {PATH}/")).await;
    assert!(slash.starts_with("HTTP/1.1 404 "), "{slash}");
    node.stop().await;
}

/// The defaults are those of the fragment.
#[test]
fn the_settings_have_limits() {
    let raw = RawServeConfig::default();
    assert!(raw.max_subscribers > 0 && raw.ring_bytes > 0 && raw.cache_bytes > 0);
}
