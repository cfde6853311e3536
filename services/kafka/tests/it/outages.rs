//! Outages of Kafka and of the log, and what readiness reports meanwhile.

use std::sync::Arc;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream;
use fanjet_kafka::KafkaConfig;
use fanjet_kafka::config::Delivery;
use fanjet_log::EventLog;
use fanjet_log::memory::{Fault, MemoryLog};
use fanjet_log_nats::{NatsConfig, NatsLog, ServerUrl};
use fanjet_testkit::kafka_reader::{Isolation, read_all};
use fanjet_testkit::{KafkaServer, NatsServer};

use crate::comparison::{Style, compare};
use crate::harness::{Running, all, append, ingested, settings};

fn impatient(address: &str) -> KafkaConfig {
    let mut config = settings(address);
    config.request_timeout = Duration::from_secs(2);
    config.retry_ceiling = Duration::from_millis(500);
    config.check_interval = Duration::from_millis(200);
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_broker_is_reported_and_retried() {
    let mut server = KafkaServer::start().await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    append(&log, 1..=10).await;
    let config = impatient(&server.address());
    server.kill().await.unwrap();
    let running = Running::start(&config, &log);
    running
        .until("it is not reported", |running| {
            let missing = running.report().missing;
            missing
                .get("kafka")
                .is_some_and(|why| why.contains("kafka.bootstrap_servers"))
        })
        .await;
    server.restart().await.unwrap();
    running.reaches(10).await;
    running
        .until("it is not ready", |running| running.report().ready)
        .await;

    // In the middle of production: the outage is reported, and no event is lost or repeated by the same session.
    server.kill().await.unwrap();
    append(&log, 11..=500).await;
    running
        .until("the outage is not reported", |running| {
            let missing = running.report().missing;
            missing
                .get("kafka")
                .is_some_and(|why| why.contains("no acknowledgement"))
        })
        .await;
    assert!(running.counted("fanjet_kafka_lag_events") > 400);
    server.restart().await.unwrap();
    running.reaches(500).await;
    running
        .until("it is not ready", |running| running.report().ready)
        .await;
    running.stop().await.unwrap();
    let read = read_all(&server.address(), &config.topic, Isolation::Committed).await;
    compare(&all(&*log).await, &read.unwrap(), Style::Standard);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lag_grows_even_without_a_connection() {
    let mut server = KafkaServer::start().await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    append(&log, 1..=10).await;
    let mut config = impatient(&server.address());
    config.delivery = Delivery::ExactlyOnce;
    let running = Running::start(&config, &log);
    running.reaches(10).await;
    // A failed transaction ends the session, and no new session can start.
    server.kill().await.unwrap();
    append(&log, 11..=20).await;
    running
        .until("the session does not end", |running| {
            running.counted("fanjet_kafka_restarts_total{reason=\"kafka\"}") > 0
        })
        .await;
    append(&log, 21..=500).await;
    running
        .until("the lag does not grow", |running| {
            running.counted("fanjet_kafka_lag_events") == 490
        })
        .await;
    server.restart().await.unwrap();
    running.reaches(500).await;
    running
        .until("the lag stays", |running| {
            running.counted("fanjet_kafka_lag_events") == 0
        })
        .await;
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_log_costs_only_time() {
    for delivery in [Delivery::AtLeastOnce, Delivery::ExactlyOnce] {
        with_a_faulty_log(delivery).await;
    }
}

async fn with_a_faulty_log(delivery: Delivery) {
    let server = KafkaServer::shared().await.unwrap();
    let memory = MemoryLog::new();
    let log: Arc<dyn EventLog> = Arc::new(memory.clone());
    let mut config = impatient(&server.address());
    config.delivery = delivery;
    // Every fault of the log meets an open transaction.
    config.transaction_interval = Duration::from_secs(3);
    let running = Running::start(&config, &log);
    running
        .until("it is not ready", |running| running.report().ready)
        .await;
    let faults = [
        Fault::FollowEnds,
        Fault::FollowGap,
        Fault::FollowHangs,
        Fault::ReadFails,
    ];
    let mut last = 0;
    for fault in faults {
        append(&log, last + 1..=last + 25).await;
        // Their transaction is still open.
        running
            .until("nothing is sent", |running| {
                running.counted("fanjet_kafka_produced_events_total") >= last + 25
            })
            .await;
        memory.inject(fault, 1);
        append(&log, last + 26..=last + 50).await;
        last += 50;
        running.reaches(last).await;
        running
            .until("the fault does not fire", |_| memory.fired(fault) == 1)
            .await;
    }
    append(&log, last + 1..=last + 50).await;
    running.reaches(last + 50).await;
    // The session survives all faults.
    for reason in ["kafka", "log"] {
        let restarts = running.counted(&format!(
            "fanjet_kafka_restarts_total{{reason=\"{reason}\"}}"
        ));
        assert_eq!(restarts, 0, "{delivery:?}: {reason}");
    }
    running.stop().await.unwrap();
    let read = read_all(&server.address(), &config.topic, Isolation::Committed).await;
    let comparison = compare(&all(&*log).await, &read.unwrap(), Style::Standard);
    assert_eq!(comparison.repeated, 0);
}

/// It is never skipped: the process stays live and unready until an operator deletes the entry.
#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_entry_is_named_and_stops_the_producer() {
    for delivery in [Delivery::AtLeastOnce, Delivery::ExactlyOnce] {
        let (kafka, nats) = (
            KafkaServer::start().await.unwrap(),
            NatsServer::start().await.unwrap(),
        );
        let log = NatsConfig {
            url: vec![ServerUrl::new(nats.url())],
            ..NatsConfig::default()
        };
        let log: Arc<dyn EventLog> = Arc::new(NatsLog::connect(log).await.unwrap());
        append(&log, 1..=10).await;
        let admin = async_nats::connect(nats.url()).await.unwrap();
        let admin = jetstream::new(admin);
        let publish = async |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(origin) = origin {
                headers.insert("Fanjet-Origin", origin);
            }
            let sent = admin.publish_with_headers("atp.identity", headers, "hi".into());
            sent.await.unwrap().await.unwrap().sequence
        };
        let mut config = impatient(&kafka.address());
        config.delivery = delivery;
        let running = Running::start(&config, &log);
        // Another publisher's message, which is skipped.
        publish(None).await;
        ingested(&log, 11..=20).await;
        running.reaches(21).await;
        running
            .until("it is not ready", |running| running.report().ready)
            .await;
        let corrupt = publish(Some("forged")).await;
        ingested(&log, 21..=30).await;
        let reason = format!("the log is corrupt at seq {corrupt}");
        let is_reported = |running: &Running| {
            let missing = running.report().missing;
            missing
                .get("log")
                .is_some_and(|why| why.starts_with(&reason))
        };
        running.until("it is not reported", is_reported).await;
        // It stays so, and everything before the entry is delivered.
        let begun = tokio::time::Instant::now();
        while begun.elapsed() < Duration::from_secs(3) {
            assert!(is_reported(&running));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let before = read_all(&kafka.address(), &config.topic, Isolation::Committed).await;
        assert_eq!(before.unwrap().len(), 20);
        let stream = admin.get_stream("ATP").await.unwrap();
        stream.delete_message(corrupt).await.unwrap();
        running.reaches(32).await;
        running
            .until("it is not ready", |running| running.report().ready)
            .await;
        running.stop().await.unwrap();
        let read = read_all(&kafka.address(), &config.topic, Isolation::Committed).await;
        compare(&all(&*log).await, &read.unwrap(), Style::Standard);
    }
}
