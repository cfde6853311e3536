//! A log in a folder whose events have all expired, and a process that exits then. Seqs continue, and the upstream's events of
//! the downtime are read.

use fanjet_runtime::{Clock, SystemClock};
use fanjet_simulator::{
    CursorHabit, Simulator, SimulatorConfig, SimulatorHandle, Source, WorldConfig,
};

use crate::harness::{PATIENCE, Served, entries};

/// A relay like indigo's that publishes on request.
async fn relay(seed: u64) -> SimulatorHandle {
    let world = WorldConfig {
        seed,
        accounts: 20,
        records_per_repo: 20,
        multi_op_commits: 0.2,
        start_us: SystemClock.now_us(),
        ..WorldConfig::default()
    };
    Simulator::start(SimulatorConfig {
        source: Source::World(world),
        is_paused: true,
        cursors: CursorHabit::Relay,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap()
}

async fn nothing_is_lost_nor_repeated(seed: u64, is_killed: bool) {
    let data = tempfile::tempdir().unwrap();
    let relay = relay(seed).await;
    let start = async |max_age: &str| {
        let settings = [
            ("embedded.path", data.path().display().to_string()),
            ("embedded.max_age", max_age.to_owned()),
        ];
        Served::start_as(&relay, &settings, &[]).await
    };
    let served = start("1s").await;
    relay.publish(30).await;
    served.relay_seq_reaches(relay.stats().last_seq).await;
    let (newest, before) = (served.log_seq().await, relay.expected().len());
    let base = newest - before as u64;
    let forgotten = format!("last={newest}");
    served
        .process
        .wait_for_line(
            |line| line.contains("removed an expired segment") && line.contains(&forgotten),
            PATIENCE,
        )
        .await
        .unwrap();
    if is_killed {
        served.process.kill().await.unwrap();
    } else {
        served.stop().await;
    }

    relay.publish(10).await;
    let served = start("72h").await;
    relay.publish(10).await;
    let expected = relay.expected();
    served.log_reaches(base + expected.len() as u64).await;
    served.stop().await;
    let logged: Vec<_> = entries(data.path())
        .await
        .iter()
        .map(|entry| (entry.seq, entry.origin.relay_seq, entry.origin.op_index))
        .collect();
    let wanted: Vec<_> = (newest + 1..)
        .zip(&expected[before..])
        .map(|(seq, event)| (seq, event.relay_seq, event.op_index))
        .collect();
    assert_eq!(logged, wanted, "seed {seed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_log_and_a_restart_lose_and_repeat_nothing() {
    nothing_is_lost_nor_repeated(40, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_log_and_a_kill_lose_and_repeat_nothing() {
    nothing_is_lost_nor_repeated(41, true).await;
}
