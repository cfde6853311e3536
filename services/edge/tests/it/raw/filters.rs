//! Raw readers that choose: by what stands beside a frame, never by its bytes, which here are none that could be decoded.

use std::time::Instant;

use super::*;

const LIKE: &str = "did:plc:a;app.bsky.feed.like";
const POST: &str = "did:plc:b;app.bsky.feed.post";
const BOTH: &str = "did:plc:b;app.bsky.feed.like,app.bsky.graph.follow";
const FOLLOW: &str = "did:plc:a;app.bsky.graph.follow";
const IDENTITY: &str = "did:plc:b";

/// Frames about these; the empty text is for one whose stamp does not say.
fn about(first: u64, bytes: usize, topics: &[&str]) -> Vec<NewEvent> {
    let topics = (first..).zip(topics);
    let frames = topics.map(|(seq, text)| frame_about(seq, bytes, FrameTopic::parse(text)));
    frames.collect()
}

/// The frames with these numbers.
fn only(all: &[NewEvent], seqs: &[u64]) -> Vec<NewEvent> {
    let is_one = |event: &&NewEvent| seqs.contains(&event.origin.relay_seq);
    all.iter().filter(is_one).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_gets_the_frames_of_its_choice_and_no_others() {
    // From the ring, and from a log whose frames the ring does not have.
    for ring_bytes in [1 << 20, 1] {
        let raw = Arc::new(MemoryLog::new());
        let old = about(100, 60, &[LIKE, POST, BOTH, FOLLOW, IDENTITY, ""]);
        append(&raw, &old).await;
        let node = Node::over(&raw, |config| config.raw.ring_bytes = ring_bytes).await;
        let new = about(
            106,
            60,
            &[FOLLOW, IDENTITY, BOTH, POST, LIKE, "", "did:plc:c;"],
        );
        let all = [&old[..], &new].concat();
        let mut clients = Vec::new();
        for (query, expected) in [
            ("cursor=0", (100..113).collect::<Vec<u64>>()),
            (
                "cursor=0&wantedCollections=app.bsky.feed.like",
                vec![100, 102, 104, 105, 107, 108, 110, 111],
            ),
            (
                "cursor=0&wantedCollections=app.bsky.feed.*",
                vec![100, 101, 102, 104, 105, 107, 108, 109, 110, 111],
            ),
            (
                "cursor=0&wantedDids=did:plc:a",
                vec![100, 103, 105, 106, 110, 111],
            ),
            (
                "wantedDids=did:plc:b&cursor=102&wantedCollections=app.bsky.feed.post",
                vec![104, 105, 107, 109, 111],
            ),
            ("cursor=0&wantedDids=did:plc:none", vec![105, 111]),
            (
                "wantedCollections=app.bsky.graph.*",
                vec![106, 107, 108, 111],
            ),
        ] {
            let client = node.connect(&format!("?{query}")).await;
            clients.push((query, client, only(&all, &expected)));
        }
        append(&raw, &new).await;
        // It passes every filter, and shows that nothing else came before.
        let end = about(200, 60, &[""]);
        append(&raw, &end).await;
        for (query, mut client, expected) in clients {
            for frame in expected.iter().chain(&end) {
                assert_eq!(
                    client.next().await,
                    Got::Frame(frame.body.clone()),
                    "{query}"
                );
            }
        }
        node.stop().await;
    }
}

/// Notices and errors are for everyone.
#[tokio::test(flavor = "multi_thread")]
async fn a_choice_does_not_hide_what_the_node_says() {
    let raw = Arc::new(MemoryLog::new());
    append(&raw, &about(100, 60, &[LIKE, POST])).await;
    let node = Node::over(&raw, |_| {}).await;
    let filter = "wantedDids=did:plc:none";
    let mut client = node.connect(&format!("?cursor=50&{filter}")).await;
    let got = client.next().await;
    assert!(info("OutdatedCursor")(&got), "{got:?}");
    let mut client = node.connect(&format!("?cursor=900&{filter}")).await;
    let got = client.next().await;
    assert!(error("FutureCursor")(&got), "{got:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_choice_is_refused_as_elsewhere() {
    let raw = Arc::new(MemoryLog::new());
    append(&raw, &about(100, 60, &[LIKE])).await;
    let node = Node::over(&raw, |_| {}).await;
    let many: String = (0..101)
        .map(|n| format!("wantedCollections=a.b.c{n}&"))
        .collect();
    for query in [
        "wantedCollections=like",
        "wantedDids=alice.test",
        "wantedDids=",
        &many,
    ] {
        let refused = node.try_connect(&format!("?{query}")).await;
        assert_eq!(refused.err(), Some(Some(400)), "{query}");
    }
    let reason = Some(("reason", "invalid_options"));
    let refused = node.instruments.sum(REFUSED_HANDSHAKES, reason);
    assert!(refused >= 4.0, "{refused}");
    // Other parameters of other streams mean nothing here.
    assert!(
        node.try_connect("?wantedKinds=nonsense&wanteddids=x")
            .await
            .is_ok()
    );
    node.stop().await;
}

/// Large filters of all readers have one budget, which is given back.
#[tokio::test(flavor = "multi_thread")]
async fn filters_of_raw_readers_are_bounded() {
    let raw = Arc::new(MemoryLog::new());
    append(&raw, &about(100, 60, &[LIKE])).await;
    let node = Node::over(&raw, |config| {
        config.limits.max_filter_bytes = 100_000;
        config.limits.max_filter_bytes_per_address = 0;
    })
    .await;
    let dids = (0..1_000).map(|n| format!("&wantedDids=did:plc:{n:0>24}"));
    let query = format!("?cursor=0{}", dids.collect::<String>());
    let kept = node.connect(&query).await;
    assert_eq!(node.try_connect(&query).await.err(), Some(Some(503)));
    assert!(node.try_connect("?wantedDids=did:plc:a").await.is_ok());
    drop(kept);
    eventually("its memory is given back", || {
        node.instruments.sum("fanjet_edge_raw_subscribers", None) < 1.0
    })
    .await;
    assert!(node.try_connect(&query).await.is_ok());
    node.stop().await;
}

/// A replay costs what is read of the log, and not what is sent of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_choosy_replay_has_the_rate_of_any_other() {
    let raw = Arc::new(MemoryLog::new());
    let mut all = about(1, 10_000, &[POST; 300]);
    all.extend(about(400, 60, &[LIKE]));
    append(&raw, &all).await;
    let node = Node::over(&raw, |config| {
        config.raw.ring_bytes = 1;
        config.limits.max_replay_bytes_per_second = 1_000_000;
    })
    .await;
    let began = Instant::now();
    let query = "?cursor=0&wantedCollections=app.bsky.feed.like";
    let mut client = node.connect(query).await;
    client.expect(&all[300..]).await;
    let took = began.elapsed();
    assert!(took > Duration::from_millis(1_500), "3 MB in {took:?}");
    let pauses = node
        .instruments
        .sum("fanjet_edge_raw_replay_pauses_total", None);
    assert!(pauses > 0.0);
    node.stop().await;
}
