//! A connection after its response head: bytes in the handshake packet, over plain connections and TLS, and what remains after
//! its end.

use std::time::Duration;

use fanjet_edge::metrics::{DISCONNECTS, SUBSCRIBERS};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Client, FaultyLog, Node, commit, descriptors, eventually};
use crate::tls;

const LIKE: &str = "app.bsky.feed.like";
const POST: &str = "app.bsky.feed.post";

fn head(target: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: edge.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// An options update as a client's frame, masked with zeros, with this much filler.
fn options_update(collection: &str, filler: usize) -> Vec<u8> {
    let padding = " ".repeat(filler);
    let text = format!(
        r#"{{"type":"options_update",{padding}"payload":{{"wantedCollections":["{collection}"]}}}}"#
    );
    let mut frame = vec![0x81, 0x80 | 127];
    frame.extend_from_slice(&(text.len() as u64).to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// Reads the response head and nothing after it.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        read.push(stream.read_u8().await.unwrap());
    }
    assert!(read.starts_with(b"HTTP/1.1 101 "));
}

/// Sends the handshake and an options update at once, and expects only matching events.
async fn hello_in_one_packet(
    node: &Node,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    filler: usize,
) {
    let mut sent = head("/subscribe?requireHello=true").into_bytes();
    sent.extend(options_update(POST, filler));
    node.metric_falls_to(SUBSCRIBERS, 0.0).await;
    stream.write_all(&sent).await.unwrap();
    node.metric_becomes(SUBSCRIBERS, None, 1.0).await;
    read_head(&mut stream).await;
    // The hello applies from the moment it is read.
    let mut first = vec![0; 2];
    let reading = async {
        stream.read_exact(&mut first).await.unwrap();
        stream
    };
    let writing = async {
        loop {
            node.append_one(LIKE, "did:plc:a");
            node.append_one(POST, "did:plc:b");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let mut stream = tokio::select! {
        stream = reading => stream,
        () = writing => unreachable!(),
    };
    assert_eq!(first, [0x81, 126]);
    let len = stream.read_u16().await.unwrap();
    let mut event = vec![0; len.into()];
    stream.read_exact(&mut event).await.unwrap();
    let event: serde_json::Value = serde_json::from_slice(&event).unwrap();
    assert_eq!(event["commit"]["collection"], POST);
}

#[tokio::test]
async fn bytes_in_the_handshake_packet_are_read() {
    let node = Node::start().await;
    // A little, more than is read before the response, and more than is parsed at once.
    for filler in [0, 6_000, 100_000] {
        let stream = TcpStream::connect(node.addr()).await.unwrap();
        hello_in_one_packet(&node, stream, filler).await;
    }
}

#[tokio::test]
async fn bytes_in_the_handshake_packet_are_read_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    tls::install(folder.path(), 0);
    let node = Node::start_with(FaultyLog::new(), |config| {
        tls::use_files(config, folder.path());
    })
    .await;
    for filler in [0, 100_000] {
        let stream = tls::connect(node.addr(), 0).await.unwrap();
        hello_in_one_packet(&node, stream, filler).await;
    }
}

/// A lot of data through TLS to a slow reader: everything, in order.
#[tokio::test]
async fn a_slow_reader_over_tls_gets_everything_once_in_order() {
    let folder = tempfile::tempdir().unwrap();
    tls::install(folder.path(), 0);
    let node = Node::start_with(FaultyLog::new(), |config| {
        tls::use_files(config, folder.path());
        config.subscriber.max_pending_bytes = 50_000;
        config.subscriber.max_unsent_bytes = 8_000;
        config.subscriber.ping_interval = Duration::from_millis(20);
    })
    .await;
    let mut stream = tls::connect(node.addr(), 0).await.unwrap();
    stream
        .write_all(head("/subscribe").as_bytes())
        .await
        .unwrap();
    node.metric_becomes(SUBSCRIBERS, None, 1.0).await;
    let sizes = (0..600).map(|n| 100 + n * 37 % 9_000);
    let events = sizes.map(|size| commit(POST, "did:plc:a").padded(size));
    let written = node.log.append(events);
    read_head(&mut stream).await;
    for (n, entry) in written.iter().enumerate() {
        // A ping is allowed only between two events.
        while stream.read_u8().await.unwrap() == 0x89 {
            assert_eq!(stream.read_u8().await.unwrap(), 0);
        }
        let len = stream.read_u8().await.unwrap();
        let len = match len {
            126 => stream.read_u16().await.unwrap().into(),
            len => usize::from(len),
        };
        let mut body = vec![0; len];
        stream.read_exact(&mut body).await.unwrap();
        assert!(body == entry.body[..], "event {n}");
        if n % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Connections end in every possible way; none leaves a descriptor, a subscriber or a slot behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_closed_connection_frees_its_descriptors() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.subscriber.max_unsent_bytes = 8_000;
        config.subscriber.max_pending_bytes = 20_000;
        config.subscriber.write_stall_timeout = Duration::from_millis(200);
        config.http.close_linger = Duration::from_millis(50);
        config.http.max_subscribers_per_address = 0;
        config.http.max_connections_per_address = 0;
    })
    .await;
    let at_first = descriptors(node.addr());
    assert!(at_first >= 1);
    let mut ended = 0.0;
    for round in 0..10 {
        let mut open = Vec::new();
        // Sends no request, or another one.
        open.push(TcpStream::connect(node.addr()).await.unwrap());
        let mut refused = TcpStream::connect(node.addr()).await.unwrap();
        let head_of_a_refusal = head("/subscribe?cursor=x");
        refused
            .write_all(head_of_a_refusal.as_bytes())
            .await
            .unwrap();
        open.push(refused);
        for target in ["/subscribe", "/subscribe?requireHello=true", "/events"] {
            for end in 0..5 {
                let mut stream = TcpStream::connect(node.addr()).await.unwrap();
                let asked = match target {
                    "/events" => format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"),
                    _ => head(target),
                };
                stream.write_all(asked.as_bytes()).await.unwrap();
                ended += 1.0;
                if end > 0 {
                    let mut status = [0; 12];
                    stream.read_exact(&mut status).await.unwrap();
                }
                match end {
                    // Disconnects before the response.
                    0 => {}
                    // Disconnects with unread data, so its kernel resets the connection.
                    1 => {}
                    // Closes only its own half.
                    2 => {
                        stream.shutdown().await.unwrap();
                        open.push(stream);
                    }
                    // Sends invalid data; a stream drops its input.
                    3 => {
                        stream.write_all(&[0xff; 100]).await.unwrap();
                        if target != "/events" {
                            open.push(stream);
                        }
                    }
                    // Reads nothing until it is disconnected, or leaves at the end.
                    _ => open.push(stream),
                }
            }
        }
        let events = (0..60).map(|_| commit(POST, "did:plc:a").padded(20_000));
        node.log.append(events);
        if round % 2 == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    node.metric_falls_to(SUBSCRIBERS, 0.0).await;
    eventually("all descriptors are released", || {
        descriptors(node.addr()) == at_first
    })
    .await;
    // A client that left before the response may never have become a subscriber.
    let disconnects = node.metric(DISCONNECTS, None);
    assert!(
        disconnects <= ended && disconnects >= ended * 0.8,
        "{disconnects} of {ended}"
    );
    let mut last = Client::connect(node.addr(), "").await;
    let entry = node.append_one(POST, "did:plc:a");
    last.expect([&entry]).await;
}
