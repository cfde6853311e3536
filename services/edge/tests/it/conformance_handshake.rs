//! Cursor syntax, and parameters that change nothing. Case numbers are those of docs/develop/conformance.md.

use tokio_tungstenite::tungstenite::Message;

use crate::support::{Node, body, commit, request};

const POST: &str = "app.bsky.feed.post";

/// Cases 20, 22, 24, 30, 54, 57: each connects and receives live text messages.
#[tokio::test]
async fn accepted_and_live() {
    let node = Node::start().await;
    node.append_one(POST, "did:plc:a");
    for query in [
        "?cursor=",
        "?cursor=%2B999999",
        "?cursor=999999",
        "?cursor=9000000000000000",
        "?compress=false",
        "?compress=True",
        "?compress=1",
        "?zstdDictionary=12345",
        "?shardingCount=x&wantedcollections=bad&%zz=1",
    ] {
        let mut client = node.client(query).await;
        let entry = node.append_one(POST, "did:plc:a");
        let text = String::from_utf8(entry.body.to_vec()).unwrap();
        assert_eq!(
            client.next_message().await,
            Message::Text(text.into()),
            "{query}"
        );
    }
}

/// Case 21, and the order of checks: the cursor is first.
#[tokio::test]
async fn a_non_numeric_cursor_is_refused() {
    let node = Node::start().await;
    for (raw, shown) in [
        ("abc", "abc"),
        ("1.5", "1.5"),
        ("1_000", "1_000"),
        ("+1", " 1"),
        ("%201", " 1"),
    ] {
        let answer = request(
            &node,
            &format!("/subscribe?wantedDids=bad&cursor={raw}"),
            "",
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        let words = format!("invalid cursor: {shown} (allowed: ");
        assert!(body(&answer).starts_with(&words), "{answer}");
    }
    assert_eq!(
        node.metric(
            fanjet_edge::metrics::REFUSED_HANDSHAKES,
            Some("invalid_options")
        ),
        5.0
    );
}

/// Cases 17, 72: only the spelling `true` enables it.
#[tokio::test]
async fn only_true_requires_a_hello() {
    let node = Node::start().await;
    for value in [
        "True", "TRUE", "1", "yes", "true%20", "%20true", "", "false",
    ] {
        let mut client = node.client(&format!("?requireHello={value}")).await;
        let entry = node.log.append([commit(POST, "did:plc:a")]);
        client.expect(&entry).await;
    }
}
