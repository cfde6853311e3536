use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use fanjet_edge::metrics::{DELIVERED_EVENTS, ENCODED_EVENTS, RING_BYTES};
use fanjet_edge::{Edge, EdgeConfig, EdgeError};
use fanjet_runtime::Stop;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{FaultyLog, Node, commit};

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";
const EVENTS: usize = 300;

/// For any number of workers, filters and subscribers each event is compressed once, and never if no client needs it.
#[tokio::test]
async fn an_event_is_compressed_once_per_node() {
    let node = Node::start_with(FaultyLog::new(), |config| config.http.workers = 3).await;
    let mut plain = node.client("").await;
    let unwanted = node
        .log
        .append((0..EVENTS).map(|_| commit(POST, "did:plc:a")));
    plain.expect(&unwanted).await;
    assert_eq!(node.metric(ENCODED_EVENTS, None), 0.0);

    let mut clients = Vec::new();
    for n in 0..12 {
        let filter = ["", "&wantedCollections=app.bsky.feed.like"][n % 2];
        clients.push(node.client(&format!("?compress=true{filter}")).await);
    }
    let delivered_before = node.metric(DELIVERED_EVENTS, None);
    let entries = node.log.append((0..EVENTS).map(|n| {
        let collection = [POST, LIKE][n % 2];
        commit(collection, "did:plc:a").padded(n)
    }));
    let likes: Vec<_> = entries.iter().skip(1).step_by(2).cloned().collect();
    for (n, client) in clients.iter_mut().enumerate() {
        client.expect([&entries, &likes][n % 2]).await;
    }
    plain.expect(&entries).await;
    let deliveries = EVENTS * 6 + likes.len() * 6 + EVENTS;
    node.metric_becomes(DELIVERED_EVENTS, None, delivered_before + deliveries as f64)
        .await;
    assert_eq!(node.metric(ENCODED_EVENTS, None), EVENTS as f64);

    // Another encoding needs another frame.
    let mut original = node.client("?format=v0").await;
    let last = node.append_one(POST, "did:plc:a");
    original.expect([&last]).await;
    clients[0].expect([&last]).await;
    node.metric_becomes(ENCODED_EVENTS, None, (EVENTS + 2) as f64)
        .await;
}

/// Frames encoded on demand evict the oldest events.
#[tokio::test]
async fn compressed_frames_count_against_the_ring() {
    const BOUND: usize = 100_000;
    /// The frames of one batch exist for a moment before older events are evicted for them.
    const BATCH: usize = 20 * 2_000;
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.http.workers = 1;
        config.tail.ring_bytes = BOUND;
    })
    .await;
    let mut clients = [
        node.client("?compress=true").await,
        node.client("?format=v0").await,
    ];
    for _ in 0..20 {
        let entries = node
            .log
            .append((0..20).map(|_| commit(POST, "did:plc:a").padded(1_000)));
        for client in &mut clients {
            client.expect(&entries).await;
        }
        node.tail_caught_up().await;
        let held = node.metric(RING_BYTES, None);
        assert!(held <= (BOUND + BATCH) as f64, "{held}");
    }
}

#[tokio::test]
async fn a_configured_dictionary_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.zdict");
    let mut own = fanjet_dictionaries::v1().bytes().to_vec();
    own[4..8].copy_from_slice(&77_u32.to_le_bytes());
    fs::write(&path, &own).unwrap();
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.zstd.dictionary = path;
        config.zstd.level = 6;
    })
    .await;
    let mut client = node.client("?compress=true").await;
    let entry = node.append_one(POST, "did:plc:a");
    let Message::Binary(frame) = client.next_message().await else {
        panic!("not binary");
    };
    let mut decompressor = zstd::bulk::Decompressor::with_dictionary(&own).unwrap();
    assert_eq!(decompressor.decompress(&frame, 10_000).unwrap(), entry.body);
}

fn start(dictionary: PathBuf, level: i32) -> Result<(), String> {
    let mut config = EdgeConfig::default();
    config.http.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.zstd.dictionary = dictionary;
    config.zstd.level = level;
    let meter = SdkMeterProvider::default().meter("test");
    match Edge::start(config, Arc::new(FaultyLog::new()), &meter, Stop::new()) {
        Ok(_) => Ok(()),
        Err(error @ EdgeError::Compression { .. }) => {
            assert!(!error.is_retryable());
            Err(error.to_string())
        }
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_bad_dictionary_or_level_is_an_invalid_setting() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let official = fanjet_dictionaries::v1().bytes();
    let mut damaged = official.to_vec();
    damaged[8..200].fill(0xff);
    for (path, says) in [
        (folder.path().join("absent"), "cannot read"),
        (file("text", b"{}"), "37 a4 30 ec"),
        (file("damaged", &damaged), "invalid zstd dictionary"),
        (file("cut", &official[..100]), "invalid zstd dictionary"),
    ] {
        let error = start(path.clone(), 1).unwrap_err();
        assert!(
            error.starts_with("invalid setting edge.zstd.dictionary: "),
            "{error}"
        );
        assert!(error.contains(&path.display().to_string()), "{error}");
        assert!(error.contains(says), "{error}");
    }
    let error = start(PathBuf::new(), 99).unwrap_err();
    assert!(
        error.starts_with("invalid setting edge.zstd.level: "),
        "{error}"
    );
    assert!(error.contains("99") && error.contains("22"), "{error}");
}
