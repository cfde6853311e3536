//! The folder of a running process is removed: it says so, also while nothing comes, and takes nothing that would be lost.

use fanjet_simulator::Rate;

use crate::rig::{Served, eventually, simulator};

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_folder_makes_it_unready_and_takes_nothing_more() {
    let above = tempfile::tempdir().unwrap();
    let data = above.path().join("data");
    let relay = simulator(2303, 1_000_000, Rate::PerSecond(200.0)).await;
    let served = Served::start(&relay, &data).await;
    served.log_grows_by(100).await;
    relay.pause();
    served.log_holds_all_of(&relay).await;
    let acknowledged = served.log_seq().await;
    std::fs::remove_dir_all(&data).unwrap();
    served
        .is_unready(&["was removed or replaced while it was in use"])
        .await;
    relay.resume();
    served
        .is_unready(&["not writable: ", "it was removed while it was in use"])
        .await;
    let published = relay.stats().last_seq;
    eventually("more is published", || {
        relay.stats().last_seq > published + 200
    })
    .await;
    assert_eq!(served.log_seq().await, acknowledged);
    assert!(served.process.lines().len() < 200);
    assert!(!data.exists());
    served.process.kill().await.unwrap();
}
