//! An upstream that sends absurd seqs: up to the highest possible one and back, within one connection and before a restart.

use fanjet_runtime::{Clock, SystemClock};
use fanjet_simulator::{
    CursorHabit, Simulator, SimulatorConfig, SimulatorHandle, Source, WorldConfig,
};
use fanjet_wire::envelope::Subject;

use crate::harness::{Served, entries};

/// The highest seq that a cursor can express, and the highest that every JSON parser reads.
const ABSURD: [u64; 2] = [i64::MAX as u64, (1 << 53) - 1];

async fn relay(seed: u64, cursors: CursorHabit) -> SimulatorHandle {
    Simulator::start(SimulatorConfig {
        source: Source::World(WorldConfig {
            seed,
            accounts: 40,
            records_per_repo: 30,
            start_us: SystemClock.now_us(),
            ..WorldConfig::default()
        }),
        is_paused: true,
        cursors,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absurd_seq_hides_no_event() {
    for (seed, habit) in (70..).zip([CursorHabit::Spec, CursorHabit::Relay]) {
        let data = tempfile::tempdir().unwrap();
        let relay = relay(seed, habit).await;
        let settings = [
            ("embedded.path", data.path().display().to_string()),
            ("ingest.upstream.connect_timeout", "2s".to_owned()),
        ];
        let mut served = Served::start_as(&relay, &settings, &[]).await;
        relay.publish(10).await;
        served.log_holds_all_of(&relay).await;
        let begin = served.log_seq().await - relay.expected().len() as u64;
        let frames_from = async |served: &Served, seq: u64, frames: u64| {
            relay.renumber(seq - 1, 0);
            relay.publish(frames).await;
            served
                .log_reaches(begin + relay.expected().len() as u64)
                .await;
        };
        for (absurd, frames) in ABSURD.into_iter().zip([1, 5]) {
            for is_killed in [false, true] {
                let usual = relay.stats().last_seq;
                frames_from(&served, absurd - frames + 1, frames).await;
                if is_killed {
                    served.process.kill().await.unwrap();
                    relay.wait_for_clients(0).await;
                    relay.renumber(usual, 0);
                    served = Served::start_as(&relay, &settings, &[]).await;
                    relay.wait_for_clients(1).await;
                }
                frames_from(&served, usual + 1, 10).await;
            }
        }
        served.stop().await;
        let got: Vec<_> = entries(data.path())
            .await
            .iter()
            .map(|entry| {
                let did = Subject::of(&entry.body).unwrap().did.to_owned();
                (
                    did,
                    entry.origin.op_index,
                    entry.origin.time.as_str().to_owned(),
                )
            })
            .collect();
        let expected: Vec<_> = relay
            .expected()
            .into_iter()
            .map(|event| (event.did.as_str().to_owned(), event.op_index, event.time))
            .collect();
        assert_eq!(got, expected, "seed {seed}");
    }
}
