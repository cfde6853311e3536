//! How fast a log gets into one real Kafka broker on the same machine, by format and mode, and what is behind at a
//! steady rate.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark talks to a person, and awaits its tasks"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use fanjet_event::Topic;
use fanjet_kafka::config::Delivery;
use fanjet_kafka::{Kafka, KafkaConfig};
use fanjet_log::memory::{MemoryBookmarks, MemoryLog};
use fanjet_log::{EventLog, NewEvent, Origin, UpstreamId};
use fanjet_runtime::{Clock, Stop, SystemClock};
use fanjet_telemetry::Metrics;
use fanjet_testkit::KafkaServer;

/// Events of one measurement.
const EVENTS: u64 = 600_000;
/// Events per second of the steady measurement, and for how long.
const STEADY: (u64, Duration) = (2_000, Duration::from_secs(10));
const PIECE: u64 = 10_000;

#[tokio::main]
async fn main() {
    let server = KafkaServer::start().await.unwrap();
    let log = Arc::new(MemoryLog::new());
    let mut from = 1;
    while from <= EVENTS {
        append(&log, from, PIECE, 0).await;
        from += PIECE;
    }
    println!(
        "{EVENTS} events of {} bytes on average, one broker",
        body(1, 0).len()
    );
    for (name, osprey, delivery) in [
        ("standard, at least once", false, Delivery::AtLeastOnce),
        ("Osprey, at least once", true, Delivery::AtLeastOnce),
        ("Osprey, exactly once", true, Delivery::ExactlyOnce),
    ] {
        let config = settings(&server, &name.replace([' ', ','], "-"), osprey, delivery);
        let cpu = cpu_seconds();
        let (seconds, _) = produce(&config, log.clone(), async |running| {
            running.reaches(EVENTS).await
        })
        .await;
        let (rate, cpu) = (EVENTS as f64 / seconds, cpu_seconds() - cpu);
        let each = cpu / EVENTS as f64 * 1e6;
        println!("{name}: {rate:.0} events/s, {each:.1} us of CPU per event beside the broker's");
    }
    steady(&server).await;
}

/// Appends at a steady rate, and looks how far Kafka is behind.
async fn steady(server: &KafkaServer) {
    let config = settings(server, "steady", true, Delivery::AtLeastOnce);
    let log = Arc::new(MemoryLog::new());
    let (rate, time) = STEADY;
    let feed = log.clone();
    let (_, behind) = produce(&config, log, async move |running| {
        let mut behind = Vec::new();
        let begun = Instant::now();
        let mut next = 1;
        while begun.elapsed() < time {
            let due = (begun.elapsed().as_secs_f64() * rate as f64) as u64;
            if due >= next {
                append(&feed, next, due + 1 - next, SystemClock.now_us()).await;
                next = due + 1;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
            behind.push(next - 1 - running.position());
        }
        behind.sort_unstable();
        behind
    })
    .await;
    let at = |share: f64| behind[(behind.len() as f64 * share) as usize];
    println!(
        "{rate} events/s: behind by {} events in the middle, {} in 99 of 100 looks",
        at(0.5),
        at(0.99)
    );
}

/// A running producer.
struct Running(Metrics);

impl Running {
    fn position(&self) -> u64 {
        let text = String::from_utf8(self.0.render().unwrap()).unwrap();
        let value = text.lines().find_map(|line| {
            let rest = line.strip_prefix("fanjet_kafka_position_seq ")?;
            rest.parse::<f64>().ok()
        });
        value.unwrap_or_default() as u64
    }

    async fn reaches(&self, seq: u64) {
        while self.position() < seq {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Produces while `look` looks; how long it took from the first sign of life, and what was seen.
async fn produce<T>(
    config: &KafkaConfig,
    log: Arc<MemoryLog>,
    look: impl AsyncFnOnce(&Running) -> T,
) -> (f64, T) {
    let metrics = Metrics::new().unwrap();
    let kafka = Kafka::new(
        config.clone(),
        "bench".to_owned(),
        log,
        Arc::new(MemoryBookmarks::default()),
        Arc::new(SystemClock),
        &metrics.meter("bench"),
    )
    .unwrap();
    let health = kafka.health();
    let stop = Stop::new();
    let task = tokio::spawn(kafka.run(stop.clone()));
    while !health.report().ready {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let begun = Instant::now();
    let seen = look(&Running(metrics)).await;
    let seconds = begun.elapsed().as_secs_f64();
    stop.cancel();
    task.await.unwrap().unwrap();
    (seconds, seen)
}

fn settings(server: &KafkaServer, topic: &str, osprey: bool, delivery: Delivery) -> KafkaConfig {
    let mut config = KafkaConfig {
        bootstrap_servers: [server.address()].iter().collect(),
        topic: topic.to_owned(),
        delivery,
        ..KafkaConfig::default()
    };
    config.topics.partitions = 12;
    config.position.group = topic.to_owned();
    config.position.start = "oldest".to_owned();
    config.format.osprey = osprey;
    config.enrich.enabled = false;
    config
}

async fn append(log: &Arc<MemoryLog>, from: u64, count: u64, now_us: u64) {
    let events: Vec<_> = (from..from + count)
        .map(|n| NewEvent {
            trace: None,
            topic: Topic::Commit("app.bsky.feed.like".parse().unwrap()),
            origin: Origin {
                upstream: UpstreamId::new("bench").unwrap(),
                relay_seq: n,
                op_index: 0,
                op_count: 1,
                time: "2026-07-04T14:38:08.999Z".parse().unwrap(),
            },
            body: body(n, now_us).into(),
        })
        .collect();
    let mut appender = log.appender(from - 1).await.unwrap();
    appender.append(&events).await.unwrap();
    appender.flush().await.unwrap();
}

/// A like, the commonest event of the network, of one of 50,000 accounts.
fn body(n: u64, now_us: u64) -> String {
    let account = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 50_000;
    let time_us = now_us.max(1_783_175_888_000_000) + n;
    format!(
        r#"{{"did":"did:plc:{account:024}","time_us":{time_us},"kind":"commit","commit":{{"rev":"3l3qo2vutsw2b","operation":"create","collection":"app.bsky.feed.like","rkey":"3l3qo2vuowo2b","record":{{"$type":"app.bsky.feed.like","createdAt":"2026-07-04T14:38:08.123Z","subject":{{"cid":"bafyreidwaivazkwu67xztlmuobx35hs2lnfh3kolmgfmucldvhd3sgzcqi","uri":"at://did:plc:{n:024}/app.bsky.feed.post/3l3qo2vuowo2b"}}}},"cid":"bafyreidwaivazkwu67xztlmuobx35hs2lnfh3kolmgfmucldvhd3sgzcqi"}}}}"#
    )
}

/// CPU time of this process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}
