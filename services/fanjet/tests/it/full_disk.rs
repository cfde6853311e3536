//! The data folder is on a small file system that fills up. The process reports it, serves the events that it has, and resumes
//! without loss or repetition when space is free.

use std::path::Path;

use fanjet_simulator::{Rate, SimulatorHandle};
use fanjet_testkit::small_disk::Room;
use fanjet_testkit::{JetstreamClient, SmallDisk};

use crate::harness::{
    PATIENCE, Served, assert_log_equals_world, assert_same_events, expected_json, simulator,
};

const FULL: &str = "No space left on device";
const PLENTY: Room = Room {
    bytes: 256 << 20,
    files: 10_000,
};

fn settings(data: &Path) -> [(&'static str, String); 3] {
    [
        ("embedded.path", data.display().to_string()),
        ("embedded.segment_bytes", "100000".to_owned()),
        ("edge.tail.warm_entries", "50".to_owned()),
    ]
}

/// Every event in the log is served, from its beginning on.
async fn assert_served(served: &Served, relay: &SimulatorHandle, seed: u64) {
    let mut reader = JetstreamClient::connect(&served.url, &[("cursor", "0")])
        .await
        .unwrap()
        .with_deadline(PATIENCE);
    let expected = expected_json(relay, |_| true);
    let got = reader.next_events(100).await.unwrap();
    assert_same_events(&got, &expected[..100], seed);
}

/// Asserts that the process has written few lines, although it retried often.
fn assert_few_lines(served: &Served) {
    let lines = served.process.lines();
    assert!(
        lines.len() < 200,
        "{} lines:\n{}",
        lines.len(),
        lines.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_affects_readiness_and_loses_no_event() {
    let (seed, frames) = (2301, 20_000);
    let room = |bytes| Room { bytes, ..PLENTY };
    let name = "full_disk::a_full_disk_affects_readiness_and_loses_no_event";
    let Some(disk) = SmallDisk::for_test(name, room(2 << 20)).unwrap() else {
        return;
    };
    let data = disk.path().join("data");
    let relay = simulator(seed, frames, Rate::PerSecond(4_000.0)).await;
    let served = Served::start_as(&relay, &settings(&data), &[]).await;
    // Space becomes free, and the disk fills up again.
    for bytes in [3 << 20, 4 << 20, PLENTY.bytes] {
        served.is_unready(&["not writable", FULL]).await;
        assert_served(&served, &relay, seed).await;
        let before = served.log_seq().await;
        disk.resize(room(bytes)).unwrap();
        served.log_reaches(before + 1).await;
    }
    served.is_ready().await;
    assert_few_lines(&served);
    let all_sent = relay.wait_until_produced(frames);
    tokio::time::timeout(PATIENCE, all_sent).await.unwrap();
    served.log_holds_all_of(&relay).await;
    served.stop().await;
    assert_log_equals_world(&data, &relay, seed).await;
}

/// The last segment is complete, and the file system has no inode for the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_a_file_for_the_next_segment_does_not_prevent_a_start() {
    let (seed, frames) = (2302, 6_000);
    let room = |files| Room { files, ..PLENTY };
    let name = "full_disk::a_disk_without_a_file_for_the_next_segment_does_not_prevent_a_start";
    let Some(disk) = SmallDisk::for_test(name, room(16)).unwrap() else {
        return;
    };
    let data = disk.path().join("data");
    let relay = simulator(seed, frames, Rate::PerSecond(4_000.0)).await;
    let settings = settings(&data);
    let served = Served::start_as(&relay, &settings, &[]).await;
    served
        .is_unready(&["not writable: cannot create", FULL])
        .await;
    served.process.kill().await.unwrap();

    let served = Served::launch(&relay, &settings, &[]).await;
    served
        .is_unready(&["not writable: cannot create", FULL])
        .await;
    assert_served(&served, &relay, seed).await;
    disk.resize(PLENTY).unwrap();
    served.is_ready().await;
    assert_few_lines(&served);
    let all_sent = relay.wait_until_produced(frames);
    tokio::time::timeout(PATIENCE, all_sent).await.unwrap();
    served.log_holds_all_of(&relay).await;
    served.stop().await;
    assert_log_equals_world(&data, &relay, seed).await;
}
