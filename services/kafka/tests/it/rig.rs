//! One log, one broker, and producing between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fanjet_actors::{Stop, SystemClock};
use fanjet_ingest::{Candidacy, DEFAULTS, Ingest, IngestConfig};
use fanjet_kafka::{Kafka, KafkaConfig, KafkaError};
use fanjet_log::memory::MemoryLog;
use fanjet_log::{Entry, EventLog, ReadLimit, Selection};
use fanjet_simulator::{Rate, Simulator, SimulatorConfig, SimulatorHandle, Source, WorldConfig};
use fanjet_telemetry::{Health, HealthReport, Metrics};
use tokio::task::JoinHandle;

/// No wait in these tests lasts longer; reaching it is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Running `Kafka`.
pub(crate) struct Running {
    stop: Stop,
    task: JoinHandle<Result<(), KafkaError>>,
    pub(crate) metrics: Metrics,
    health: Health,
}

impl Running {
    pub(crate) fn start(config: &KafkaConfig, log: &Arc<dyn EventLog>) -> Self {
        let metrics = Metrics::new().unwrap();
        let kafka = Kafka::new(
            config.clone(),
            "test".to_owned(),
            Arc::clone(log),
            Arc::new(SystemClock),
            &metrics.meter("test"),
        )
        .unwrap();
        let health = kafka.health();
        let stop = Stop::new();
        let asked = stop.clone();
        #[allow(
            clippy::disallowed_methods,
            reason = "the handle is the test's, and awaited by it"
        )]
        let task = tokio::spawn(kafka.run(asked));
        Self {
            stop,
            task,
            metrics,
            health,
        }
    }

    /// Asks it to stop, and waits.
    pub(crate) async fn stop(self) -> Result<(), KafkaError> {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .unwrap()
            .unwrap()
    }

    /// The value of a metric: `name{label="value"}` or a bare name; 0 when it was never counted.
    pub(crate) fn counted(&self, name: &str) -> u64 {
        let text = String::from_utf8(self.metrics.render().unwrap()).unwrap();
        let value = text.lines().find_map(|line| {
            let rest = line.strip_prefix(name)?.strip_prefix(' ')?;
            rest.parse::<f64>().ok()
        });
        value.unwrap_or_default() as u64
    }

    /// What a probe sees now.
    pub(crate) fn report(&self) -> HealthReport {
        self.health.report()
    }

    /// Waits until everything up to a seq is acknowledged.
    pub(crate) async fn reaches(&self, seq: u64) {
        self.until("the position is not reached", |running| {
            running.counted("fanjet_kafka_position_seq") >= seq
        })
        .await;
    }

    /// Waits for a fact.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !is_so(self) {
                assert!(!self.task.is_finished(), "{what}: it ended");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            let metrics = String::from_utf8(self.metrics.render().unwrap()).unwrap();
            panic!("{what}: {:?}\n{metrics}", self.report());
        }
    }
}

/// Settings for a topic that no other test has.
pub(crate) fn settings(address: &str) -> KafkaConfig {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("t{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let mut config = KafkaConfig {
        bootstrap_servers: [address].iter().collect(),
        topic: name.clone(),
        ..KafkaConfig::default()
    };
    config.topics.partitions = 4;
    config.position.group = name;
    config.position.start = "oldest".to_owned();
    config.position.interval = Duration::from_millis(200);
    config.enrich.enabled = false;
    config
}

/// The world of a seed.
pub(crate) fn world(seed: u64) -> WorldConfig {
    WorldConfig {
        seed,
        accounts: 40,
        records_per_repo: 30,
        multi_op_commits: 0.2,
        ..WorldConfig::default()
    }
}

pub(crate) async fn simulator(seed: u64, frames: u64, rate: Rate) -> SimulatorHandle {
    Simulator::start(SimulatorConfig {
        source: Source::World(world(seed)),
        rate,
        limit: Some(frames),
        wait_for_client: true,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap()
}

/// Reads a simulator into a log until it holds all frames.
pub(crate) async fn ingest(simulator: &SimulatorHandle, frames: u64, log: Arc<dyn EventLog>) {
    let mut config: IngestConfig = toml::from_str(DEFAULTS).unwrap();
    config.upstream.url = simulator.url();
    config.upstream.name = "simulator".to_owned();
    let ingest = Ingest::new(
        config.upstream,
        config.pipeline,
        Arc::clone(&log),
        Arc::new(SystemClock),
        &Metrics::new().unwrap().meter("test"),
    )
    .unwrap();
    let stop = Stop::new();
    let running = ingest.run(Candidacy::alone("test").unwrap(), stop.clone());
    let filled = async {
        simulator.wait_until_produced(frames).await;
        let last = simulator.expected().len() as u64;
        while log.bounds().await.unwrap().last < last {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.cancel();
    };
    let both = async { tokio::join!(Box::pin(running), filled) };
    let (ran, ()) = tokio::time::timeout(PATIENCE, both).await.unwrap();
    ran.unwrap();
}

/// A log with the world of a seed.
pub(crate) async fn log_of_world(seed: u64, frames: u64) -> Arc<dyn EventLog> {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let simulator = simulator(seed, frames, Rate::Max).await;
    ingest(&simulator, frames, Arc::clone(&log)).await;
    simulator.shutdown().await.unwrap();
    log
}

pub(crate) async fn all(log: &dyn EventLog) -> Vec<Entry> {
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
