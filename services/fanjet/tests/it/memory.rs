//! Small untrusted input must not inflate beyond its limit.

use std::time::Duration;

use fanjet_simulator::{FaultKind, Rate, Simulator, SimulatorConfig, Source, WorldConfig};

use crate::harness::{PATIENCE, Served, assert_log_equals_world};

/// Far more than the process uses for this stream without such frames, and less than two inflated frames.
const MOST_RESIDENT_KIB: u64 = 500 << 10;

/// Every other frame has 364 KB and would inflate to 418 MB.
#[tokio::test(flavor = "multi_thread")]
async fn frames_that_inflate_a_thousandfold_are_dropped_without_using_memory() {
    let (seed, frames) = (30, 400);
    let world = WorldConfig {
        seed,
        accounts: 40,
        records_per_repo: 30,
        faults: vec!["inflated=every:2".parse().unwrap()],
        ..WorldConfig::default()
    };
    let simulator = Simulator::start(SimulatorConfig {
        source: Source::World(world),
        rate: Rate::Max,
        limit: Some(frames),
        wait_for_client: true,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap();
    let data = tempfile::tempdir().unwrap();
    let served = Served::start(&simulator, data.path()).await;
    let pid = served.process.pid();
    let watching = async {
        loop {
            let peak = peak_resident_kib(pid);
            assert!(peak < MOST_RESIDENT_KIB, "{peak} KiB were resident");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let done = async {
        simulator.wait_until_produced(frames).await;
        let last = simulator.expected().last().unwrap().relay_seq;
        served.relay_seq_reaches(last).await;
    };
    tokio::select! {
        () = watching => {}
        done = tokio::time::timeout(PATIENCE, done) => done.unwrap(),
    }
    let struck = simulator.stats().fault(FaultKind::Inflated);
    assert!(struck > 50, "{struck} frames");
    println!("peak: {} KiB, {struck} frames", peak_resident_kib(pid));
    served.stop().await;
    assert_log_equals_world(data.path(), &simulator, seed).await;
}

/// The peak resident memory of a process.
fn peak_resident_kib(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.unwrap().trim().trim_end_matches(" kB");
    number.parse().unwrap()
}
