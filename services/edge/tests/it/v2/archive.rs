use std::time::Duration;

use fanjet_edge::metrics::PLANS_WITH_GAP;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{POST, XRPC, error};
use crate::support::{FaultyLog, Node, V2Client, body, commit, request, request_as};

async fn plan(node: &Node, text: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(node.addr()).await.unwrap();
    let request = format!(
        "POST {XRPC}planSnapshot HTTP/1.1\r\nHost: edge.test\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{text}",
        text.len()
    );
    // A body that is refused early is not read to its end.
    let _is_sent = stream.write_all(request.as_bytes()).await.is_ok();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn through(answer: &str) -> u64 {
    let plan: Value = serde_json::from_str(body(answer)).unwrap();
    let through = plan["sealedTipSeq"].as_u64().unwrap();
    let stats =
        json!({"segmentsExamined": 0, "segmentsMatched": 0, "blocksMatched": 0, "entries": 0});
    let expected = json!({
        "plannedThroughSeq": through, "sealedTipSeq": through, "segments": [], "stats": stats,
    });
    assert_eq!(plan, expected);
    through
}

/// 49, 50, 53: on a log that has lost nothing the stream has everything.
#[tokio::test]
async fn a_plan_sends_to_the_stream() {
    let node = Node::start().await;
    let all = node.log.append((0..20).map(|_| commit(POST, "did:plc:a")));
    node.tail_caught_up().await;
    for text in [
        "{}",
        r#"{"afterSeq":0}"#,
        r#"{"afterSeq":7}"#,
        r#"{"kinds":["commit"],"collections":["app.bsky.feed.*"],"dids":["did:plc:a"]}"#,
    ] {
        for key in ["", "Authorization: Bearer any\r\n"] {
            assert_eq!(through(&plan(&node, text, key).await), 0, "{text}");
        }
    }
    let mut client = V2Client::connect(node.addr(), "cursor=0").await;
    client.expect(&all).await;
}

/// 49, 50: where events expire, the cursor of a plan is still there when its client connects.
#[tokio::test]
async fn a_plan_leaves_a_margin() {
    let log = FaultyLog::new();
    let all = log.append((1..=300).map(|_| commit(POST, "did:plc:a")));
    log.retain_from(201);
    let node = Node::start_with(log, |config| {
        config.tail.check_interval = Duration::from_millis(20);
    })
    .await;
    node.knows_its_oldest(201).await;
    // All events of this log are within two minutes, so the margin is half of them.
    for (text, expected) in [
        ("{}", 250),
        (r#"{"afterSeq":900}"#, 250),
        (r#"{"afterSeq":200}"#, 200),
        (r#"{"afterSeq":210}"#, 210),
        (r#"{"beforeSeq":240}"#, 240),
        (r#"{"beforeSeq":999}"#, 250),
    ] {
        let answer = plan(&node, text, "").await;
        assert_eq!(through(&answer), expected, "{text}");
        assert!(
            !answer.to_lowercase().contains("\r\nfanjet-gap:"),
            "{answer}"
        );
    }
    // 65: what is gone for a client is said.
    let answer = plan(&node, r#"{"afterSeq":100}"#, "").await;
    assert!(
        answer
            .to_lowercase()
            .contains("\r\nfanjet-gap: 101-250\r\n"),
        "{answer}"
    );
    assert_eq!(node.metric(PLANS_WITH_GAP, None), 1.0);
    let mut client = V2Client::connect(node.addr(), "cursor=250").await;
    client.expect(&all[249..]).await;
}

/// Clients ask again after 429, and end their replay at any other refusal.
#[tokio::test]
async fn a_plan_that_is_refused_for_now_is_429() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.http.max_subscribers_per_address = 1;
    })
    .await;
    let _client = V2Client::connect(node.addr(), "").await;
    let answer = plan(&node, "{}", "").await;
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    let answer = answer.to_lowercase();
    assert!(answer.contains("\r\nretry-after: 5\r\n"), "{answer}");
}

/// A node that has not seen the oldest event yet asks the log for its time.
#[tokio::test]
async fn a_plan_of_a_new_node_leaves_the_same_margin() {
    let log = FaultyLog::new();
    log.append((1..=300).map(|_| commit(POST, "did:plc:a")));
    log.retain_from(201);
    let node = Node::start_with(log, |config| {
        config.tail.warm_entries = 10;
        config.tail.check_interval = Duration::from_secs(3600);
    })
    .await;
    assert_eq!(through(&plan(&node, "{}", "").await), 250);
}

/// 51, 52.
#[tokio::test]
async fn a_plan_is_checked() {
    let node = Node::start().await;
    let many = |value: &str, count: usize| vec![value; count].join(",");
    for text in [
        "",
        "[]",
        r#"{"beforeSeq":5,"afterSeq":9}"#,
        r#"{"beforeSeq":5,"afterSeq":5}"#,
        r#"{"afterSeq":-1}"#,
        r#"{"afterSeq":"1"}"#,
        r#"{"kinds":["x"]}"#,
        r#"{"kinds":["sync"],"collections":["a.b.c"]}"#,
        &format!(
            r#"{{"dids":[{}]}}"#,
            many(r#""did:plc:44ybard66vv44zksje25o7dz""#, 10_001)
        ),
    ] {
        let answer = plan(&node, text, "").await;
        let (status, name, message) = error(&answer);
        assert_eq!((status, &*name), (400, "InvalidRequest"), "{message}");
    }
    let long = " ".repeat((1 << 20) + 1);
    let (status, name, _) = error(&plan(&node, &long, "").await);
    assert_eq!((status, &*name), (413, "PayloadTooLarge"));
    let get = request(&node, &format!("{XRPC}planSnapshot"), "").await;
    assert_eq!(error(&get).0, 405);
    assert!(
        get.to_lowercase().contains("\r\nallow: post, options\r\n"),
        "{get}"
    );
}

/// 54 to 56.
#[tokio::test]
async fn there_is_no_archive() {
    let node = Node::start().await;
    for query in ["", "?limit=1000", "?limit=99999&cursor=5"] {
        let answer = request(&node, &format!("{XRPC}listSegments{query}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_eq!(body(&answer), r#"{"segments":[]}"#);
    }
    for (target, status, name) in [
        ("listSegments?limit=0", 400, "InvalidRequest"),
        ("listSegments?limit=-1", 400, "InvalidRequest"),
        ("listSegments?limit=abc", 400, "InvalidRequest"),
        ("listSegments?cursor=x", 400, "InvalidRequest"),
        ("getSegment?name=seg_0000000000.jss", 404, "SegmentNotFound"),
        ("getSegment?name=..%2Fetc%2Fpasswd", 400, "InvalidRequest"),
        ("getSegment?name=seg_x.jss", 400, "InvalidRequest"),
        ("getSegment?name=", 400, "InvalidRequest"),
        ("getSegment", 400, "InvalidRequest"),
        (
            "getBlock?segment=seg_0000000000.jss&blockIndex=0",
            404,
            "SegmentNotFound",
        ),
        (
            "getBlock?segment=seg_0000000000.jss&blockIndex=-1",
            400,
            "InvalidRequest",
        ),
        ("getBlock?segment=seg_0000000000.jss", 400, "InvalidRequest"),
        ("getBlock?segment=x&blockIndex=0", 400, "InvalidRequest"),
        ("importTimestamps", 501, "MethodNotImplemented"),
        ("getImportStatus", 501, "MethodNotImplemented"),
        ("somethingElse", 501, "MethodNotImplemented"),
    ] {
        let answer = request(&node, &format!("{XRPC}{target}"), "").await;
        let (found, error, _) = error(&answer);
        assert_eq!((found, &*error), (status, name), "{target}");
    }
    let post = request_as(
        &node,
        "POST",
        &format!("{XRPC}importTimestamps"),
        "Content-Length: 0\r\n",
    )
    .await;
    assert_eq!(error(&post).0, 501);
}
