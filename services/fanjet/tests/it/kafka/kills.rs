//! The process and the broker are killed repeatedly during production. No event is lost, ids stay the same, and events repeat only
//! if the delivery mode allows it.

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::EventLog;
use fanjet_log_nats::{NatsConfig, NatsLog, ServerUrl};
use fanjet_simulator::Rate;
use fanjet_testkit::kafka_reader::{Isolation, read_all};
use fanjet_testkit::{KafkaServer, NatsServer, Process};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::comparison::{Style, compare};
use super::harness::{PATIENCE, all, ingest, simulator};
use crate::harness::fanjet;

/// The number of kills. `cargo xtask kafka --runs N` sets another one.
const KILLS: u32 = 2;
/// Frames per second of the world.
const RATE: f64 = 400.0;
/// The longest time between two kills, without the time of the start.
const LONGEST_LIFE_MS: u64 = 1_500;

struct Service {
    process: Process,
    ops: String,
}

impl Service {
    async fn start(nats: &str, kafka: &str, mode: &str) -> Self {
        let settings = [
            format!("nats.url={nats}"),
            format!("kafka.bootstrap_servers={kafka}"),
            "kafka.topic=events".to_owned(),
            "kafka.topics.partitions=4".to_owned(),
            "kafka.position.start=oldest".to_owned(),
            "kafka.format.osprey=true".to_owned(),
            "kafka.enrich.enabled=false".to_owned(),
            format!("kafka.delivery={mode}"),
            "kafka.request_timeout=5s".to_owned(),
            "ops.listen=127.0.0.1:0".to_owned(),
        ];
        let settings = settings
            .into_iter()
            .flat_map(|set| ["--set".to_owned(), set]);
        let process = fanjet(&["kafka"]).args(settings).start().unwrap();
        let line = process
            .wait_for_line(|line| line.starts_with("ops http://"), PATIENCE)
            .await
            .unwrap();
        let ops = line.trim_start_matches("ops http://").to_owned();
        Self { process, ops }
    }

    /// A metric's value. 0 if it does not exist yet.
    async fn metric(&self, name: &str) -> u64 {
        let mut stream = tokio::net::TcpStream::connect(&self.ops).await.unwrap();
        let request = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let value = text.lines().find_map(|line| {
            let rest = line.strip_prefix(name)?.strip_prefix(' ')?;
            rest.trim().parse::<f64>().ok()
        });
        value.unwrap_or_default() as u64
    }

    async fn produced(&self) -> u64 {
        self.metric("fanjet_kafka_produced_events_total").await
    }

    /// Waits until this process has produced `count` events.
    async fn until_produced(&self, count: u64) {
        let waiting = async {
            while self.produced().await < count {
                assert!(
                    self.process.exit_status().is_none(),
                    "it ended: {:?}",
                    self.process.lines()
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap();
    }
}

async fn killed_repeatedly(mode: &str, style: Style) -> usize {
    let kills = fanjet_testkit::setting("FANJET_KAFKA_RUNS");
    let kills: u32 = kills.map_or(KILLS, |text| text.parse().unwrap());
    let seed: u64 = fanjet_testkit::setting("FANJET_KAFKA_SEED")
        .map_or_else(rand::random, |text| text.parse().unwrap());
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    // Long enough for every kill: each process has a start and a lifetime.
    let frames = u64::from(kills) * 8 * RATE as u64;

    let nats = NatsServer::start().await.unwrap();
    let mut kafka = KafkaServer::start().await.unwrap();
    let log = NatsLog::connect(NatsConfig {
        url: vec![ServerUrl::new(nats.url())],
        ..NatsConfig::default()
    });
    let log: Arc<dyn EventLog> = Arc::new(log.await.unwrap());
    let simulator = simulator(seed, frames, Rate::PerSecond(RATE)).await;
    let (address, url) = (kafka.address(), nats.url());
    let mut service = Service::start(&url, &address, mode).await;
    let killing = async {
        for kill in 0..kills {
            let at_once = random.random_bool(0.3);
            if !at_once {
                service.until_produced(1).await;
            }
            let life = Duration::from_millis(random.random_range(0..LONGEST_LIFE_MS));
            tokio::time::sleep(life).await;
            let produced = service.produced().await;
            if kill % 2 == 0 {
                service.process.kill().await.unwrap();
                println!("kill {kill}: the service, {life:?} later, {produced} produced");
                service = Service::start(&url, &address, mode).await;
            } else {
                kafka.kill().await.unwrap();
                println!("kill {kill}: the broker, {life:?} later, {produced} produced");
                kafka.restart().await.unwrap();
            }
        }
        service.until_produced(1).await;
    };
    let ingesting = ingest(&simulator, frames, Arc::clone(&log));
    tokio::join!(Box::pin(ingesting), Box::pin(killing));
    let last = log.bounds().await.unwrap().last;
    let waiting = async {
        while service.metric("fanjet_kafka_position_seq").await < last {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
    assert!(service.process.stop(PATIENCE).await.unwrap().success());
    let entries = all(&*log).await;
    let read = read_all(&address, "events", Isolation::Committed)
        .await
        .unwrap();
    let comparison = compare(&entries, &read, style);
    println!(
        "{mode}: {kills} kills, {} events, {} repeated",
        comparison.expected, comparison.repeated
    );
    comparison.repeated
}

#[tokio::test(flavor = "multi_thread")]
async fn at_least_once_loses_nothing() {
    killed_repeatedly("at-least-once", Style::Osprey).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_once_loses_and_repeats_nothing() {
    let repeated = killed_repeatedly("exactly-once", Style::Osprey).await;
    assert_eq!(repeated, 0);
}
