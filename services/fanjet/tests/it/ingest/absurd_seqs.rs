//! Real processes over a real server, and an upstream that sends seqs far off: up to the last that there is and back, within one
//! connection, before a restart and before another ingest takes over.

use fanjet_simulator::{CursorHabit, SimulatorHandle};

use super::cluster::nodes::is_ready_as;
use super::purged::Scene;
use super::rig::PATIENCE;

/// The last seq that a cursor can have, and the last that every JSON parser reads.
const ABSURD: [u64; 2] = [i64::MAX as u64, (1 << 53) - 1];

/// So many frames in a row under such seqs: a stray, and where the upstream seems to go on.
const TOGETHER: [u64; 2] = [1, 5];

/// Publishes the next frames from a seq on. What was published before and is not read yet is gone then.
async fn from(host: &SimulatorHandle, seq: u64, frames: u64) {
    host.renumber(seq - 1, 0);
    host.publish(frames).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seq_far_off_silences_nothing_whoever_leads() {
    for (seed, habit) in (920..).zip([CursorHabit::Spec, CursorHabit::Relay]) {
        let scene = Scene::start(seed, habit).await;
        let host = &scene.host;
        let mut leader = scene.ingest().await;
        for (absurd, frames) in ABSURD.into_iter().zip(TOGETHER) {
            // Within one connection.
            host.publish(10).await;
            let usual = host.stats().last_seq;
            scene.check_each_once().await;
            from(host, absurd - frames + 1, frames).await;
            scene.check_each_once().await;
            from(host, usual + 1, 10).await;
            scene.check_each_once().await;
            // Before a standby takes over, and before a restart.
            for has_standby in [true, false] {
                let usual = host.stats().last_seq;
                from(host, absurd - frames + 1, frames).await;
                scene.check_each_once().await;
                let standby = match has_standby {
                    true => Some(scene.standby().await),
                    false => None,
                };
                assert!(!leader.kill().await.unwrap().success());
                host.wait_for_clients(0).await;
                host.renumber(usual, 0);
                leader = match standby {
                    Some(standby) => standby,
                    None => scene.ingest().await,
                };
                is_ready_as(&leader, "leader").await;
                host.wait_for_clients(1).await;
                host.publish(10).await;
                scene.check_each_once().await;
            }
        }
        assert!(leader.stop(PATIENCE).await.unwrap().success());
    }
}
