//! `/`, `/status` and `/status/live`: the numbers match a known stream.

use fanjet_edge::metrics::{CATCHING_UP, REPLAYS};
use fanjet_event::Topic;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    Client, EventStream, Fault, FaultyLog, Node, body, commit, event, request, time_of,
};

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";

async fn status(node: &Node) -> Value {
    let answer = request(node, "/status", "").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("cache-control: no-store\r\n"), "{answer}");
    serde_json::from_str(body(&answer)).unwrap()
}

/// Waits for a snapshot that satisfies the condition.
async fn status_with(node: &Node, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..2_000 {
        let status = status(node).await;
        if holds(&status) {
            return status;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("never held: {what}: {}", status(node).await);
}

/// Events from before startup are not counted; later ones are counted once, for any number of readers.
#[tokio::test]
async fn status_numbers_equal_the_stream() {
    let log = FaultyLog::new();
    log.append((0..30).map(|_| commit("com.example.before", "did:plc:a")));
    let node = Node::start_with(log, |config| {
        config.tail.check_interval = std::time::Duration::from_millis(20);
    })
    .await;
    node.tail_caught_up().await;
    let before = status_with(&node, "the log is seen", |status| {
        status["log"]["newest"]["seq"] == 30
    })
    .await;
    assert_eq!(before["throughput"]["events"], 0);
    assert_eq!(before["collections"]["rows"], json!([]));
    assert_eq!(before["lag"]["log_seconds"], Value::Null);
    let (mut one, mut two) = (node.client("").await, node.client("?format=v0").await);
    let mut entries = node.log.append((0..70).map(|n| match n % 7 {
        0 => event(Topic::Identity, "did:plc:a").padded(5),
        1 => event(Topic::Sync, "did:plc:a"),
        2 | 3 => commit(LIKE, "did:plc:a"),
        _ => commit(POST, "did:plc:a").padded(n),
    }));
    // 60 more collections than are listed by name.
    entries.extend(
        node.log
            .append((0..60).map(|n| commit(&format!("com.example.c{n}"), "did:plc:a"))),
    );
    let served = |entry: &&fanjet_log::Entry| entry.topic != Topic::Sync;
    one.expect(entries.iter().filter(served)).await;
    two.expect(entries.iter().filter(served)).await;

    let total = entries.len() as u64;
    let found = status_with(&node, "all are counted", |status| {
        status["throughput"]["events"] == total && status["log"]["oldest"]["time_us"].is_u64()
    })
    .await;
    let bytes: usize = entries.iter().map(|entry| entry.body.len()).sum();
    assert_eq!(found["throughput"]["bytes"], bytes);
    assert_eq!(found["throughput"]["last_hour"]["events"], total);
    assert_eq!(found["ready"], true);
    assert_eq!(found["reasons"], json!([]));
    assert_eq!(found["version"], env!("CARGO_PKG_VERSION"));
    let last = entries.last().unwrap();
    let (oldest, newest) = (&found["log"]["oldest"], &found["log"]["newest"]);
    assert_eq!(oldest, &json!({"seq": 1, "time_us": time_of(1).get()}));
    assert_eq!(
        newest,
        &json!({"seq": last.seq, "time_us": time_of(last.seq).get()})
    );
    // The events' times are long ago: in the log from 2023, upstream from 2026.
    let lag = |of: &str| found["lag"][of].as_f64().unwrap();
    let now = found["time_us"].as_u64().unwrap() as f64 / 1e6;
    let log_lag = now - time_of(last.seq).get() as f64 / 1e6;
    assert!((lag("log_seconds") - log_lag).abs() < 60.0, "{found}");
    // 2026-05-25T14:23:29.950Z
    let upstream_lag = (now - 1_779_719_009.95).max(0.0);
    assert!(
        (lag("upstream_seconds") - upstream_lag).abs() < 60.0,
        "{found}"
    );

    let rows = found["collections"]["rows"].as_array().unwrap();
    let events_of = |name: &str| {
        let row = rows.iter().find(|row| row["name"] == name);
        row.map(|row| row["events"].as_u64().unwrap())
    };
    assert_eq!(events_of(POST), Some(30));
    assert_eq!(events_of(LIKE), Some(20));
    assert_eq!(events_of("#identity"), Some(10));
    assert_eq!(events_of("#sync"), Some(10));
    assert_eq!(events_of("com.example.before"), None);
    assert_eq!(rows.len(), 50);
    assert_eq!(rows[0]["name"], POST);
    let other = &found["collections"]["other"];
    assert_eq!(
        (other["rows"].as_u64(), other["events"].as_u64()),
        (Some(14), Some(14))
    );
    assert_eq!(found["collections"]["known"], 64);
    // Rates are counts over the stated period.
    for (measured, rate) in [
        ("now", "events_per_second"),
        ("last_hour", "events_per_second"),
    ] {
        let flow = &found["throughput"][measured];
        let expected = flow["events"].as_f64().unwrap() / flow["seconds"].as_f64().unwrap();
        assert!(
            (flow[rate].as_f64().unwrap() - expected).abs() <= expected / 100.0,
            "{flow}"
        );
    }
    let per_second: f64 = rows
        .iter()
        .chain([other])
        .map(|row| row["events_per_second"].as_f64().unwrap())
        .sum();
    let in_all = per_second * found["collections"]["seconds"].as_f64().unwrap();
    assert!((in_all - total as f64).abs() < 3.0, "{in_all}");
}

#[tokio::test]
async fn subscribers_are_counted_by_state_and_form() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.http.workers = 1;
        config.subscriber.max_pending_bytes = 1000;
        config.tail.ring_bytes = 5_000_000;
    })
    .await;
    let mut live = node.client("").await;
    let zstd = node
        .client("?compress=true&wantedCollections=com.example.none")
        .await;
    let v0 = node
        .client("?format=v0&wantedCollections=com.example.none")
        .await;
    let nothing = "?wantedCollections=com.example.none";
    let sse = EventStream::sse(node.addr(), nothing, "").await;
    let lines = EventStream::open(node.addr(), nothing, "").await;
    let mut hello = node.client("?requireHello=true").await;
    // More than the kernel buffers for an unread connection, less than the ring holds.
    let slow = Client::connect_narrow(node.addr(), "?wantedCollections=app.bsky.feed.post").await;
    let entries = node
        .log
        .append((0..90).map(|_| commit(POST, "did:plc:a").padded(50_000)));
    live.expect(&entries).await;
    node.metric_becomes(CATCHING_UP, None, 1.0).await;

    let of = |live: u64, behind: u64, replaying: u64, waiting: u64, forms: [u64; 5]| {
        json!({
            "total": forms.iter().sum::<u64>(), "live": live, "behind": behind, "replaying": replaying, "waiting": waiting,
            "by_form": {"plain": forms[0], "zstd": forms[1], "v0": forms[2], "sse": forms[3], "ndjson": forms[4],
                "v2c": 0, "v2": 0, "v2_zstd": 0, "v2_zstd_previous": 0},
        })
    };
    let is = |expected: Value| move |status: &Value| status["subscribers"] == expected;
    status_with(&node, "one of each", is(of(5, 1, 0, 1, [3, 1, 1, 1, 1]))).await;

    hello
        .send(Message::Text(
            r#"{"type":"options_update","payload":{}}"#.into(),
        ))
        .await;
    status_with(&node, "none waits", is(of(6, 1, 0, 0, [3, 1, 1, 1, 1]))).await;

    // A client that does not read its replay stays behind.
    node.log
        .append((0..200).map(|_| commit(LIKE, "did:plc:a").padded(50_000)));
    node.tail_caught_up().await;
    drop((slow, zstd, v0, sse, lines, live, hello));
    status_with(&node, "none is connected", is(of(0, 0, 0, 0, [0; 5]))).await;
    let replaying = EventStream::open_narrow(node.addr(), "?cursor=1", "").await;
    node.metric_becomes(REPLAYS, None, 1.0).await;
    status_with(&node, "one replays", is(of(0, 0, 1, 0, [0, 0, 0, 0, 1]))).await;
    drop(replaying);
    status_with(&node, "none remains", is(of(0, 0, 0, 0, [0; 5]))).await;
}

#[tokio::test]
async fn the_status_lists_why_the_node_is_not_ready() {
    let log = FaultyLog::new();
    log.set_fault(Fault::Away);
    let node = Node::start_unready(log, |_| {});
    let found = loop {
        let answer = request(&node, "/status", "").await;
        if answer.starts_with("HTTP/1.1 200 ") {
            break serde_json::from_str::<Value>(body(&answer)).unwrap();
        }
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    };
    assert_eq!(found["ready"], false);
    assert_eq!(found["reasons"], json!(["the log is not being followed"]));
    assert_eq!(
        found["lag"],
        json!({"upstream_seconds": null, "log_seconds": null})
    );
    assert_eq!(found["log"], json!({"oldest": null, "newest": null}));
}

/// Opens `/status/live`; returns the head and the body.
async fn watch(node: &Node) -> (String, BufReader<TcpStream>) {
    let mut socket = TcpStream::connect(node.addr()).await.unwrap();
    let head = "GET /status/live HTTP/1.1\r\nHost: edge.test\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut socket = BufReader::new(socket);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(socket.read_line(&mut head).await.unwrap(), 0, "{head}");
    }
    (head.to_lowercase(), socket)
}

#[tokio::test]
async fn status_viewers_get_snapshots_are_limited_and_do_not_delay_shutdown() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.http.max_status_viewers = 1
    })
    .await;
    status_with(&node, "there is one", |_| true).await;
    let (head, mut viewer) = watch(&node).await;
    assert!(
        head.contains("content-type: text/event-stream; charset=utf-8\r\n"),
        "{head}"
    );
    let mut snapshots = Vec::new();
    while snapshots.len() < 3 {
        let mut line = String::new();
        viewer.read_line(&mut line).await.unwrap();
        if let Some(data) = line.strip_prefix("data: ") {
            snapshots.push(serde_json::from_str::<Value>(data).unwrap()["time_us"].as_u64());
        }
    }
    assert!(
        snapshots.is_sorted() && snapshots[0] != snapshots[2],
        "{snapshots:?}"
    );

    let answer = request(&node, "/status/live", "").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("retry-after: "), "{answer}");
    assert!(
        body(&answer).contains("edge.http.max_status_viewers"),
        "{answer}"
    );

    let begun = std::time::Instant::now();
    node.stop().await.unwrap();
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(8),
        "it waited for a viewer"
    );
}

/// One address cannot take all viewer slots.
#[tokio::test]
async fn one_address_gets_half_of_the_viewer_slots() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.http.max_status_viewers = 4;
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let mut viewers = Vec::new();
    for (address, is_let_in) in [
        ("192.0.2.1", true),
        ("192.0.2.1", true),
        ("192.0.2.1", false),
        ("192.0.2.2", true),
        ("192.0.2.3", true),
        ("192.0.2.4", false),
    ] {
        let mut socket = TcpStream::connect(node.addr()).await.unwrap();
        let head = format!(
            "GET /status/live HTTP/1.1\r\nHost: edge.test\r\nX-Forwarded-For: {address}\r\n\r\n"
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut socket = BufReader::new(socket);
        let mut status = String::new();
        socket.read_line(&mut status).await.unwrap();
        let expected = if is_let_in { "200" } else { "503" };
        assert_eq!(status.split(' ').nth(1), Some(expected), "{address}");
        viewers.push(socket);
    }
}

#[tokio::test]
async fn browsers_get_the_page_and_tools_plain_text() {
    let node = Node::start().await;
    for accept in ["", "Accept: */*\r\n", "Accept: text/plain\r\n"] {
        let words = request(&node, "/", accept).await;
        assert!(words.contains("content-type: text/plain"), "{words}");
        assert!(body(&words).starts_with("fanjet "), "{words}");
    }
    let page = request(
        &node,
        "/",
        "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n",
    )
    .await;
    for part in [
        "content-type: text/html; charset=utf-8\r\n",
        "content-security-policy: default-src 'none'; style-src 'sha256-",
        "x-content-type-options: nosniff\r\n",
        "referrer-policy: no-referrer\r\n",
        "vary: accept\r\n",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(body(&page).starts_with("<!doctype html>\n<html lang=\"en\">"));
}
