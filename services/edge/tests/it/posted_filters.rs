//! `POST /events`: filters that are too long for a URL.

use std::net::Ipv4Addr;
use std::time::Duration;

use fanjet_edge::EdgeConfig;
use fanjet_edge::metrics::{INBOUND_PAUSES, REFUSED_HANDSHAKES, SUBSCRIBERS};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, EventStream, FaultyLog, Node, body, commit, time_of};

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";
const A: &str = "did:plc:a";
const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

async fn node(adjust: impl FnOnce(&mut EdgeConfig)) -> Node {
    Node::start_with(FaultyLog::new(), adjust).await
}

fn head(length: usize) -> String {
    format!("POST /events HTTP/1.1\r\nHost: edge.test\r\nContent-Length: {length}\r\n\r\n")
}

/// The start of a request, from this address.
async fn begun(node: &Node, from: Ipv4Addr, text: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let mut stream = socket.connect(node.addr()).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Everything until the server ends the connection, whether or not it has read the whole request.
async fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut part).await {
        answer.extend_from_slice(&part[..read]);
    }
    String::from_utf8(answer).unwrap()
}

async fn refused(node: &Node, query: &str, text: &str) -> String {
    let head = head(text.len()).replacen("/events", &format!("/events{query}"), 1);
    rest(begun(node, HERE, &(head + text)).await).await
}

/// A filter of this many bytes that passes everything, mostly spaces.
fn padded(length: usize) -> String {
    "{}".to_owned() + &" ".repeat(length - 2)
}

#[tokio::test]
async fn a_posted_filter_applies() {
    let node = Node::start().await;
    let filter = r#"{"wantedCollections":["app.bsky.feed.post"],"unwantedDids":["did:plc:b"],"maxMessageSizeBytes":1000}"#;
    let sse = "Accept: text/event-stream\r\n";
    let mut all = Vec::new();
    for (query, headers, from) in [
        ("", "", None),
        ("", sse, None),
        ("?format=sse&heartbeat=300", "", None),
        ("?cursor=1", "Content-Type: application/json\r\n", Some(0)),
        ("?cursor=1", "Last-Event-ID: FOURTH\r\n", Some(1)),
    ] {
        let headers = headers.replace("FOURTH", &time_of(4).to_string());
        let mut stream = EventStream::post(node.addr(), query, &headers, filter).await;
        let is_sse = stream.header("content-type").unwrap().contains("event");
        all.extend(node.log.append([
            commit(LIKE, A),
            commit(POST, "did:plc:b"),
            commit(POST, A).padded(2000),
            commit(POST, A),
        ]));
        let expected = all.iter().skip(3).step_by(4);
        let expected: Vec<_> = expected.skip(from.unwrap_or(all.len() / 4 - 1)).collect();
        match is_sse {
            true => stream.expect_sse(expected).await,
            false => stream.expect_lines(expected).await,
        }
    }
}

#[tokio::test]
async fn a_filter_too_long_for_any_url() {
    let node = Node::start().await;
    let dids: Vec<_> = (0..10_000)
        .map(|n| format!("\"did:plc:{n:024}\""))
        .collect();
    let filter = format!(r#"{{"unwantedDids":[{}]}}"#, dids.join(","));
    let mut stream = EventStream::post(node.addr(), "", "", &filter).await;
    let unwanted = format!("did:plc:{:024}", 9_999);
    let entries = node.log.append([commit(POST, &unwanted), commit(POST, A)]);
    stream.expect_lines(&entries[1..]).await;
}

#[tokio::test]
async fn invalid_bodies_are_refused() {
    let node = Node::start().await;
    let payload = "bad options_update payload (allowed: a JSON object such as ";
    let whole =
        r#"{"type":"options_update","payload":{"wantedCollections":["app.bsky.feed.post"]}}"#;
    for (query, text, words) in [
        ("", "", payload),
        ("", "[]", payload),
        ("", r#"{"wantedDids":"did:plc:a"}"#, payload),
        // Its keys are not those of a filter: it would pass everything.
        ("", whole, payload),
        (
            "",
            r#"{"wantedDids":["x"]}"#,
            "invalid subscriber options: invalid DID: x (allowed: ",
        ),
        (
            "?wantedDids=did:plc:a",
            "{}",
            "invalid subscriber options: wantedDids belongs in the body of a POST (allowed in its URL: ",
        ),
        (
            "?cursor=x",
            "{}",
            "invalid cursor: x (allowed: a decimal number",
        ),
    ] {
        let answer = refused(&node, query, text).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(body(&answer).starts_with(words), "{answer}");
        assert!(
            answer.contains("access-control-allow-origin: *\r\n"),
            "{answer}"
        );
    }
    assert_eq!(node.metric(REFUSED_HANDSHAKES, Some("bad_body")), 4.0);
    assert_eq!(
        node.metric(REFUSED_HANDSHAKES, Some("invalid_options")),
        3.0
    );
    assert_eq!(node.metric(SUBSCRIBERS, None), 0.0);
}

/// Filters are kept for the whole connection, so megabytes of values are refused.
#[tokio::test]
async fn posted_filters_are_bounded() {
    let node = Node::start().await;
    let list = |name: &str, values: Vec<String>| format!("{{\"{name}\":{values:?}}}");
    let prefixes = || (0..100).map(|n| format!("a{n}.{}.*", "b".repeat(400)));
    let dids = || (0..10_000).map(|n| format!("did:web:a{n}.{}.com", "b".repeat(200)));
    for (text, words) in [
        (
            list("wantedCollections", prefixes().collect()),
            "invalid subscriber options: invalid collection: a0.bbb",
        ),
        (
            list("unwantedCollections", prefixes().collect()),
            "invalid subscriber options: invalid unwanted collection: a0.bbb",
        ),
        (
            list("wantedDids", dids().collect()),
            "invalid subscriber options: too long values: ",
        ),
        (
            list("unwantedDids", dids().collect()),
            "invalid subscriber options: too long values: ",
        ),
    ] {
        let answer = refused(&node, "", &text).await;
        assert!(body(&answer).starts_with(words), "{answer}");
        let mut client = Client::connect(node.addr(), "").await;
        let update = format!(r#"{{"type":"options_update","payload":{text}}}"#);
        client.send(Message::text(update)).await;
        let (code, _) = client.read_to_end().await.1.unwrap();
        assert_eq!(code, 1008);
    }
    assert_eq!(node.metric(SUBSCRIBERS, None), 0.0);
}

/// As long as an `options_update` may be, and one byte more: refused before it is read.
#[tokio::test]
async fn ten_megabytes_and_one_byte() {
    let node = Node::start().await;
    let mut stream = EventStream::post(node.addr(), "", "", &padded(10_000_000)).await;
    let entry = node.append_one(POST, A);
    stream.expect_lines([&entry]).await;

    let mut announced = begun(&node, HERE, &head(10_000_001)).await;
    let mut answer = vec![0; 12];
    announced.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 413");

    assert_eq!(node.metric(REFUSED_HANDSHAKES, Some("body_too_long")), 1.0);
}

/// A slow body occupies one slot of its sender for a while, and nothing else.
#[tokio::test]
async fn a_slow_body_times_out() {
    let node = node(|config| {
        config.http.max_subscribers_per_address = 2;
        config.subscriber.message_timeout = Duration::from_millis(500);
    })
    .await;
    let mut slow = Vec::new();
    for _ in 0..2 {
        let head = head(2).replacen("\r\n", "\r\nExpect: 100-continue\r\n", 1);
        let mut stream = begun(&node, HERE, &head).await;
        // It has a slot by now.
        let mut answer = [0; 25];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(b"{").await.unwrap();
        slow.push(stream);
    }
    let full = refused(&node, "", "{}").await;
    assert!(full.starts_with("HTTP/1.1 429 "), "{full}");
    let mut stream = begun(&node, Ipv4Addr::new(127, 0, 0, 2), &(head(2) + "{}")).await;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    for slow in slow {
        let answer = rest(slow).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert_eq!(
            body(&answer),
            "timed out waiting for the body (edge.subscriber.message_timeout)"
        );
    }
    let mut stream = EventStream::post(node.addr(), "", "", "{}").await;
    let entry = node.append_one(POST, A);
    stream.expect_lines([&entry]).await;
}

/// Longer than the free amount, unfinished, from one address: bodies of other clients find room.
#[tokio::test]
async fn slow_bodies_of_one_address_take_nothing_from_others() {
    let node = node(|config| {
        config.limits.max_inbound_bytes = 400_000;
        config.limits.max_inbound_bytes_per_address = 200_000;
        config.subscriber.max_client_message_bytes = 150_000;
    })
    .await;
    let stranger = Ipv4Addr::new(127, 0, 0, 2);
    let text = padded(149_000);
    let mut slow = Vec::new();
    for _ in 0..8 {
        slow.push(begun(&node, stranger, &(head(150_000) + &text)).await);
    }
    node.metric_becomes(REFUSED_HANDSHAKES, Some("inbound_full"), 7.0)
        .await;
    let mut stream = EventStream::post(node.addr(), "", "", &padded(150_000)).await;
    let entry = node.append_one(POST, A);
    stream.expect_lines([&entry]).await;
    assert_eq!(node.metric(REFUSED_HANDSHAKES, Some("inbound_full")), 7.0);
    drop(slow);
}

#[tokio::test]
async fn a_body_that_ends_early_is_counted() {
    let node = Node::start().await;
    drop(begun(&node, HERE, &(head(20) + "{\"wantedDids\":")).await);
    node.metric_becomes(REFUSED_HANDSHAKES, Some("body_cut_off"), 1.0)
        .await;
    node.metric_falls_to(SUBSCRIBERS, 0.0).await;
}

/// Bodies count like messages.
#[tokio::test]
async fn too_many_posted_bytes_are_throttled() {
    let node = node(|config| {
        config.limits.max_sent_bytes_per_second = 200_000;
        config.subscriber.max_client_message_bytes = 100_000;
    })
    .await;
    let begin = std::time::Instant::now();
    // The burst, plus two seconds' worth.
    for _ in 0..7 {
        drop(EventStream::post(node.addr(), "", "", &padded(100_000)).await);
    }
    assert!(begin.elapsed() >= Duration::from_millis(1_900));
    assert!(node.metric(INBOUND_PAUSES, None) >= 1.0);
}

#[tokio::test]
async fn draining_does_not_wait_for_a_body() {
    let node = Node::start().await;
    let slow = begun(&node, HERE, &(head(2) + "{")).await;
    let mut stream = EventStream::post(node.addr(), "", "", "{}").await;
    let entry = node.append_one(POST, A);
    stream.expect_lines([&entry]).await;
    let begun = std::time::Instant::now();
    let (ended, answer) = tokio::join!(node.stop(), rest(slow));
    ended.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(8));
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 503 "),
        "{answer}"
    );
}
