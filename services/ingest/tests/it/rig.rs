//! One simulator, one log, and ingest between them.

use std::sync::Arc;
use std::time::Duration;

use fanjet_actors::{Stop, SystemClock};
use fanjet_ingest::{DEFAULTS, Ingest, IngestConfig, IngestError, PipelineConfig, UpstreamConfig};
use fanjet_log::memory::MemoryLog;
use fanjet_log::{Entry, EventLog, ReadLimit, Selection};
use fanjet_simulator::{
    FaultRule, Rate, Simulator, SimulatorConfig, SimulatorHandle, Source, WorldConfig,
};
use fanjet_telemetry::Metrics;
use tokio::task::JoinHandle;

/// No wait in these tests lasts longer; reaching it is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running ingest.
pub(crate) struct Running {
    stop: Stop,
    task: JoinHandle<Result<(), IngestError>>,
    pub(crate) metrics: Metrics,
}

impl Running {
    /// Starts ingest from `url` into `log`.
    pub(crate) fn start(url: &str, log: &Arc<MemoryLog>) -> Self {
        Self::start_with(url, log, |_| ())
    }

    /// Starts ingest with other settings than the defaults.
    pub(crate) fn start_with(
        url: &str,
        log: &Arc<MemoryLog>,
        change: impl FnOnce(&mut PipelineConfig),
    ) -> Self {
        let (mut upstream, mut pipeline) = settings();
        change(&mut pipeline);
        upstream.url = url.to_owned();
        upstream.name = "simulator".to_owned();
        let metrics = Metrics::new().unwrap();
        let ingest = Ingest::new(
            upstream,
            pipeline,
            log.clone(),
            Arc::new(SystemClock),
            &metrics.meter("test"),
        )
        .unwrap();
        let stop = Stop::new();
        let asked = stop.clone();
        #[allow(
            clippy::disallowed_methods,
            reason = "the handle is the test's, and awaited by it"
        )]
        let task = tokio::spawn(async move { ingest.run(asked).await });
        Self {
            stop,
            task,
            metrics,
        }
    }

    /// Asks it to stop, and waits.
    pub(crate) async fn stop(self) -> Result<(), IngestError> {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .unwrap()
            .unwrap()
    }

    /// The value of a counter: `name{label="value"}` or a bare name; 0 when it was never counted.
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

    /// The drops under one reason.
    pub(crate) fn drops(&self, reason: &str) -> u64 {
        self.counted(&format!("fanjet_ingest_drops_total{{reason=\"{reason}\"}}"))
    }
}

/// A simulator whose frames are all published at once, so that the run is as long as its work.
pub(crate) async fn simulator(seed: u64, frames: u64, faults: &[&str]) -> SimulatorHandle {
    Simulator::start(SimulatorConfig {
        source: Source::World(world(seed, faults)),
        rate: Rate::Max,
        limit: Some(frames),
        wait_for_client: true,
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
    log: &MemoryLog,
    simulator: &SimulatorHandle,
    frames: u64,
    seed: u64,
) {
    tokio::time::timeout(PATIENCE, simulator.wait_until_produced(frames))
        .await
        .unwrap();
    let expected = simulator.expected();
    wait_for_last(log, expected.len() as u64, seed).await;
    let entries = all(log).await;
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
pub(crate) async fn wait_for_last(log: &MemoryLog, last: u64, seed: u64) {
    let reached = async {
        let mut follow = log.follow(0, &Selection::All).await.unwrap();
        while log.bounds().await.unwrap().last < last {
            // Heartbeats come along too, so this ends when the log grows without us.
            let _batch = futures::StreamExt::next(&mut follow).await;
        }
    };
    if tokio::time::timeout(PATIENCE, reached).await.is_err() {
        let at = log.bounds().await.unwrap().last;
        panic!("seed {seed}: the log stands at {at}, should reach {last}");
    }
}

pub(crate) async fn all(log: &MemoryLog) -> Vec<Entry> {
    let limit = ReadLimit {
        entries: usize::MAX,
        bytes: usize::MAX,
    };
    let mut entries = Vec::new();
    let mut from = 0;
    loop {
        let page = log.read(from, &Selection::All, limit).await.unwrap();
        entries.extend(page.entries);
        from = page.next;
        if page.at_end {
            return entries;
        }
    }
}

fn settings() -> (UpstreamConfig, PipelineConfig) {
    let flags = fanjet_config::Flags::default();
    let config: IngestConfig = fanjet_config::load(fanjet_config::Sources {
        defaults: DEFAULTS,
        env: &[],
        flags: &flags,
    })
    .unwrap();
    let mut upstream = config.upstream;
    upstream.reconnect_min = Duration::from_millis(5);
    upstream.reconnect_max = Duration::from_millis(50);
    (upstream, config.pipeline)
}
