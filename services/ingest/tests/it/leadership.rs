//! Several ingests of one log in one process: which one leads, and what the log contains afterwards.

use std::sync::Arc;
use std::time::Duration;

use fanjet_ingest::Candidacy;
use fanjet_log::memory::{MemoryLease, MemoryLog};
use fanjet_simulator::SimulatorHandle;

use crate::harness::{
    PATIENCE, Running, assert_log_equals_world, candidate, paced_simulator, wait_for_last,
};

const FRAMES: u64 = 3_000;

/// A log, its lease, and a simulator that publishes for longer than the test needs.
struct Fixture {
    log: Arc<MemoryLog>,
    lease: MemoryLease,
    simulator: SimulatorHandle,
    seed: u64,
}

impl Fixture {
    async fn new(seed: u64) -> Self {
        Self {
            log: Arc::new(MemoryLog::new()),
            lease: MemoryLease::new(),
            simulator: paced_simulator(seed, FRAMES, 1_000.0).await,
            seed,
        }
    }

    fn start(&self, name: &str) -> Running {
        let candidacy = candidate(&self.lease, name);
        Running::start_as(candidacy, &self.simulator.url(), &self.log)
    }

    /// Starts a leader, and a standby beside it.
    async fn start_two(&self) -> (Running, Running) {
        let leader = self.start("first");
        leader.wait_for_role("leader").await;
        let standby = self.start("second");
        standby.wait_for_role("standby").await;
        (leader, standby)
    }

    async fn grows(&self, by: u64) {
        use fanjet_log::EventLog;
        let last = self.log.bounds().await.unwrap().last;
        wait_for_last(&*self.log, last + by, self.seed).await;
    }

    async fn check(&self) {
        assert_log_equals_world(&*self.log, &self.simulator, FRAMES, self.seed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_ready_without_an_upstream_and_takes_over_when_the_leader_stops() {
    let fixture = Fixture::new(500).await;
    let (mut leader, mut standby) = fixture.start_two().await;
    assert!(standby.report().missing.is_empty());
    for turn in 0..4 {
        fixture.grows(50).await;
        assert_eq!(
            fixture.simulator.stats().clients,
            1,
            "one firehose connection"
        );
        leader.stop().await.unwrap();
        standby.wait_for_role("leader").await;
        leader = standby;
        assert_eq!(leader.counted("fanjet_ingest_takeovers_total"), 1);
        assert_eq!(leader.counted("fanjet_ingest_role{role=\"leader\"}"), 1);
        standby = fixture.start(&format!("candidate-{turn}"));
        standby.wait_for_role("standby").await;
        assert_eq!(standby.counted("fanjet_ingest_role{role=\"standby\"}"), 1);
    }
    fixture.check().await;
    standby.stop().await.unwrap();
    leader.stop().await.unwrap();
    assert_eq!(
        fixture.lease.holder(),
        None,
        "the lease expired instead of being released"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_lease_ends_the_term_and_can_be_acquired_again() {
    let fixture = Fixture::new(510).await;
    let (first, second) = fixture.start_two().await;
    let takeovers = || {
        [&first, &second]
            .map(|it| it.counted("fanjet_ingest_takeovers_total"))
            .iter()
            .sum::<u64>()
    };
    for _ in 0..4 {
        fixture.grows(50).await;
        let before = takeovers();
        fixture.lease.revoke();
        let taken = async {
            while takeovers() == before {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, taken).await.unwrap();
    }
    fixture.check().await;
    first.stop().await.unwrap();
    second.stop().await.unwrap();
}

/// The leader cannot renew. It stops before its term ends, and starts a new term when the lease is available again.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_cannot_renew_stops_and_resumes_with_a_new_lease() {
    let fixture = Fixture::new(520).await;
    let (first, second) = fixture.start_two().await;
    fixture.grows(50).await;
    fixture.lease.set_away(true);
    let stood_down = async {
        while first.report().facts["role"] != "standby" || first.report().ready {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, stood_down).await.unwrap();
    assert!(first.counted("fanjet_ingest_lease_renewals_total{outcome=\"failed\"}") > 0);
    assert!(first.report().missing.contains_key("log"), "and says so");
    fixture.simulator.wait_for_clients(0).await;
    fixture.lease.set_away(false);
    fixture.check().await;
    let renewed = async {
        let count =
            |it: &Running| it.counted("fanjet_ingest_lease_renewals_total{outcome=\"renewed\"}");
        while count(&first) + count(&second) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, renewed).await.unwrap();
    first.stop().await.unwrap();
    second.stop().await.unwrap();
}

/// The lease is bypassed, so every ingest leads all the time. The fence alone keeps one history.
#[tokio::test(flavor = "multi_thread")]
async fn two_leaders_at_once_write_one_history() {
    let fixture = Fixture::new(530).await;
    let url = fixture.simulator.url();
    let forced = |name| Running::start_as(Candidacy::alone(name).unwrap(), &url, &fixture.log);
    let first = forced("first");
    fixture.grows(20).await;
    let second = forced("second");
    fixture.check().await;
    let takeovers = [&first, &second].map(|it| it.counted("fanjet_ingest_takeovers_total"));
    assert!(
        takeovers.iter().sum::<u64>() > 2,
        "no leader was fenced: {takeovers:?}"
    );
    first.stop().await.unwrap();
    second.stop().await.unwrap();
}
