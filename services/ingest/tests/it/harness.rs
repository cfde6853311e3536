//! A simulator, a log, and an ingest between them.

use std::sync::Arc;
use std::time::Duration;

use fanjet_ingest::{Candidacy, Ingest, IngestConfig, IngestError, LeaseConfig};
use fanjet_log::contract::whole;
use fanjet_log::lease::LeaseStore;
use fanjet_log::memory::{MemoryBookmarks, MemoryClusterState, MemoryLease, MemoryLog};
use fanjet_log::{Bookmarks, ClusterState, EventLog};
use fanjet_runtime::{Clock, Stop, SystemClock};
use fanjet_simulator::{
    CursorHabit, FaultRule, Rate, Simulator, SimulatorConfig, SimulatorHandle, Source, WorldConfig,
};
use fanjet_telemetry::{Health, HealthReport, Metrics};
use tokio::task::JoinHandle;

/// The longest wait of a test. Reaching it is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running ingest.
pub(crate) struct Running {
    stop: Stop,
    task: JoinHandle<Result<(), IngestError>>,
    pub(crate) metrics: Metrics,
    health: Health,
}

impl Running {
    /// Starts the only ingest of `log`, reading `url`.
    pub(crate) fn start(url: &str, log: &Arc<MemoryLog>) -> Self {
        Self::start_as(Candidacy::alone("test").unwrap(), url, log)
    }

    /// Starts one of several ingests of `log`, reading `url`.
    pub(crate) fn start_as(candidacy: Candidacy, url: &str, log: &Arc<MemoryLog>) -> Self {
        Self::launch(candidacy, log.clone(), |config| {
            config.upstream.url = url.to_owned();
            config.upstream.name = "simulator".to_owned();
        })
    }

    /// Starts the only ingest of `log` with other settings.
    pub(crate) fn start_with(
        log: Arc<dyn EventLog>,
        change: impl FnOnce(&mut IngestConfig),
    ) -> Self {
        Self::launch(Candidacy::alone("test").unwrap(), log, change)
    }

    /// Starts one of several ingests with other settings.
    pub(crate) fn launch(
        candidacy: Candidacy,
        log: Arc<dyn EventLog>,
        change: impl FnOnce(&mut IngestConfig),
    ) -> Self {
        let notices = Arc::new(MemoryClusterState::default());
        Self::launch_beside(candidacy, log, notices, Arc::new(SystemClock), change)
    }

    /// Starts the only ingest of `log` with a position record that outlives the ingest.
    pub(crate) fn start_recording(
        simulator: &SimulatorHandle,
        log: &Arc<MemoryLog>,
        positions: &Arc<MemoryBookmarks>,
    ) -> Self {
        let url = simulator.url();
        let change = |config: &mut IngestConfig| {
            config.upstream.url = url;
            config.upstream.name = "simulator".to_owned();
            config.upstream.connect_timeout = Duration::from_secs(2);
        };
        Self::launch_with(
            Candidacy::alone("test").unwrap(),
            log.clone(),
            Arc::new(MemoryClusterState::default()),
            positions.clone(),
            Arc::new(SystemClock),
            change,
        )
    }

    /// Starts one of several ingests that share a cluster state, with another clock.
    pub(crate) fn launch_beside(
        candidacy: Candidacy,
        log: Arc<dyn EventLog>,
        notices: Arc<dyn ClusterState>,
        clock: Arc<dyn Clock>,
        change: impl FnOnce(&mut IngestConfig),
    ) -> Self {
        let positions = Arc::new(MemoryBookmarks::default());
        Self::launch_with(candidacy, log, notices, positions, clock, change)
    }

    fn launch_with(
        candidacy: Candidacy,
        log: Arc<dyn EventLog>,
        notices: Arc<dyn ClusterState>,
        positions: Arc<dyn Bookmarks>,
        clock: Arc<dyn Clock>,
        change: impl FnOnce(&mut IngestConfig),
    ) -> Self {
        let mut config = settings();
        change(&mut config);
        let metrics = Metrics::new().unwrap();
        let ingest = Ingest::new(config, log, clock, &metrics.meter("test"))
            .unwrap()
            .with_cluster_state(notices)
            .recording(positions);
        let health = ingest.health();
        let stop = Stop::new();
        let asked = stop.clone();
        #[allow(
            clippy::disallowed_methods,
            reason = "the handle is the test's, and awaited by it"
        )]
        let task = tokio::spawn(async move { ingest.run(candidacy, asked).await });
        Self {
            stop,
            task,
            metrics,
            health,
        }
    }

    /// Stops it and waits for its end.
    pub(crate) async fn stop(self) -> Result<(), IngestError> {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .unwrap()
            .unwrap()
    }

    /// The value of a counter: `name{label="value"}` or a bare name. 0 if it does not exist yet.
    pub(crate) fn counted(&self, name: &str) -> u64 {
        let text = String::from_utf8(self.metrics.render().unwrap()).unwrap();
        let value = text.lines().find_map(|line| {
            line.strip_prefix(name)?
                .strip_prefix(' ')?
                .parse::<f64>()
                .ok()
        });
        value.unwrap_or_default() as u64
    }

    /// The current health report.
    pub(crate) fn report(&self) -> HealthReport {
        self.health.report()
    }

    /// Waits until it is ready in a role.
    pub(crate) async fn wait_for_role(&self, role: &str) {
        self.until(role, |running| {
            let report = running.report();
            report.ready && report.facts["role"] == role
        })
        .await;
    }

    /// Waits for a fact.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !is_so(self) {
                assert!(!self.task.is_finished(), "it ended before {what}");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            let metrics = String::from_utf8(self.metrics.render().unwrap()).unwrap();
            panic!("never came true: {what}\n{:?}\n{metrics}", self.report());
        }
    }

    /// The drops under one reason.
    pub(crate) fn drops(&self, reason: &str) -> u64 {
        self.counted(&format!("fanjet_ingest_drops_total{{reason=\"{reason}\"}}"))
    }
}

/// A simulator that publishes all its frames at once, so that the test takes no longer than ingest needs.
pub(crate) async fn simulator(seed: u64, frames: u64, faults: &[&str]) -> SimulatorHandle {
    start_simulator(world(seed, faults), frames, Rate::Max).await
}

/// A simulator that publishes `rate` frames per second.
pub(crate) async fn paced_simulator(seed: u64, frames: u64, rate: f64) -> SimulatorHandle {
    start_simulator(world(seed, &[]), frames, Rate::PerSecond(rate)).await
}

async fn start_simulator(world: WorldConfig, frames: u64, rate: Rate) -> SimulatorHandle {
    Simulator::start(SimulatorConfig {
        source: Source::World(world),
        rate,
        limit: Some(frames),
        wait_for_client: true,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap()
}

/// A host that publishes on request, with current times.
pub(crate) async fn host(seed: u64, cursors: CursorHabit) -> SimulatorHandle {
    let world = WorldConfig {
        start_us: SystemClock.now_us(),
        seq_holes: 0.0,
        ..world(seed, &[])
    };
    Simulator::start(SimulatorConfig {
        source: Source::World(world),
        is_paused: true,
        cursors,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap()
}

/// The world that [`simulator`] shows.
pub(crate) fn world(seed: u64, faults: &[&str]) -> WorldConfig {
    WorldConfig {
        seed,
        accounts: 40,
        records_per_repo: 30,
        multi_op_commits: 0.2,
        seq_holes: 0.05,
        faults: faults
            .iter()
            .map(|rule| rule.parse::<FaultRule>().unwrap())
            .collect(),
        ..WorldConfig::default()
    }
}

/// Waits until the log holds what the simulator's frames should make, then compares event by event.
pub(crate) async fn assert_log_equals_world(
    log: &dyn EventLog,
    simulator: &SimulatorHandle,
    frames: u64,
    seed: u64,
) {
    tokio::time::timeout(PATIENCE, simulator.wait_until_produced(frames))
        .await
        .unwrap();
    let expected = simulator.expected();
    wait_for_last(log, expected.len() as u64, seed).await;
    let entries = whole(log).await;
    assert_eq!(entries.len(), expected.len(), "seed {seed}");
    let mut last_time = 0;
    for (entry, expected) in entries.iter().zip(&expected) {
        let time_us = entry.time().unwrap().get();
        assert!(
            time_us > last_time,
            "seed {seed}: log time does not rise at seq {}",
            entry.seq
        );
        last_time = time_us;
        let origin = (
            entry.origin.relay_seq,
            entry.origin.op_index,
            entry.origin.op_count,
            entry.origin.time.as_str(),
        );
        let wanted = (
            expected.relay_seq,
            expected.op_index,
            expected.op_count,
            expected.time.as_str(),
        );
        assert_eq!(origin, wanted, "seed {seed}, seq {}", entry.seq);
        if let Some(json) = expected.v1_json(time_us) {
            assert_eq!(
                std::str::from_utf8(&entry.body).unwrap(),
                json,
                "seed {seed}, seq {}",
                entry.seq
            );
        }
    }
}

/// Waits until the log has grown to a seq.
pub(crate) async fn wait_for_last(log: &dyn EventLog, last: u64, seed: u64) {
    let reached = async {
        // A log whose servers are unreachable for a while is queried again.
        while !log.bounds().await.is_ok_and(|bounds| bounds.last >= last) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, reached).await.is_err() {
        let bounds = log.bounds().await;
        panic!("seed {seed}: the log has {bounds:?}, should reach {last}");
    }
}

/// A candidate for a lease that expires within a test.
pub(crate) fn candidate(lease: &MemoryLease, name: &str) -> Candidacy {
    let store: Arc<dyn LeaseStore> = Arc::new(lease.clone());
    let config = LeaseConfig {
        enabled: true,
        ttl: Duration::from_secs(5),
        renew_interval: Duration::from_millis(500),
    };
    Candidacy::shared(store, name, &config).unwrap()
}

fn settings() -> IngestConfig {
    let mut config = IngestConfig::default();
    config.upstream.reconnect_min = Duration::from_millis(5);
    config.upstream.reconnect_max = Duration::from_millis(50);
    config
}
