//! The local tier: replays are read from the node's own disk, and whatever happens to its folder changes no stream.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fanjet_edge::EdgeConfig;
use fanjet_edge::metrics::{DISCONNECTS, DISK_BYTES, DISK_ENDS, DISK_FILLED, REPLAY_PAGES};
use fanjet_log::Entry;

use crate::support::{Client, FaultyLog, Node, commit, eventually, time_of};

const POST: &str = "app.bsky.feed.post";

/// A node whose ring holds about the last 100 events, with a local tier.
fn settings(config: &mut EdgeConfig, folder: &Path) {
    config.tail.ring_bytes = 60_000;
    config.tail.warm_entries = 50;
    config.tail.check_interval = Duration::from_millis(20);
    config.replay.cache_bytes = 1;
    config.replay.page_bytes = 20_000;
    config.disk.path = folder.to_owned();
    config.disk.max_bytes = 64 << 20;
    config.disk.fill = 1 << 30;
}

async fn node_on(log: FaultyLog, folder: &Path) -> Node {
    Node::start_with(log, |config| settings(config, folder)).await
}

fn events(log: &FaultyLog, count: usize) -> Vec<Entry> {
    log.append(std::iter::repeat_with(|| commit(POST, "did:plc:a")).take(count))
}

async fn filled(node: &Node) {
    eventually("the disk has everything", || {
        node.metric(DISK_FILLED, None) >= 1.0 && node.metric(DISK_BYTES, None) > 0.0
    })
    .await;
}

async fn whole(node: &Node, cursor: u64, expected: &[Entry]) -> Client {
    let mut client = node.client(&format!("?cursor={cursor}")).await;
    client.expect(expected).await;
    client
}

fn pages(node: &Node, tier: &str) -> f64 {
    node.labelled(REPLAY_PAGES, "tier", tier)
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|it| it == "segment"))
        .collect()
}

#[tokio::test]
async fn replays_are_read_from_the_disk_and_not_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = FaultyLog::new();
    let mut all = events(&log, 3_000);
    let node = node_on(log, folder.path()).await;
    filled(&node).await;
    all.extend(events(&node.log, 500));
    // What a record has beside the body: its frame, the fixed part, the collection and the names of no origin.
    let beside = 8 + 40 + POST.len() + 24;
    let bytes: usize = all.iter().map(|entry| beside + entry.body.len()).sum();
    eventually("the disk has the new ones, too", || {
        node.metric(DISK_BYTES, None) >= bytes as f64
    })
    .await;
    let before = pages(&node, "log");
    let mut clients = Vec::new();
    for seq in [1_u64, 2, 700, 2_999] {
        for cursor in [seq, time_of(seq).get()] {
            clients.push(whole(&node, cursor, &all[seq as usize - 1..]).await);
        }
    }
    assert_eq!(pages(&node, "log"), before);
    assert!(pages(&node, "disk") >= 100.0, "{}", pages(&node, "disk"));
    let after = node.append_one(POST, "did:plc:z");
    for client in &mut clients {
        client.expect([&after]).await;
    }
    assert_eq!(node.metric(DISCONNECTS, None), 0.0);
    assert_eq!(node.metric(DISK_ENDS, None), 0.0);
}

#[tokio::test]
async fn what_the_log_has_deleted_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let log = FaultyLog::new();
    let all = events(&log, 3_000);
    let node = node_on(log, folder.path()).await;
    filled(&node).await;
    node.log.retain_from(1_000);
    node.knows_its_oldest(1_000).await;
    whole(&node, 1, &all[999..]).await;
}

#[tokio::test]
async fn a_restarted_node_continues_with_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let log = FaultyLog::new();
    let mut all = events(&log, 3_000);
    let node = node_on(log.clone(), folder.path()).await;
    filled(&node).await;
    node.stop().await.unwrap();
    // More than the ring of the next one reaches back to.
    all.extend(events(&log, 1_000));
    let node = node_on(log, folder.path()).await;
    filled(&node).await;
    eventually("the disk has caught up", || {
        node.metric(DISK_BYTES, None) > 900_000.0
    })
    .await;
    whole(&node, 1, &all).await;
    assert!(pages(&node, "disk") > 0.0);
    assert_eq!(node.metric(DISK_ENDS, None), 0.0);
}

#[tokio::test]
async fn a_folder_that_is_damaged_or_removed_changes_no_stream() {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("disk");
    let log = FaultyLog::new();
    let all = events(&log, 3_000);
    let node = node_on(log, &folder).await;
    for round in 1..=4 {
        filled(&node).await;
        match round {
            1 => fs::remove_dir_all(&folder).unwrap(),
            2 => segments(&folder)
                .iter()
                .for_each(|path| fs::remove_file(path).unwrap()),
            _ => {
                for path in segments(&folder) {
                    let mut bytes = fs::read(&path).unwrap();
                    let end = bytes.len();
                    bytes[end.min(40)..end].fill(7);
                    fs::write(&path, bytes).unwrap();
                }
            }
        }
        whole(&node, 1, &all).await;
        node.metric_becomes(DISK_ENDS, None, f64::from(round)).await;
    }
    assert_eq!(node.metric(DISK_ENDS, Some("off")), 0.0);
}

#[tokio::test]
async fn a_folder_of_another_log_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let log = FaultyLog::new();
    events(&log, 500);
    let node = node_on(log, folder.path()).await;
    filled(&node).await;
    node.stop().await.unwrap();
    // The same seqs with other events.
    let other = FaultyLog::new();
    let all = other.append(std::iter::repeat_with(|| commit(POST, "did:plc:other")).take(3_000));
    let node = node_on(other, folder.path()).await;
    filled(&node).await;
    whole(&node, 1, &all).await;
    assert!(pages(&node, "disk") > 0.0);
}

#[tokio::test]
async fn a_disk_that_cannot_be_used_turns_only_the_tier_off() {
    let above = tempfile::tempdir().unwrap();
    let file = above.path().join("file");
    fs::write(&file, "no folder").unwrap();
    let log = FaultyLog::new();
    let all = events(&log, 1_000);
    let node = node_on(log, &file).await;
    node.metric_becomes(DISK_ENDS, Some("off"), 1.0).await;
    whole(&node, 1, &all).await;
    assert!(node.handle.readiness().is_ready());
    assert_eq!(pages(&node, "disk"), 0.0);
}
