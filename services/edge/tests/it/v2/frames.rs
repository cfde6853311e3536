use fanjet_edge::metrics::ENCODED_EVENTS;
use fanjet_event::{Action, Topic};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use super::POST;
use crate::support::{Node, V2Client, commit, event, v2_of};

/// 27 to 30, 32, 33, 35.
#[tokio::test]
async fn every_kind_is_its_v1_event_in_another_form() {
    let node = Node::start().await;
    let mut client = V2Client::connect(node.addr(), "").await;
    let records = [
        "{}",
        r#"{"$type":"app.bsky.feed.post","text":"\u003ca\u0026b\u003e \u2028 🙂","n":9007199254740991}"#,
        r#"{"a":{"$link":"bafy"},"b":{"$bytes":"AQID"},"text":",\"cid\":\"x\"}}"}"#,
    ];
    let mut events: Vec<_> = records
        .iter()
        .map(|record| {
            commit(POST, "did:plc:a")
                .doing(Action::Create)
                .with_record(record)
        })
        .collect();
    events.extend([
        commit(POST, "did:plc:a").doing(Action::Update),
        commit(POST, "did:plc:a"),
        event(Topic::Identity, "did:web:a.example"),
        event(Topic::Account, "did:plc:a").padded(9),
        event(Topic::Sync, "did:plc:a").padded(10),
    ]);
    let entries = node.log.append(events);
    for entry in &entries {
        let frame = client.next().await.unwrap();
        assert_eq!(frame, v2_of(entry));
        let payload = frame["payload"].as_object().unwrap();
        for absent in ["time_us", "kind", "commit"] {
            assert!(!payload.contains_key(absent));
        }
        match payload["$type"]
            .as_str()
            .unwrap()
            .rsplit_once('#')
            .unwrap()
            .1
        {
            "commit" if payload["operation"] == "delete" => {
                assert!(!payload.contains_key("record") && !payload.contains_key("cid"));
            }
            "commit" => assert!(payload.contains_key("record") && payload.contains_key("cid")),
            "sync" => {
                let blocks = payload["sync"]["blocks"]["$bytes"].as_str().unwrap();
                assert!(!blocks.contains('='));
                let decoded = data_encoding::BASE64_NOPAD.decode(blocks.as_bytes());
                assert_eq!(decoded.unwrap().len(), 10);
            }
            _ => {}
        }
    }
    let first: Value = serde_json::from_str(records[1]).unwrap();
    assert_eq!(v2_of(&entries[1])["payload"]["record"], first);
}

/// 31: the test's log gives the event with seq 1 this time.
#[tokio::test]
async fn times_have_six_digits() {
    let node = Node::start().await;
    let mut client = V2Client::connect(node.addr(), "").await;
    node.append_one(POST, "did:plc:a");
    let frame = client.next().await.unwrap();
    assert_eq!(frame["payload"]["time"], "2023-11-14T22:13:20.000001Z");
}

/// The bytes of one frame: the keys are in alphabetical order behind `$type`.
#[tokio::test]
async fn a_delete_is_these_bytes() {
    let node = Node::start().await;
    let mut client = V2Client::connect(node.addr(), "").await;
    node.append_one(POST, "did:plc:a");
    let expected = r#"{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#commit","collection":"app.bsky.feed.post","did":"did:plc:a","operation":"delete","rev":"3mptbyp63ih2m","rkey":"3m3q3ut7jsm2m","seq":1,"time":"2023-11-14T22:13:20.000001Z"}}"#;
    assert_eq!(client.next_message().await, Message::Text(expected.into()));
}

/// 37: an event is assembled once for all, in each form that somebody wants.
#[tokio::test]
async fn an_event_is_made_once_for_all() {
    let node = Node::start().await;
    let dictionary = fanjet_dictionaries::v2();
    let mut text = Vec::new();
    let mut zstd = Vec::new();
    for query in ["", "kinds=commit", "dids=did:plc:a"] {
        text.push(V2Client::connect(node.addr(), query).await);
        zstd.push(V2Client::compressed(node.addr(), query, dictionary).await);
    }
    let mut v1 = node.client("").await;
    let entries = node
        .log
        .append((0..40).map(|_| commit(POST, "did:plc:a").padded(90)));
    for client in text.iter_mut().chain(&mut zstd) {
        client.expect(&entries).await;
    }
    v1.expect(&entries).await;
    assert_eq!(node.labelled(ENCODED_EVENTS, "encoding", "v2"), 40.0);
    assert_eq!(node.labelled(ENCODED_EVENTS, "encoding", "v2_zstd"), 40.0);
}

/// The successor of v1 on `/subscribe`: its JSON with the seq.
#[tokio::test]
async fn the_successor_of_v1_has_a_cursor() {
    let node = Node::start().await;
    let mut client = crate::support::Client::raw(node.addr(), "?format=v2c").await;
    let entries = node.log.append([
        commit(POST, "did:plc:a").padded(200),
        event(Topic::Sync, "did:plc:a"),
        event(Topic::Account, "did:plc:a"),
    ]);
    for entry in [&entries[0], &entries[2]] {
        let v1 = String::from_utf8(entry.body.to_vec()).unwrap();
        let seq = entry.seq;
        let expected = v1.replacen(r#","kind":"#, &format!(r#","cursor":{seq},"kind":"#), 1);
        assert_eq!(client.next_message().await, Message::Text(expected.into()));
    }
    let refused = crate::support::request(&node, "/subscribe?format=v2c&compress=true", "").await;
    let text = crate::support::body(&refused);
    assert!(
        text.contains("format=v2c cannot be compressed"),
        "{refused}"
    );
}
