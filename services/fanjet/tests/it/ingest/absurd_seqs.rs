//! Real processes over a real server, and an upstream that sends absurd seqs: up to the highest possible one and back, within one
//! connection, before a restart and before another ingest takes over.

use fanjet_simulator::{CursorHabit, SimulatorHandle};

use super::cluster::nodes::is_ready_as;
use super::harness::PATIENCE;
use super::purged_log::Fixture;

/// The highest seq that a cursor can express, and the highest that every JSON parser reads.
const ABSURD: [u64; 2] = [i64::MAX as u64, (1 << 53) - 1];

/// How many frames in a row have such seqs: a single outlier, and enough that the upstream seems to continue there.
const TOGETHER: [u64; 2] = [1, 5];

/// Publishes the next frames from a seq on. Earlier frames that are not read yet are lost.
async fn from(host: &SimulatorHandle, seq: u64, frames: u64) {
    host.renumber(seq - 1, 0);
    host.publish(frames).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absurd_seq_hides_no_event_under_any_leader() {
    for (seed, habit) in (920..).zip([CursorHabit::Spec, CursorHabit::Relay]) {
        let fixture = Fixture::start(seed, habit).await;
        let host = &fixture.host;
        let mut leader = fixture.ingest().await;
        for (absurd, frames) in ABSURD.into_iter().zip(TOGETHER) {
            // Within one connection.
            host.publish(10).await;
            let usual = host.stats().last_seq;
            fixture.check_exactly_once().await;
            from(host, absurd - frames + 1, frames).await;
            fixture.check_exactly_once().await;
            from(host, usual + 1, 10).await;
            fixture.check_exactly_once().await;
            // Before a standby takes over, and before a restart.
            for has_standby in [true, false] {
                let usual = host.stats().last_seq;
                from(host, absurd - frames + 1, frames).await;
                fixture.check_exactly_once().await;
                let standby = match has_standby {
                    true => Some(fixture.standby().await),
                    false => None,
                };
                assert!(!leader.kill().await.unwrap().success());
                host.wait_for_clients(0).await;
                host.renumber(usual, 0);
                leader = match standby {
                    Some(standby) => standby,
                    None => fixture.ingest().await,
                };
                is_ready_as(&leader, "leader").await;
                host.wait_for_clients(1).await;
                host.publish(10).await;
                fixture.check_exactly_once().await;
            }
        }
        assert!(leader.stop(PATIENCE).await.unwrap().success());
    }
}
