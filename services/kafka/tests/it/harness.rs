//! A log, a broker, and a producer between them.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use fanjet_event::Topic;
use fanjet_ingest::{Candidacy, Ingest, IngestConfig};
use fanjet_kafka::{Kafka, KafkaConfig, KafkaError};
use fanjet_log::memory::{MemoryBookmarks, MemoryLog};
use fanjet_log::{
    Bookmarks, Entry, EventLog, NewEvent, Origin, ReadLimit, Selection, TraceParent, UpstreamId,
};
use fanjet_runtime::{Stop, SystemClock};
use fanjet_simulator::{Rate, Simulator, SimulatorConfig, SimulatorHandle, Source, WorldConfig};
use fanjet_telemetry::{Health, HealthReport, Metrics};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinHandle;

/// The longest wait of a test. Reaching it is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A running producer.
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
            bookmarks(),
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

    /// Stops it and waits for its end.
    pub(crate) async fn stop(self) -> Result<(), KafkaError> {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .unwrap()
            .unwrap()
    }

    /// The value of a metric: `name{label="value"}` or a bare name. 0 if it does not exist yet.
    pub(crate) fn counted(&self, name: &str) -> u64 {
        let text = String::from_utf8(self.metrics.render().unwrap()).unwrap();
        let value = text.lines().find_map(|line| {
            let rest = line.strip_prefix(name)?.strip_prefix(' ')?;
            rest.parse::<f64>().ok()
        });
        value.unwrap_or_default() as u64
    }

    /// The current health report.
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

/// The bookmarks beside all logs. A bookmark belongs to a topic, and each test has its own topic.
pub(crate) fn bookmarks() -> Arc<dyn Bookmarks> {
    static BOOKMARKS: LazyLock<Arc<MemoryBookmarks>> = LazyLock::new(Arc::default);
    BOOKMARKS.clone()
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
        // More than the concurrent lookups of an enricher.
        max_connections: 512,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap()
}

/// Reads a simulator into a log until the log holds every event of its frames.
pub(crate) async fn ingest(simulator: &SimulatorHandle, frames: u64, log: Arc<dyn EventLog>) {
    let filled = async {
        simulator.wait_until_produced(frames).await;
        let last = simulator.expected().len() as u64;
        while log.bounds().await.unwrap().last < last {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // A world with a rate takes longer.
    let patience = PATIENCE + Duration::from_millis(frames * 5);
    ingest_until(simulator, &log, filled, patience).await;
}

async fn ingest_until(
    simulator: &SimulatorHandle,
    log: &Arc<dyn EventLog>,
    filled: impl Future<Output = ()>,
    patience: Duration,
) {
    let mut config = IngestConfig::default();
    config.upstream.url = simulator.url();
    config.upstream.name = "simulator".to_owned();
    let ingest = Ingest::new(
        config,
        Arc::clone(log),
        Arc::new(SystemClock),
        &Metrics::new().unwrap().meter("test"),
    )
    .unwrap();
    let stop = Stop::new();
    let running = ingest.run(Candidacy::alone("test").unwrap(), stop.clone());
    let filled = async {
        filled.await;
        stop.cancel();
    };
    let both = async { tokio::join!(Box::pin(running), filled) };
    let (ran, ()) = tokio::time::timeout(patience, both).await.unwrap();
    ran.unwrap();
}

/// A log with at least `events` of the events in recorded frames.
pub(crate) async fn log_of_recording(frames: &[Vec<u8>], events: usize) -> Arc<dyn EventLog> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames.bin");
    let mut recording = Vec::new();
    for frame in frames {
        recording.extend_from_slice(&u32::try_from(frame.len()).unwrap().to_le_bytes());
        recording.extend_from_slice(frame);
    }
    std::fs::write(&path, recording).unwrap();
    let simulator = Simulator::start(SimulatorConfig {
        source: Source::Recording(path),
        rate: Rate::Max,
        wait_for_client: true,
        ..SimulatorConfig::default()
    });
    let simulator = simulator.await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let filled = async {
        while log.bounds().await.unwrap().last < events as u64 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    ingest_until(&simulator, &log, filled, PATIENCE).await;
    simulator.shutdown().await.unwrap();
    log
}

/// A log with the world of a seed.
pub(crate) async fn log_of_world(seed: u64, frames: u64) -> Arc<dyn EventLog> {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let simulator = simulator(seed, frames, Rate::Max).await;
    ingest(&simulator, frames, Arc::clone(&log)).await;
    simulator.shutdown().await.unwrap();
    log
}

/// The `n`-th sample: posts, likes, account and identity events of some accounts, in turn.
fn sample(n: u64, padding: usize) -> NewEvent {
    let (did, time_us) = (format!("did:plc:{}", n % 7), 1_783_175_888_000_000 + n * 10);
    let (topic, what) = match n % 4 {
        0 => (commit("app.bsky.feed.post"), post(n, padding)),
        1 => (
            commit("app.bsky.feed.like"),
            format!(
                r#""commit","commit":{{"rev":"3l3qo2vutsw2b","operation":"delete","collection":"app.bsky.feed.like","rkey":"{n}"}}"#
            ),
        ),
        2 => (
            Topic::Account,
            format!(
                r#""account","account":{{"active":true,"did":"{did}","seq":{n},"time":"2026-07-04T14:38:08.999Z"}}"#
            ),
        ),
        _ => (
            Topic::Identity,
            format!(
                r#""identity","identity":{{"did":"{did}","seq":{n},"time":"2026-07-04T14:38:08.999Z"}}"#
            ),
        ),
    };
    NewEvent {
        trace: TraceParent::parse(&format!("00-{:032x}-00f067aa0ba902b7-01", n / 10))
            .filter(|_| n.is_multiple_of(10)),
        topic,
        origin: Origin {
            upstream: UpstreamId::new("test").unwrap(),
            relay_seq: n,
            op_index: 0,
            op_count: 1,
            time: "2026-07-04T14:38:08.999Z".parse().unwrap(),
        },
        body: format!(r#"{{"did":"{did}","time_us":{time_us},"kind":{what}}}"#).into(),
    }
}

fn commit(collection: &str) -> Topic {
    Topic::Commit(collection.parse().unwrap())
}

/// A post whose text does not compress.
fn post(n: u64, padding: usize) -> String {
    let mut random = StdRng::seed_from_u64(n);
    let text: String = (0..padding)
        .map(|_| char::from(random.random_range(b'0'..=b'z')))
        .map(|char| if char == '\\' { '_' } else { char })
        .collect();
    format!(
        r#""commit","commit":{{"rev":"3l3qo2vutsw2b","operation":"create","collection":"app.bsky.feed.post","rkey":"{n}","record":{{"text":"{text}"}},"cid":"bafyreidwaivazkwu67xztlmuobx35hs2lnfh3kolmgfmucldvhd3sgzcqi"}}"#
    )
}

/// Appends samples to a log that ends directly before the first.
pub(crate) async fn append(log: &Arc<dyn EventLog>, samples: RangeInclusive<u64>) {
    assert_eq!(log_end(log).await + 1, *samples.start());
    ingested(log, samples).await;
}

/// Appends samples, whatever seqs they get.
pub(crate) async fn ingested(log: &Arc<dyn EventLog>, samples: RangeInclusive<u64>) {
    let events: Vec<_> = samples.map(|n| sample(n, 20)).collect();
    append_all(log, &events).await;
}

/// Appends a post of about so many bytes.
pub(crate) async fn append_large(log: &Arc<dyn EventLog>, n: u64, bytes: usize) {
    let mut event = sample(n / 4 * 4, bytes);
    let body = String::from_utf8(event.body.to_vec()).unwrap();
    let (own, wanted) = (n / 4 * 4 * 10, n * 10);
    let time = |rest: u64| (1_783_175_888_000_000 + rest).to_string();
    event.body = body.replacen(&time(own), &time(wanted), 1).into();
    append_all(log, &[event]).await;
}

/// Appends a post of each of some accounts.
pub(crate) async fn append_posts_of(log: &Arc<dyn EventLog>, dids: &[String]) {
    let next = log_end(log).await + 1;
    let events: Vec<_> = (next..)
        .zip(dids)
        .map(|(n, did)| {
            let mut event = sample(n * 4, 20);
            let body = String::from_utf8(event.body.to_vec()).unwrap();
            let own = format!("did:plc:{}", n * 4 % 7);
            event.body = body.replacen(&own, did, 1).into();
            event
        })
        .collect();
    append_all(log, &events).await;
}

/// The end of the log, even if its first reads fail.
async fn log_end(log: &Arc<dyn EventLog>) -> u64 {
    loop {
        if let Ok(bounds) = log.bounds().await {
            return bounds.last;
        }
    }
}

async fn append_all(log: &Arc<dyn EventLog>, events: &[NewEvent]) {
    let mut appender = log.appender(log_end(log).await).await.unwrap();
    appender.append(events).await.unwrap();
    appender.flush().await.unwrap();
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
