//! `fanjet serve --raw`: the frames as they were received, in a folder of their own, and served.

mod cluster;
mod filters;
mod http;

use std::path::Path;
use std::time::Duration;

use fanjet_event::Topic;
use fanjet_log::Entry;
use fanjet_simulator::{Rate, SimulatorHandle};
use fanjet_testkit::SmallDisk;
use fanjet_testkit::small_disk::Room;
use futures::StreamExt;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{PATIENCE, Served, assert_log_equals_world, entries, simulator};

const PATH: &str = "/xrpc/com.atproto.sync.subscribeRepos";

fn settings(data: &Path) -> Vec<(&'static str, String)> {
    vec![
        ("embedded.path", data.display().to_string()),
        ("raw.enabled", "true".to_owned()),
    ]
}

/// Frames from a cursor on, from a server of the firehose.
async fn frames(url: &str, cursor: &str, count: usize) -> Vec<Vec<u8>> {
    let url = format!("{url}{PATH}{cursor}");
    let mut frames = Vec::new();
    let reading = async {
        // Refused until the raw log was reached.
        let mut socket = loop {
            match tokio_tungstenite::connect_async(&url).await {
                Ok((socket, _)) => break socket,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        while frames.len() < count {
            if let Message::Binary(frame) = socket.next().await.unwrap().unwrap() {
                frames.push(frame.to_vec());
            }
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, reading).await;
    assert!(in_time.is_ok(), "{} of {count} frames", frames.len());
    frames
}

/// Lets frames flow once both readers of a node are connected: a new log starts at the present.
async fn begin(relay: &SimulatorHandle) {
    let connected = relay.wait_for_clients(2);
    tokio::time::timeout(PATIENCE, connected).await.unwrap();
    relay.resume();
}

async fn raw_reaches(served: &Served, frames: u64) {
    let reaching = async {
        while served.metric("fanjet_ingest_raw_events_total ").await < frames {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reaching).await.unwrap();
}

/// The raw log of a process that has ended is what the upstream sent, from its first frame on, each once and without a hole.
/// Returns how many frames it has.
async fn assert_raw_equals(data: &Path, relay: &SimulatorHandle) -> usize {
    let raw: Vec<Entry> = entries(&data.join("raw")).await;
    let sent = frames(&relay.url(), "?cursor=0", relay.produced() as usize).await;
    let first = sent.iter().position(|frame| raw[0].body == *frame).unwrap();
    for (entry, frame) in raw.iter().zip(&sent[first..]) {
        assert_eq!(entry.body, *frame, "seq {}", entry.seq);
        assert!(matches!(entry.topic, Topic::Frame(_)));
    }
    assert!(raw.len() <= sent.len() - first);
    raw.len()
}

/// Its disk is full while the log of events continues; then it continues where it ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_the_raw_log_costs_the_log_of_events_nothing() {
    let (seed, total) = (2401, 6_000);
    let room = |bytes| Room {
        bytes,
        files: 10_000,
    };
    let name = "raw::a_full_disk_of_the_raw_log_costs_the_log_of_events_nothing";
    let Some(disk) = SmallDisk::for_test(name, room(2 << 20)).unwrap() else {
        return;
    };
    let data = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(disk.path(), data.path().join("raw")).unwrap();
    let relay = simulator(seed, total, Rate::PerSecond(2_000.0)).await;
    relay.pause();
    let mut settings = settings(data.path());
    settings.push(("embedded.segment_bytes", "100000".to_owned()));
    let served = Served::start_as(&relay, &settings, &[]).await;
    begin(&relay).await;
    let all_sent = relay.wait_until_produced(total);
    tokio::time::timeout(PATIENCE, all_sent).await.unwrap();
    served.log_holds_all_of(&relay).await;
    served.is_ready().await;
    let before = served.metric("fanjet_ingest_raw_events_total ").await;
    assert!(before < total, "the disk was never full");
    disk.resize(room(256 << 20)).unwrap();
    let newest = relay.expected().last().unwrap().relay_seq;
    let reaching = async {
        while served.metric("fanjet_ingest_raw_relay_seq ").await < newest {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reaching).await.unwrap();
    served.stop().await;
    assert_log_equals_world(data.path(), &relay, seed).await;
    assert!(assert_raw_equals(data.path(), &relay).await > before as usize);
    let last = entries(&data.path().join("raw")).await.pop().unwrap();
    assert!(last.origin.relay_seq >= newest);
}

/// A client that returns with the number of its last frame gets that one again and misses none, across a stop and a kill.
#[tokio::test(flavor = "multi_thread")]
async fn clients_resume_over_restarts_with_the_same_bytes() {
    let (seed, total) = (2402, 3_000);
    let data = tempfile::tempdir().unwrap();
    let relay = simulator(seed, total, Rate::PerSecond(1_000.0)).await;
    relay.pause();
    let mut got: Vec<Vec<u8>> = Vec::new();
    for round in 0..3 {
        let served = Served::start_as(&relay, &settings(data.path()), &[]).await;
        begin(&relay).await;
        raw_reaches(&served, 200).await;
        let read = frames(&served.url, "?cursor=0", 200 * (round + 1)).await;
        assert_eq!(read[..got.len()], got[..]);
        got = read;
        if round == 1 {
            served.process.kill().await.unwrap();
        } else {
            served.stop().await;
        }
    }
    assert!(assert_raw_equals(data.path(), &relay).await >= got.len());
}

/// Fanjet as the upstream of another Fanjet.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_an_upstream_for_another() {
    let (seed, total) = (2403, 3_000);
    let (near, far) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let relay = simulator(seed, total, Rate::PerSecond(800.0)).await;
    relay.pause();
    let first = Served::start_as(&relay, &settings(near.path()), &[]).await;
    begin(&relay).await;
    raw_reaches(&first, 1).await;
    let listen = first.url.trim_start_matches("ws://").to_owned();
    let mut behind = settings(far.path());
    behind.push(("ingest.upstream.url", first.url.clone()));
    let second = Served::start_as(&relay, &behind, &[]).await;
    raw_reaches(&second, 500).await;
    first.stop().await;
    let mut again = settings(near.path());
    again.push(("edge.http.listen", listen));
    let first = Served::start_as(&relay, &again, &[]).await;
    let all_sent = relay.wait_until_produced(total);
    tokio::time::timeout(PATIENCE, all_sent).await.unwrap();
    let newest = relay.expected().last().unwrap().relay_seq;
    second.relay_seq_reaches(newest).await;
    let reaching = async {
        while second.metric("fanjet_ingest_raw_relay_seq ").await < newest {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reaching).await.unwrap();
    second.stop().await;
    first.stop().await;
    assert!(assert_raw_equals(far.path(), &relay).await >= 500);
}
