//! `/events`: server-sent events and NDJSON over plain HTTP, read as a browser and curl would.

use std::time::Duration;

use fanjet_edge::metrics::{CATCHING_UP, DISCONNECTS, REFUSED_HANDSHAKES, REPLAYS, SUBSCRIBERS};
use fanjet_event::Topic;
use fanjet_log::Entry;
use fanjet_runtime::{Clock, SystemClock};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::support::{
    EventStream, Fault, FaultyLog, Node, body, commit, event, request, request_as, time_of,
};

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";

#[tokio::test]
async fn the_format_or_accept_header_selects_the_form() {
    let node = Node::start().await;
    let sse = "Accept: text/html, Text/Event-Stream;q=0.9\r\n";
    for (query, headers, content_type) in [
        ("", "", "application/x-ndjson; charset=utf-8"),
        ("", "Accept: */*\r\n", "application/x-ndjson; charset=utf-8"),
        ("?format=sse", "", "text/event-stream; charset=utf-8"),
        ("", sse, "text/event-stream; charset=utf-8"),
        ("?format=ndjson", sse, "application/x-ndjson; charset=utf-8"),
    ] {
        let mut stream = EventStream::open(node.addr(), query, headers).await;
        assert_eq!(stream.header("content-type"), Some(content_type));
        for header in [
            "cache-control: no-store",
            "x-accel-buffering: no",
            "access-control-allow-origin: *",
            "connection: close",
            "vary: accept",
        ] {
            stream.expect_header(header);
        }
        assert_eq!(stream.header("content-length"), None);
        let entries = node.log.append([
            commit(POST, "did:plc:a"),
            event(Topic::Identity, "did:plc:a").padded(5),
            event(Topic::Sync, "did:plc:a"),
            commit(LIKE, "did:plc:b").padded(70_000),
        ]);
        let expected = [&entries[0], &entries[1], &entries[3]];
        match content_type {
            "text/event-stream; charset=utf-8" => stream.expect_sse(expected).await,
            _ => stream.expect_lines(expected).await,
        }
    }
}

/// From the log through the ring to live, with filters, everything once and in order.
#[tokio::test]
async fn replay_becomes_live_without_a_seam() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.tail.ring_bytes = 100_000;
        config.replay.page_bytes = 20_000;
    })
    .await;
    let event = |n: usize| {
        let collection = if n.is_multiple_of(3) { LIKE } else { POST };
        commit(collection, "did:plc:a").padded(n * 37 % 900)
    };
    let mut all = node.log.append((0..1_000).map(event));
    node.tail_caught_up().await;
    let likes = "&wantedCollections=app.bsky.feed.like";
    let mut lines = EventStream::open(node.addr(), "?cursor=1", "").await;
    let mut sse = EventStream::sse(node.addr(), &format!("?cursor=0{likes}"), "").await;
    all.extend(node.log.append((1_000..1_500).map(event)));
    lines.expect_lines(&all).await;
    let is_like =
        |entry: &&Entry| matches!(&entry.topic, Topic::Commit(name) if name.as_str() == LIKE);
    sse.expect_sse(all.iter().filter(is_like)).await;
    node.metric_falls_to(REPLAYS, 0.0).await;

    let after = node.append_one(LIKE, "did:plc:a");
    lines.expect_lines([&after]).await;
    sse.expect_sse([&after]).await;
    assert_eq!(node.metric(DISCONNECTS, None), 0.0);
}

/// A browser that loses its connection repeatedly at any moment reads every event once.
#[tokio::test]
async fn resuming_with_the_last_event_id_repeats_and_loses_nothing() {
    let node = Node::start().await;
    let event = || commit(POST, "did:plc:a").padded(300);
    let mut all = node.log.append((0..100).map(|_| event()));
    node.tail_caught_up().await;
    let mut last_event_id = String::new();
    let mut next = 0;
    for part in [1, 7, 0, 30, 2, 60] {
        // The cursor stays in the URL, as in browsers; it applies to the first request only.
        let mut stream = EventStream::sse(node.addr(), "?cursor=1", &last_event_id).await;
        stream.expect_sse(&all[next..next + part]).await;
        next += part;
        last_event_id = stream.last_event_id;
        all.extend(node.log.append((0..5).map(|_| event())));
    }
    let mut stream = EventStream::sse(node.addr(), "?cursor=1", &last_event_id).await;
    stream.expect_sse(&all[next..]).await;
    assert_eq!(
        stream.last_event_id,
        all.last().unwrap().time().unwrap().to_string()
    );
}

/// Readers that cannot set headers send the id in the URL, and all readers keep the cursor of their first request.
#[tokio::test]
async fn resuming_by_the_url_repeats_and_loses_nothing() {
    let node = Node::start().await;
    let all = node.log.append((0..10).map(|_| commit(POST, "did:plc:a")));
    node.tail_caught_up().await;
    for name in ["lastEventId", "lastEventID"] {
        for cursor in ["", "cursor=1&"] {
            let query = format!("?{cursor}{name}={}", time_of(4));
            let mut sse = EventStream::sse(node.addr(), &query, "").await;
            sse.expect_sse(&all[4..]).await;
            let mut lines = EventStream::open(node.addr(), &query, "").await;
            lines.expect_lines(&all[4..]).await;
            let mut both = EventStream::sse(node.addr(), &query, &time_of(7).to_string()).await;
            both.expect_sse(&all[7..]).await;
        }
    }
    let answer = request(&node, "/events?lastEventId=7", "").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

/// A live client without events also has a resume position.
#[tokio::test]
async fn a_client_without_events_resumes_at_its_start() {
    let node = Node::start().await;
    node.append_one(POST, "did:plc:a");
    node.tail_caught_up().await;
    let mut stream = EventStream::sse(node.addr(), "", "").await;
    let start = stream.any_event().await.unwrap();
    let time = time_of(1);
    let data = format!(r#"{{"did":"","time_us":{time},"kind":"heartbeat"}}"#);
    assert_eq!(
        (start.event.as_str(), start.id, start.data),
        ("start", time.to_string(), data)
    );
    assert_eq!(stream.retry, Some(1000));
    let resumed_with = stream.last_event_id.clone();
    drop(stream);
    node.metric_falls_to(SUBSCRIBERS, 0.0).await;
    let missed = node.append_one(POST, "did:plc:a");
    let mut stream = EventStream::sse(node.addr(), "", &resumed_with).await;
    // It knows its position, so the server sends none.
    let first = stream.any_event().await.unwrap();
    assert_eq!(first.data.as_bytes(), &missed.body[..]);
    assert_eq!(stream.retry, Some(1000));
}

/// The log is empty, so no cursor names the position.
#[tokio::test]
async fn a_client_that_waited_for_the_first_event_gets_it_after_reconnecting() {
    let node = Node::start().await;
    let mut stream = EventStream::sse(node.addr(), "", "").await;
    let start = stream.any_event().await.unwrap();
    assert_eq!(start.event, "start");
    drop(stream);
    node.metric_falls_to(SUBSCRIBERS, 0.0).await;
    let now = SystemClock.now_us() - time_of(0).get();
    let missed = Entry {
        seq: 1,
        ..commit(POST, "did:plc:a").at(now)
    };
    node.log.append_raw(missed.clone());
    let mut stream = EventStream::sse(node.addr(), "", &start.id).await;
    stream.expect_sse([&missed]).await;
}

#[tokio::test]
async fn draining_sends_the_close_event_and_cuts_the_body_off() {
    let node = Node::start().await;
    let mut sse = EventStream::sse(node.addr(), "", "").await;
    let mut lines = EventStream::open(node.addr(), "", "").await;
    let entries = node.log.append((0..3).map(|_| commit(POST, "did:plc:a")));
    sse.expect_sse(&entries).await;
    lines.expect_lines(&entries).await;
    let reading = async {
        let close = sse.event().await.unwrap();
        let time = entries[2].time().unwrap();
        assert_eq!(
            (close.event.as_str(), close.id),
            ("close", time.to_string())
        );
        let data: Value = serde_json::from_str(&close.data).unwrap();
        let message = format!("node shutting down, reconnect; resume with cursor={time}");
        let expected = json!({"reason": "draining", "message": message, "cursor": time.get()});
        assert_eq!(data, expected);
        assert_eq!(sse.event().await, None);
        assert_eq!(lines.line().await, None);
    };
    let begun = std::time::Instant::now();
    let (ended, ()) = tokio::join!(node.stop(), reading);
    ended.unwrap();
    // Nothing waited for the deadline, which is longer.
    assert!(begun.elapsed() < Duration::from_secs(8));
}

/// A reader that pauses while others are live catches up and misses nothing.
#[tokio::test]
async fn a_slow_reader_gets_everything_once_in_order() {
    for accept in ["", "Accept: text/event-stream\r\n"] {
        let node = Node::start_with(FaultyLog::new(), |config| {
            config.http.workers = 1;
            config.subscriber.max_pending_bytes = 1000;
        })
        .await;
        let mut slow = EventStream::open_narrow(node.addr(), "", accept).await;
        let mut fast = node.client("").await;
        let mut all = node
            .log
            .append((0..400).map(|_| commit(POST, "did:plc:a").padded(50_000)));
        fast.expect(&all).await;
        assert_eq!(node.metric(CATCHING_UP, None), 1.0);
        all.push(node.append_one(LIKE, "did:plc:a"));
        match accept {
            "" => slow.expect_lines(&all).await,
            _ => slow.expect_sse(&all).await,
        }
        node.metric_falls_to(CATCHING_UP, 0.0).await;
        assert_eq!(node.metric(DISCONNECTS, None), 0.0);
    }
}

/// Pings are comments, and NDJSON has none; a heartbeat is an event in both.
#[tokio::test]
async fn heartbeats_have_the_form_of_the_stream() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.subscriber.ping_interval = Duration::from_millis(50);
        config.subscriber.pong_timeout = Duration::from_millis(10);
    })
    .await;
    let entry = node.append_one(POST, "did:plc:a");
    node.tail_caught_up().await;
    let nothing = "?wantedCollections=app.bsky.feed.like&heartbeat=1";
    let mut sse = EventStream::sse(node.addr(), nothing, "").await;
    let mut lines = EventStream::open(node.addr(), nothing, "").await;
    let time = entry.time().unwrap();
    let heartbeat = format!(r#"{{"did":"","time_us":{time},"kind":"heartbeat"}}"#);
    let beat = sse.event().await.unwrap();
    assert_eq!((beat.data, beat.id), (heartbeat.clone(), time.to_string()));
    assert_eq!(lines.line().await, Some(heartbeat));
    assert!(sse.comments > 5, "{}", sse.comments);
    // A comment cannot be answered, so no client is closed for not answering.
    assert_eq!(node.metric(DISCONNECTS, None), 0.0);
}

/// `EventSource` gives up after a status other than 200, so temporary refusals are sent as a stream. Permanent refusals, and
/// refusals to all other clients, use the status.
#[tokio::test]
async fn event_sources_retry_after_a_temporary_refusal() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.http.max_subscribers = 2;
        config.http.max_subscribers_per_address = 1;
    })
    .await;
    let _first = EventStream::open(node.addr(), "", "").await;
    let sse = "Accept: text/event-stream\r\n";
    let mut refused = EventStream::sse(node.addr(), "", "1779719010267528").await;
    refused.expect_header("access-control-allow-origin: *");
    refused.expect_header("cache-control: no-store");
    let close = refused.any_event().await.unwrap();
    assert_eq!(close.event, "close");
    // Its last event id does not change.
    assert_eq!(close.id, "1779719010267528");
    let data: Value = serde_json::from_str(&close.data).unwrap();
    let message =
        "too many subscribers from your address: at most 1 (edge.http.max_subscribers_per_address)";
    assert_eq!(data, json!({"reason": "address_full", "message": message}));
    assert_eq!(refused.retry, Some(5000));
    assert_eq!(refused.any_event().await, None);
    let answer = request_as(
        &node,
        "POST",
        "/events",
        &format!("{sse}Content-Length: 0\r\n"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    for plain in ["", "Accept: */*\r\n"] {
        let answer = request(&node, "/events?format=sse", plain).await;
        assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    }
    // An NDJSON reader would not understand it, whatever else it accepts.
    let answer = request(&node, "/events?format=ndjson", sse).await;
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    let answer = request(&node, "/events?wantedDids=x", sse).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(node.metric(REFUSED_HANDSHAKES, Some("address_full")), 5.0);
    assert_eq!(node.metric(SUBSCRIBERS, None), 1.0);
}

#[tokio::test]
async fn event_sources_wait_for_a_node_that_is_not_ready() {
    let log = FaultyLog::new();
    log.set_fault(Fault::Away);
    let node = Node::start_unready(log, |_| {});
    let mut refused = EventStream::sse(node.addr(), "", "").await;
    let close = refused.any_event().await.unwrap();
    assert!(
        close.data.starts_with(r#"{"reason":"not_ready","#),
        "{}",
        close.data
    );
    assert_eq!(refused.any_event().await, None);
}

/// Before HTTP/1.1 there are no chunks: the events are the body.
#[tokio::test]
async fn an_http_1_0_client_gets_unchunked_events() {
    let node = Node::start().await;
    let mut socket = TcpStream::connect(node.addr()).await.unwrap();
    let head = b"GET /events HTTP/1.0\r\nHost: edge.test\r\n\r\n";
    socket.write_all(head).await.unwrap();
    let mut socket = BufReader::new(socket);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(socket.read_line(&mut head).await.unwrap(), 0, "{head}");
    }
    assert!(!head.contains("transfer-encoding"), "{head}");
    let entry = node.append_one(POST, "did:plc:a");
    let mut line = String::new();
    socket.read_line(&mut line).await.unwrap();
    assert_eq!(line.trim_end().as_bytes(), &entry.body[..]);
}

/// Nothing is sent in either direction: its disconnect is noticed anyway.
#[tokio::test]
async fn a_leaving_client_frees_its_slot() {
    let node = Node::start_with(FaultyLog::new(), |config| config.http.max_subscribers = 1).await;
    for _ in 0..3 {
        let stream = EventStream::open(node.addr(), "", "").await;
        let answer = request(&node, "/events", "").await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("retry-after: 5\r\n"), "{answer}");
        drop(stream);
        node.metric_falls_to(SUBSCRIBERS, 0.0).await;
    }
    assert_eq!(node.metric(REFUSED_HANDSHAKES, Some("node_full")), 3.0);
    assert_eq!(node.metric(DISCONNECTS, Some("client_gone")), 3.0);
}

#[tokio::test]
async fn refusals_explain_the_reason() {
    let node = Node::start().await;
    let prefix = "invalid subscriber options: ";
    for (query, headers, words) in [
        ("?compress=true", "", "compress is for WebSockets only"),
        (
            "?requireHello=true",
            "",
            "requireHello is for WebSockets only",
        ),
        (
            "?format=v0",
            "",
            "invalid format: v0 (allowed: sse, ndjson)",
        ),
        (
            "",
            "Socket-Encoding: zstd\r\n",
            "Socket-Encoding is for WebSockets only",
        ),
        ("?wantedCollections=x", "", "invalid collection: x"),
    ] {
        let answer = request(&node, &format!("/events{query}"), headers).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(
            answer.contains("access-control-allow-origin: *\r\n"),
            "{answer}"
        );
        assert!(
            body(&answer).starts_with(&format!("{prefix}{words}")),
            "{answer}"
        );
    }
    let answer = request(&node, "/events", "Last-Event-ID: 7\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(
        body(&answer).starts_with("invalid Last-Event-ID: 7 (allowed: "),
        "{answer}"
    );
    assert_eq!(
        node.metric(REFUSED_HANDSHAKES, Some("invalid_options")),
        6.0
    );
}

#[tokio::test]
async fn other_methods_are_refused_and_preflights_answered() {
    let node = Node::start().await;
    for method in ["PUT", "DELETE"] {
        let answer = request_as(&node, method, "/events", "").await;
        assert!(answer.starts_with("HTTP/1.1 405 "), "{method}: {answer}");
        assert!(
            answer.contains("allow: GET, HEAD, POST, OPTIONS\r\n"),
            "{answer}"
        );
    }
    let answer = request_as(&node, "OPTIONS", "/events", "").await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    for header in [
        "access-control-allow-origin: *",
        "access-control-allow-methods: GET, POST",
        "access-control-allow-headers: authorization, content-type, last-event-id",
    ] {
        assert!(answer.contains(&format!("{header}\r\n")), "{answer}");
    }
    assert_eq!(node.metric(SUBSCRIBERS, None), 0.0);
}

/// Next to WebSocket clients, and several of a kind: each reads the chunks that its lane shares.
#[tokio::test]
async fn all_forms_carry_the_same_events() {
    let node = Node::start().await;
    let mut socket = node.client("").await;
    let mut sse = Vec::new();
    let mut lines = Vec::new();
    for _ in 0..3 {
        sse.push(EventStream::sse(node.addr(), "", "").await);
        lines.push(EventStream::open(node.addr(), "", "").await);
    }
    let entries = node.log.append((0..500).map(|n| {
        let topic = match n % 7 {
            0 => Topic::Identity,
            1 => Topic::Account,
            _ => Topic::Commit(POST.parse().unwrap()),
        };
        event(topic, "did:plc:a").padded(n * 37 % 900)
    }));
    socket.expect(&entries).await;
    for stream in &mut sse {
        stream.expect_sse(&entries).await;
    }
    for stream in &mut lines {
        stream.expect_lines(&entries).await;
    }
}

#[tokio::test]
async fn a_reader_behind_the_log_is_closed_with_a_resume_cursor() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.http.workers = 1;
        config.tail.check_interval = Duration::from_millis(20);
        config.tail.ring_bytes = 2_000_000;
        config.subscriber.max_pending_bytes = 1000;
    })
    .await;
    let mut slow = EventStream::open_narrow(node.addr(), "?format=sse", "").await;
    let mut fast = node.client("").await;
    let mut all = Vec::new();
    for _ in 0..400 {
        let entry = node.log.append([commit(POST, "did:plc:a").padded(50_000)]);
        fast.expect(&entry).await;
        all.extend(entry);
    }
    node.log.retain_from(400);
    // The events received are a contiguous prefix, and the cursor names the last of them.
    let mut read = 0;
    let close = loop {
        let event = slow.event().await.unwrap();
        if event.event == "close" {
            break event;
        }
        assert_eq!(event.data.as_bytes(), &all[read].body[..]);
        read += 1;
    };
    assert!(read > 0 && read < all.len(), "{read}");
    let data: Value = serde_json::from_str(&close.data).unwrap();
    assert_eq!(data["reason"], "fell_behind");
    assert_eq!(data["cursor"], time_of(read as u64).get());
    assert_eq!(slow.event().await, None);
    node.metric_becomes(DISCONNECTS, Some("fell_behind"), 1.0)
        .await;
}

/// Browsers with random filters whose connections break at random points while events flow: each reads its matching events
/// once and in order.
#[tokio::test]
async fn browsers_with_bad_connections_miss_no_event() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.tail.ring_bytes = 60_000;
        config.replay.page_bytes = 10_000;
    })
    .await;
    let collections = [POST, LIKE, "com.example.rare"];
    let mut all = Vec::new();
    for wanted in [None, Some(POST), Some("com.example.rare")] {
        let query = wanted.map_or(String::new(), |name| format!("&wantedCollections={name}"));
        let query = format!("?cursor={}{query}", time_of(all.len() as u64 + 1));
        let from = all.len();
        let mut last_event_id = String::new();
        let mut read = Vec::new();
        for _ in 0..30 {
            let burst = random.random_range(0..40);
            let events: Vec<_> = (0..burst)
                .map(|_| {
                    let collection = collections[random.random_range(0..100_usize).isqrt() / 4];
                    commit(collection, "did:plc:a").padded(random.random_range(0..900))
                })
                .collect();
            all.extend(node.log.append(events));
            let mut stream = EventStream::sse(node.addr(), &query, &last_event_id).await;
            let breaks_within = Duration::from_millis(random.random_range(0..15));
            let reading = async {
                while let Some(event) = stream.event().await {
                    read.push(event.data);
                }
            };
            // The connection breaks at this time, at any point of the stream.
            let broken = tokio::time::timeout(breaks_within, reading).await;
            assert!(broken.is_err(), "the stream ended unexpectedly");
            last_event_id = stream.last_event_id;
        }
        all.push(node.append_one(wanted.unwrap_or(POST), "did:plc:end"));
        let end = String::from_utf8(all.last().unwrap().body.to_vec()).unwrap();
        let mut stream = EventStream::sse(node.addr(), &query, &last_event_id).await;
        while read.last() != Some(&end) {
            read.push(stream.event().await.unwrap().data);
        }
        let is_wanted = |entry: &&fanjet_log::Entry| match &entry.topic {
            Topic::Commit(name) => wanted.is_none_or(|wanted| wanted == name.as_str()),
            _ => false,
        };
        let expected: Vec<_> = all[from..]
            .iter()
            .filter(is_wanted)
            .map(|entry| String::from_utf8(entry.body.to_vec()).unwrap())
            .collect();
        assert_eq!(read, expected, "{wanted:?}");
    }
}
