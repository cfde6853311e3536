//! Jetstream v2 of the real program: every kind of event in both encodings, and the terminal client across a kill.

use data_encoding::BASE64_NOPAD;
use fanjet_oracle::{V2Message, read_v2};
use fanjet_simulator::{ExpectedEvent, ExpectedKind, Rate};
use fanjet_testkit::{JetstreamClient, Process};
use serde_json::{Value, json};

use crate::harness::{
    PATIENCE, Served, assert_same_events, ended, eventually, expected_json, fanjet, said, simulator,
};

const PATH: &str = "/xrpc/network.bsky.jetstream.subscribeEvents";

/// The messages that it printed to stdout.
fn printed(tail: &Process) -> Vec<String> {
    let lines = tail.lines().into_iter();
    lines.filter(|line| line.starts_with('{')).collect()
}

/// A sync event as in the relay's stream.
fn sync_of(event: &ExpectedEvent) -> Option<Value> {
    let ExpectedKind::Sync { rev, blocks } = &event.kind else {
        return None;
    };
    Some(json!({
        "blocks": {"$bytes": BASE64_NOPAD.encode(blocks)},
        "did": event.did.as_str(),
        "rev": rev,
        "seq": event.relay_seq,
        "time": event.time,
    }))
}

/// Checks messages of v2 against everything that was published; returns the events that v1 has as well, in its form.
fn checked(messages: &[String], published: &[ExpectedEvent]) -> Vec<String> {
    assert_eq!(messages.len(), published.len());
    let mut v1 = Vec::new();
    let mut last = None;
    for (message, published) in messages.iter().zip(published) {
        let seq = match read_v2(message.as_bytes()).unwrap() {
            V2Message::Event { seq, v1: event } => {
                assert_eq!(sync_of(published), None, "{message}");
                v1.push(event);
                seq
            }
            V2Message::Sync { seq, json, .. } => {
                let sync: Value = serde_json::from_str(&json).unwrap();
                assert_eq!(Some(&sync["sync"]), sync_of(published).as_ref());
                seq
            }
            other => panic!("not an event: {other:?}"),
        };
        assert!(last.is_none_or(|last| seq == last + 1), "{message}");
        last = Some(seq);
    }
    v1
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_arrives_once_across_a_kill_in_every_encoding() {
    let (seed, frames) = (41, 3_000);
    let data = tempfile::tempdir().unwrap();
    let simulator = simulator(seed, frames, Rate::PerSecond(1_500.0)).await;
    simulator.pause();
    let served = Served::start(&simulator, data.path()).await;
    let tail = fanjet(&["tail", &served.url, "--v2", "--raw"])
        .start()
        .unwrap();
    let connected = said(&tail, "connected to ").await;
    assert_eq!(connected, format!("{}{PATH}", served.url));
    simulator.resume();
    eventually("some events are printed", || printed(&tail).len() > 500).await;

    let listen = served.url.trim_start_matches("ws://").to_owned();
    let seen = tail.line_count();
    served.process.kill().await.unwrap();
    let served = Served::start_at(&simulator, data.path(), &listen).await;
    tail.wait_for_line_after(seen, |line| line.starts_with("connected to "), PATIENCE)
        .await
        .unwrap();
    tokio::time::timeout(PATIENCE, simulator.wait_until_produced(frames))
        .await
        .unwrap();
    let published = simulator.expected();
    eventually("all events are printed", || {
        printed(&tail).len() >= published.len()
    })
    .await;
    assert!(tail.stop(PATIENCE).await.unwrap().success());
    assert_eq!(ended(&tail).await.0, 0);
    let text = printed(&tail);
    let v1_of_v2 = checked(&text, &published);
    assert_same_events(&v1_of_v2, &expected_json(&simulator, |_| true), seed);
    let has = |kind: &str| text.iter().any(|message| message.contains(kind));
    for kind in ["#commit\"", "#identity\"", "#account\"", "#sync\""] {
        assert!(has(kind), "the world has no {kind}");
    }

    // The same log in the two other forms.
    let mut v1 = JetstreamClient::connect(&served.url, &[("cursor", "0")])
        .await
        .unwrap();
    assert_eq!(v1.next_events(v1_of_v2.len()).await.unwrap(), v1_of_v2);
    let dictionary = fanjet_dictionaries::v2();
    let id = dictionary.id().to_string();
    let params = [("cursor", "0"), ("zstdDictionary", id.as_str())];
    let mut compressed = JetstreamClient::connect_at(&served.url, PATH, &params, &[])
        .await
        .unwrap();
    let mut unpacker = zstd::bulk::Decompressor::with_dictionary(dictionary.bytes()).unwrap();
    for expected in &text {
        let packed = compressed.next_binary().await.unwrap();
        let message = unpacker.decompress(&packed, 1 << 20).unwrap();
        assert_eq!(String::from_utf8(message).unwrap(), *expected);
    }
    served.stop().await;
}

/// The filters are v2's, a time is a cursor, and a refusal is the server's.
#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_client_filters_and_shows_refusals() {
    let data = tempfile::tempdir().unwrap();
    let simulator = simulator(42, 2_000, Rate::Max).await;
    let served = Served::start(&simulator, data.path()).await;
    tokio::time::timeout(PATIENCE, simulator.wait_until_produced(2_000))
        .await
        .unwrap();
    served.log_holds_all_of(&simulator).await;
    let tail = fanjet(&["tail", &served.url, "--v2", "--raw", "--count", "20"])
        .args(["--cursor", "1h", "--collection", "app.bsky.feed.*"])
        .start()
        .unwrap();
    let (code, lines) = ended(&tail).await;
    assert_eq!(code, 0, "{lines:?}");
    let moved = "notice: requested timestamp cursor below retention floor; starting at seq ";
    assert!(
        lines.iter().any(|line| line.starts_with(moved)),
        "{lines:?}"
    );
    let messages = printed(&tail);
    assert_eq!(messages.len(), 20);
    for message in &messages {
        let message: Value = serde_json::from_str(message).unwrap();
        let collection = &message["payload"]["collection"];
        let is_wanted = collection.is_null()
            || collection
                .as_str()
                .is_some_and(|name| name.starts_with("app.bsky.feed."));
        assert!(is_wanted, "{message}");
    }
    let tail = fanjet(&["tail", &served.url, "--v2", "--cursor", "17"])
        .start()
        .unwrap();
    let (code, lines) = ended(&tail).await;
    let lines = lines.join("\n");
    assert_eq!(code, 1, "{lines}");
    assert!(lines.contains("cursor too old"), "{lines}");
    served.stop().await;
}
