//! The data folder of a running process is removed. The process reports it even without events to write, and acknowledges no
//! event that would be lost.

use fanjet_simulator::{Simulator, SimulatorConfig};

use crate::harness::Served;

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_folder_makes_it_unready_and_stops_writes() {
    let above = tempfile::tempdir().unwrap();
    let data = above.path().join("data");
    let config = SimulatorConfig {
        is_paused: true,
        ..SimulatorConfig::default()
    };
    let relay = Simulator::start(config).await.unwrap();
    let served = Served::start(&relay, &data).await;
    relay.publish(100).await;
    served.log_holds_all_of(&relay).await;
    let acknowledged = served.log_seq().await;
    std::fs::remove_dir_all(&data).unwrap();
    served
        .is_unready(&["was removed or replaced while it was in use"])
        .await;
    relay.publish(200).await;
    served
        .is_unready(&["not writable: ", "it was removed while it was in use"])
        .await;
    assert_eq!(served.log_seq().await, acknowledged);
    assert!(served.process.lines().len() < 200);
    assert!(!data.exists());
    served.process.kill().await.unwrap();
}
