//! The Kafka producer with its own user: a first start, a resumed one, and one that starts at a time.

use std::collections::BTreeSet;
use std::sync::Arc;

use fanjet_kafka::{Kafka, KafkaConfig};
use fanjet_log::EventLog;
use fanjet_log::contract::{events, time_of};
use fanjet_log_nats::{NatsBookmarks, NatsLog};
use fanjet_runtime::{OnFailure, Stop, SystemClock, Tasks};
use fanjet_telemetry::Metrics;
use fanjet_testkit::kafka_reader::{Isolation, read_all};
use fanjet_testkit::{KafkaServer, NatsServer};

use crate::harness::PATIENCE;
use crate::least_privilege::{config, run_prepare, server, violations};

fn settings(address: &str, topic: &str, start: &str) -> KafkaConfig {
    let mut config = KafkaConfig {
        bootstrap_servers: [address].iter().collect(),
        topic: topic.to_owned(),
        ..KafkaConfig::default()
    };
    config.topics.partitions = 4;
    config.position.group = topic.to_owned();
    config.position.start = start.to_owned();
    config.format.sync = true;
    config.enrich.enabled = false;
    config
}

/// Appends samples as a user with permission.
async fn append(server: &NatsServer, from: u64, to: u64) {
    let log = NatsLog::connect(config(server, "ingest")).await.unwrap();
    let end = log.bounds().await.unwrap().last;
    let mut appender = log.appender(end).await.unwrap();
    appender.append(&events(from, to)).await.unwrap();
    appender.flush().await.unwrap();
}

/// Produces until `until` events are acknowledged, then stops.
async fn produce(server: &NatsServer, config_of_kafka: KafkaConfig, until: u64) {
    let log = NatsLog::connect(config(server, "kafka")).await.unwrap();
    let until = log.bounds().await.unwrap().first - 1 + until;
    let bookmarks = NatsBookmarks::of(&log).await.unwrap();
    let metrics = Metrics::new().unwrap();
    let kafka = Kafka::new(
        config_of_kafka,
        "test".to_owned(),
        Arc::new(log),
        Arc::new(bookmarks),
        Arc::new(SystemClock),
        &metrics.meter("kafka"),
    )
    .unwrap();
    let stop = Stop::new();
    let mut tasks = Tasks::new(stop.clone());
    tasks.spawn("kafka", OnFailure::StopAll, kafka.run(stop.clone()));
    let position = format!("fanjet_kafka_position_seq {until}");
    let producing = async {
        let text = || String::from_utf8(metrics.render().unwrap()).unwrap();
        while !text().lines().any(|line| line == position) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, producing).await;
    assert!(in_time.is_ok(), "{:#?}", violations(server));
    stop.cancel();
    tasks.join().await.unwrap();
}

async fn seqs(kafka: &KafkaServer, topic: &str) -> Vec<u64> {
    let read = read_all(&kafka.address(), topic, Isolation::Committed)
        .await
        .unwrap();
    let mut seqs: Vec<u64> = read
        .iter()
        .map(|message| message.headers["seq"].parse().unwrap())
        .collect();
    seqs.sort_unstable();
    seqs
}

#[tokio::test(flavor = "multi_thread")]
async fn the_producers_permissions_are_sufficient() {
    let server = server().await;
    let kafka = KafkaServer::shared().await.unwrap();
    run_prepare(&server, &[]).await;
    append(&server, 1, 8_001).await;
    let address = kafka.address();
    produce(&server, settings(&address, "rights", "oldest"), 8_000).await;
    // The stored position is compared with the log.
    append(&server, 8_001, 8_101).await;
    produce(&server, settings(&address, "rights", "oldest"), 8_100).await;
    let all = seqs(&kafka, "rights").await;
    let before = all[0] - 1;
    assert!(all.into_iter().eq(before + 1..=before + 8_100));
    let start = time_of(8_051).to_string();
    produce(&server, settings(&address, "rights-later", &start), 8_100).await;
    let later: BTreeSet<u64> = seqs(&kafka, "rights-later").await.into_iter().collect();
    assert_eq!(later, (before + 8_051..=before + 8_100).collect());
    assert_eq!(violations(&server), Vec::<String>::new());
}
