//! Stops and kills of the process: the log continues as if the process had kept running.

use fanjet_simulator::Rate;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::harness::{PATIENCE, Served, assert_log_equals_world, ended, fanjet, simulator};

/// Stops or kills the process several times during a stream. Afterwards the log equals the world.
async fn interrupted(seed: u64, ends: usize, is_killed: bool) {
    let mut random = StdRng::seed_from_u64(seed);
    let frames = 4_000;
    let data = tempfile::tempdir().unwrap();
    let simulator = simulator(seed, frames, Rate::PerSecond(1_000.0)).await;
    for end in 0..ends {
        let served = Served::start(&simulator, data.path()).await;
        served.log_grows_by(random.random_range(1..600)).await;
        if is_killed {
            served.process.kill().await.unwrap();
        } else {
            served.stop().await;
        }
        let produced = simulator.produced();
        assert!(
            produced < frames,
            "seed {seed}: end {end} came too late to interrupt anything"
        );
    }
    let served = Served::start(&simulator, data.path()).await;
    tokio::time::timeout(PATIENCE, simulator.wait_until_produced(frames))
        .await
        .unwrap();
    served.log_holds_all_of(&simulator).await;
    served.stop().await;
    assert_log_equals_world(data.path(), &simulator, seed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_neither_loses_nor_repeats() {
    interrupted(10, 3, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_under_load_neither_loses_nor_repeats() {
    interrupted(20, 3, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_cannot_open_the_folder() {
    let data = tempfile::tempdir().unwrap();
    let simulator = simulator(30, 1, Rate::Max).await;
    let served = Served::start(&simulator, data.path()).await;
    let path = format!("embedded.path={}", data.path().display());
    let second = fanjet(&["serve", "--set", &path]).start().unwrap();
    let (code, lines) = ended(&second).await;
    let lines = lines.join("\n");
    assert_eq!(code, 1, "{lines}");
    assert!(lines.contains("in use by another process"), "{lines}");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_ends_the_process_and_names_the_file_and_the_offset() {
    let (seed, frames) = (31, 500);
    let data = tempfile::tempdir().unwrap();
    let simulator = simulator(seed, frames, Rate::Max).await;
    let served = Served::start(&simulator, data.path()).await;
    tokio::time::timeout(PATIENCE, simulator.wait_until_produced(frames))
        .await
        .unwrap();
    served.log_holds_all_of(&simulator).await;
    served.stop().await;

    let files = std::fs::read_dir(data.path()).unwrap();
    let segment = files
        .map(|file| file.unwrap().path())
        .find(|path| {
            path.extension()
                .is_some_and(|extension| extension == "segment")
        })
        .unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).unwrap();

    let data = data.path().display().to_string();
    let damaged = fanjet(&["serve", "--data", &data]).start().unwrap();
    let (code, lines) = ended(&damaged).await;
    let lines = lines.join("\n");
    assert_eq!(code, 1, "{lines}");
    let named = format!("{} is damaged at byte ", segment.display());
    assert!(lines.contains(&named), "{lines}");
}
