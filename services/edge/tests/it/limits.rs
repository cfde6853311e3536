//! Limits of one client, and what other clients still get.

use std::io::Write;
use std::time::Duration;

use fanjet_edge::EdgeConfig;
use fanjet_edge::metrics::{
    DISCONNECTS, INBOUND_PAUSES, REFUSED_CONNECTIONS, REFUSED_HANDSHAKES, REPLAY_PAUSES,
};
use fanjet_log::Entry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::support::{Client, FaultyLog, Node, commit, request, request_as};

const POST: &str = "app.bsky.feed.post";
const A: &str = "did:plc:a";
const UPDATE: &str = r#"{"type":"options_update","payload":{}}"#;

async fn node(adjust: impl FnOnce(&mut EdgeConfig)) -> Node {
    Node::start_with(FaultyLog::new(), adjust).await
}

/// An update of this many bytes, mostly spaces.
fn padded(length: usize) -> String {
    " ".repeat(length - UPDATE.len()) + UPDATE
}

/// Checks that another client is served normally.
async fn still_serves(node: &Node, client: &mut Client) {
    let next = node.append_one(POST, A);
    client.expect([&next]).await;
}

/// Waits until the client's last ping is answered.
async fn answered(client: &mut Client, last: &'static [u8]) {
    client.send(Message::Ping(last.into())).await;
    while client.next_message().await != Message::Pong(last.into()) {}
}

/// A client above its rate is throttled, and other clients are not affected.
#[tokio::test]
async fn too_many_messages_are_throttled() {
    let node = node(|config| config.limits.max_messages_per_second = 5).await;
    let mut honest = node.client("").await;
    let mut busy = node.client("").await;
    let begin = std::time::Instant::now();
    for _ in 0..10 {
        busy.send(Message::text(UPDATE)).await;
    }
    still_serves(&node, &mut honest).await;
    answered(&mut busy, b"obeyed").await;
    // Five at once; bytes after the tenth wait until it is paid for.
    assert!(begin.elapsed() >= Duration::from_millis(990));
    assert!(node.metric(INBOUND_PAUSES, None) >= 1.0);
}

#[tokio::test]
async fn too_many_bytes_are_throttled() {
    let node = node(|config| {
        config.limits.max_sent_bytes_per_second = 200_000;
        config.subscriber.max_client_message_bytes = 100_000;
    })
    .await;
    let mut honest = node.client("").await;
    let mut busy = node.client("").await;
    let begin = std::time::Instant::now();
    // The burst, plus two seconds' worth.
    for _ in 0..7 {
        busy.send(Message::text(padded(100_000))).await;
    }
    still_serves(&node, &mut honest).await;
    answered(&mut busy, b"obeyed").await;
    assert!(begin.elapsed() >= Duration::from_millis(1_900));
    assert!(node.metric(INBOUND_PAUSES, None) >= 1.0);
}

/// A message that is announced and never completed holds memory; other clients do not wait for it.
#[tokio::test]
async fn long_messages_of_all_clients_share_memory() {
    let node = node(|config| config.limits.max_inbound_bytes = 300_000).await;
    let mut honest = node.client("").await;
    let mut first = node.client("").await;
    let mut second = node.client("").await;
    let long = padded(400_000);
    first.send(Message::text(long)).await;
    let (code, reason) = first.read_to_end().await.1.unwrap();
    assert_eq!(code, 1013);
    assert!(
        reason.starts_with("too many long messages in progress"),
        "{reason}"
    );
    node.metric_becomes(DISCONNECTS, Some("inbound_full"), 1.0)
        .await;
    // The memory of the first one is free again.
    second.send(Message::text(padded(200_000))).await;
    second.send(Message::Ping("obeyed".into())).await;
    assert_eq!(second.next_message().await, Message::Pong("obeyed".into()));
    still_serves(&node, &mut honest).await;
}

/// Started and never completed.
fn unfinished(length: usize) -> Message {
    let frame = Frame::message(vec![b' '; length], OpCode::Data(Data::Text), false);
    Message::Frame(frame)
}

/// For any number of parked long messages of one client, other clients find room for theirs.
#[tokio::test]
async fn one_address_cannot_take_all_inbound_memory() {
    let node = node(|config| {
        config.limits.max_inbound_bytes = 1_000_000;
        config.limits.max_inbound_bytes_per_address = 400_000;
        config.subscriber.max_client_message_bytes = 200_000;
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let mut parked = Vec::new();
    for _ in 0..7 {
        let mut client = node.client("").await;
        client.send(unfinished(180_000)).await;
        parked.push(client);
    }
    // All but two are closed.
    node.metric_becomes(DISCONNECTS, Some("inbound_full"), 5.0)
        .await;
    let other = [("X-Forwarded-For", "198.51.100.7")];
    let mut other = Client::connect_with(node.addr(), "", &other).await;
    other.send(Message::text(padded(105_000))).await;
    answered(&mut other, b"obeyed").await;
    assert_eq!(node.metric(DISCONNECTS, None), 5.0);
}

/// For any number of addresses that fill their shares, other clients find some room.
#[tokio::test]
async fn an_addresss_share_shrinks_as_memory_fills() {
    let node = node(|config| {
        config.limits.max_inbound_bytes = 1_600_000;
        config.limits.max_inbound_bytes_per_address = 400_000;
        config.subscriber.max_client_message_bytes = 390_000;
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let mut parked = Vec::new();
    for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"] {
        for _ in 0..2 {
            let of = [("X-Forwarded-For", address)];
            let mut client = Client::connect_with(node.addr(), "", &of).await;
            client.send(unfinished(230_000)).await;
            parked.push(client);
            if parked.len() < 8 {
                // The pong shows that the fragment was read.
                answered(parked.last_mut().unwrap(), b"read").await;
            }
        }
    }
    // The last address gets less than the others.
    let (code, _) = parked.pop().unwrap().read_to_end().await.1.unwrap();
    assert_eq!(code, 1013);
    let other = [("X-Forwarded-For", "198.51.100.7")];
    let mut other = Client::connect_with(node.addr(), "", &other).await;
    other.send(Message::text(padded(120_000))).await;
    answered(&mut other, b"obeyed").await;
    node.metric_becomes(DISCONNECTS, Some("inbound_full"), 1.0)
        .await;
    assert_eq!(node.metric(DISCONNECTS, None), 1.0);
}

/// DIDs that only this subscriber names, as a request body.
fn wide(of: usize, dids: usize) -> String {
    let dids: Vec<_> = (0..dids)
        .map(|n| format!("\"did:web:{of:03}x{n:05}.example.com\""))
        .collect();
    format!("{{\"wantedDids\":[{}]}}", dids.join(","))
}

/// Filters are kept while their subscribers are connected, so each address has a limit.
#[tokio::test]
async fn wide_filters_of_one_address_share_memory() {
    let node = node(|config| {
        config.limits.max_filter_bytes = 10_000_000;
        config.limits.max_filter_bytes_per_address = 1_000_000;
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let of = |address| [("X-Forwarded-For", address)];
    let update = |of, dids| {
        let payload = wide(of, dids);
        Message::text(format!(
            r#"{{"type":"options_update","payload":{payload}}}"#
        ))
    };
    let mut kept = Vec::new();
    // About 270,000 bytes each.
    for n in 0..3 {
        let mut client = Client::connect_with(node.addr(), "", &of("192.0.2.1")).await;
        client.send(update(n, 3_000)).await;
        answered(&mut client, b"obeyed").await;
        kept.push(client);
    }
    let mut fourth = Client::connect_with(node.addr(), "", &of("192.0.2.1")).await;
    fourth.send(update(3, 3_000)).await;
    node.metric_becomes(DISCONNECTS, Some("filters_full"), 1.0)
        .await;
    let (code, reason) = fourth.read_to_end().await.1.unwrap();
    assert_eq!(code, 1013);
    assert!(
        reason.starts_with("too many long filters in use"),
        "{reason}"
    );

    let body = wide(4, 3_000);
    let headers = format!(
        "X-Forwarded-For: 192.0.2.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = request_as(&node, "POST", "/events", &headers).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(
        answer.contains("edge.limits.max_filter_bytes_per_address"),
        "{answer}"
    );
    assert!(answer.contains("retry-after: "), "{answer}");
    assert_eq!(node.metric(REFUSED_HANDSHAKES, Some("filters_full")), 1.0);

    // Other clients, and short filters of the same address, find room; so does a replaced filter.
    let mut other = Client::connect_with(node.addr(), "", &of("198.51.100.7")).await;
    other.send(update(5, 3_000)).await;
    answered(&mut other, b"obeyed").await;
    let mut short = Client::connect_with(node.addr(), "", &of("192.0.2.1")).await;
    short.send(update(6, 100)).await;
    answered(&mut short, b"obeyed").await;
    kept[0].send(update(7, 3_500)).await;
    answered(&mut kept[0], b"obeyed").await;
    // Leaving, or a smaller filter, frees memory.
    kept[1].send(Message::text(UPDATE)).await;
    answered(&mut kept[1], b"obeyed").await;
    short.send(update(8, 3_000)).await;
    answered(&mut short, b"obeyed").await;
    drop(kept.pop());
    node.metric_becomes(DISCONNECTS, Some("client_gone"), 1.0)
        .await;
    kept[1].send(update(9, 3_000)).await;
    answered(&mut kept[1], b"obeyed").await;
    assert_eq!(node.metric(DISCONNECTS, None), 2.0);
}

#[tokio::test]
async fn an_unfinished_message_closes_the_connection() {
    let node = node(|config| config.subscriber.message_timeout = Duration::from_millis(300)).await;
    let mut honest = node.client("").await;
    let mut parked = node.client("").await;
    parked.send(unfinished(100_000)).await;
    let (code, reason) = parked.read_to_end().await.1.unwrap();
    assert_eq!(code, 1008);
    assert!(
        reason.starts_with("message not completed in time"),
        "{reason}"
    );
    node.metric_becomes(DISCONNECTS, Some("message_timeout"), 1.0)
        .await;
    still_serves(&node, &mut honest).await;
}

/// The first bytes announce the length of a message.
#[tokio::test]
async fn an_oversized_message_is_refused_by_its_length() {
    let node = node(|_| {}).await;
    let mut client = TcpStream::connect(node.addr()).await.unwrap();
    let head = "GET /subscribe HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let header = [&[0x81, 0xff][..], &10_000_001_u64.to_be_bytes()].concat();
    client
        .write_all(&[head.as_bytes(), &header].concat())
        .await
        .unwrap();
    let mut answer = Vec::new();
    let reading = client.read_to_end(&mut answer);
    let in_time = tokio::time::timeout(Duration::from_secs(30), reading).await;
    assert!(in_time.is_ok(), "it waits for ten million bytes");
    node.metric_becomes(DISCONNECTS, Some("message_too_big"), 1.0)
        .await;
}

/// A throttled replay is complete, and live events are not throttled.
#[tokio::test]
async fn replays_of_one_address_share_a_rate() {
    let log = FaultyLog::new();
    let mut all: Vec<Entry> = log.append((0..2000).map(|_| commit(POST, A)));
    let node = Node::start_with(log, |config| {
        config.limits.max_replay_bytes_per_second = 150_000;
        config.tail.ring_bytes = 20_000;
        config.tail.warm_entries = 10;
        config.replay.page_bytes = 20_000;
    })
    .await;
    let mut live = node.client("").await;
    let mut replays = [
        node.client("?cursor=1").await,
        node.client("?cursor=1").await,
    ];
    let next = node.append_one(POST, A);
    live.expect([&next]).await;
    all.push(next);
    for replay in &mut replays {
        replay.expect(&all).await;
    }
    assert!(
        node.metric(REPLAY_PAUSES, None) > 0.0,
        "no replay was throttled"
    );
}

/// The limit applies as well when the node still has the events in memory.
#[tokio::test]
async fn replays_from_memory_count_too() {
    let log = FaultyLog::new();
    let all: Vec<Entry> = log.append((0..2000).map(|_| commit(POST, A)));
    let node = Node::start_with(log, |config| {
        config.limits.max_replay_bytes_per_second = 150_000;
        config.subscriber.catch_up_bytes = 20_000;
    })
    .await;
    let mut replays = [
        node.client("?cursor=1").await,
        node.client("?cursor=1&requireHello=true").await,
    ];
    replays[1].send(Message::text(UPDATE)).await;
    for replay in &mut replays {
        replay.expect(&all).await;
    }
    assert!(
        node.metric(REPLAY_PAUSES, None) > 0.0,
        "no replay was throttled"
    );
}

/// A slow reader of live events has not asked for past ones.
#[tokio::test]
async fn a_reader_that_falls_behind_is_not_throttled() {
    let node = node(|config| {
        config.limits.max_replay_bytes_per_second = 1;
        config.subscriber.max_pending_bytes = 1_000;
        config.subscriber.catch_up_bytes = 20_000;
    })
    .await;
    let mut slow = Client::connect_narrow(node.addr(), "").await;
    let all = node
        .log
        .append((0..500).map(|_| commit(POST, A).padded(20_000)));
    node.tail_caught_up().await;
    slow.expect(&all).await;
    assert!(node.metric(REPLAY_PAUSES, None) < 1.0);
}

#[tokio::test]
async fn a_key_has_its_own_limits_and_an_unknown_one_is_refused() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    // The hash of `open sesame`.
    file.write_all(
        b"[[key]]\nname = \"acme\"\nmax_subscribers = 2\n\
          sha256 = \"41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb\"\n",
    )
    .unwrap();
    let node = node(|config| {
        config.limits.api_keys = file.path().to_owned();
        config.http.max_subscribers_per_address = 1;
    })
    .await;
    let mut stranger = node.client("").await;
    let mut with_header =
        Client::connect_with(node.addr(), "", &[("authorization", "Bearer open sesame")]).await;
    let mut with_parameter = node.client("?apiKey=open%20sesame").await;
    // The upgrade is checked last.
    for (target, headers, status, words) in [
        ("/subscribe", "", "429", "from your address"),
        (
            "/subscribe?apiKey=open+sesame",
            "",
            "429",
            "with your API key",
        ),
        ("/subscribe?apiKey=open", "", "401", "unknown API key"),
        (
            "/subscribe",
            "Authorization: Bearer x\r\n",
            "401",
            "unknown API key",
        ),
        ("/events?apiKey=open", "", "401", "unknown API key"),
    ] {
        let answer = request(&node, target, headers).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        assert!(answer.contains(words), "{answer}");
    }
    for (reason, count) in [
        ("address_full", 1.0),
        ("key_full", 1.0),
        ("unknown_key", 3.0),
    ] {
        assert_eq!(node.metric(REFUSED_HANDSHAKES, Some(reason)), count);
    }
    let next = node.append_one(POST, A);
    for client in [&mut stranger, &mut with_header, &mut with_parameter] {
        tokio::time::timeout(Duration::from_secs(60), client.expect([&next]))
            .await
            .unwrap();
    }
}

/// Connections have a cost before they send a request.
#[tokio::test]
async fn connections_of_one_address_are_limited() {
    let node = node(|config| config.http.max_connections_per_address = 2).await;
    let mut first = node.client("").await;
    let second = node.client("").await;
    let mut third = TcpStream::connect(node.addr()).await.unwrap();
    assert_eq!(third.read(&mut [0; 100]).await.unwrap_or(0), 0);
    node.metric_becomes(REFUSED_CONNECTIONS, Some("address_full"), 1.0)
        .await;
    drop(second);
    node.metric_becomes(DISCONNECTS, Some("client_gone"), 1.0)
        .await;
    still_serves(&node, &mut first).await;
    let mut again = Client::try_connect(node.addr(), "").await;
    while again.is_err() {
        again = Client::try_connect(node.addr(), "").await;
    }
    still_serves(&node, &mut again.unwrap()).await;
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed_and_counted() {
    let node = node(|config| config.http.handshake_timeout = Duration::ZERO).await;
    let mut honest = node.client("").await;
    let mut silent = TcpStream::connect(node.addr()).await.unwrap();
    let mut answer = Vec::new();
    silent.read_to_end(&mut answer).await.unwrap_or(0);
    node.metric_becomes(REFUSED_CONNECTIONS, Some("no_request"), 1.0)
        .await;
    still_serves(&node, &mut honest).await;
}
