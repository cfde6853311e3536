//! Kafka and the log going away, and what readiness says meanwhile.

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

use crate::judge::{Style, judge};
use crate::rig::{Running, all, append, ingested, settings};

fn impatient(address: &str) -> KafkaConfig {
    let mut config = settings(address);
    config.request_timeout = Duration::from_secs(2);
    config.retry_ceiling = Duration::from_millis(500);
    config.check_interval = Duration::from_millis(200);
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_is_told_and_waited_for() {
    let mut server = KafkaServer::start().await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    append(&log, 1..=10).await;
    let config = impatient(&server.address());
    server.kill().await.unwrap();
    let running = Running::start(&config, &log);
    running
        .until("it does not tell", |running| {
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

    // In the middle of work: it is noticed, nothing is lost, and nothing comes twice from the same session.
    server.kill().await.unwrap();
    append(&log, 11..=500).await;
    running
        .until("it does not notice", |running| {
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
    judge(&all(&*log).await, &read.unwrap(), Style::Standard);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lag_grows_also_while_nothing_is_connected() {
    let mut server = KafkaServer::start().await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    append(&log, 1..=10).await;
    let mut config = impatient(&server.address());
    config.delivery = Delivery::ExactlyOnce;
    let running = Running::start(&config, &log);
    running.reaches(10).await;
    // A transaction that fails ends the session, and no other can begin.
    server.kill().await.unwrap();
    append(&log, 11..=20).await;
    running
        .until("the session does not end", |running| {
            running.counted("fanjet_kafka_restarts{reason=\"kafka\"}") > 0
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
async fn a_log_that_misbehaves_costs_nothing_but_time() {
    for delivery in [Delivery::AtLeastOnce, Delivery::ExactlyOnce] {
        a_log_misbehaves(delivery).await;
    }
}

async fn a_log_misbehaves(delivery: Delivery) {
    let server = KafkaServer::shared().await.unwrap();
    let memory = MemoryLog::new();
    let log: Arc<dyn EventLog> = Arc::new(memory.clone());
    let mut config = impatient(&server.address());
    config.delivery = delivery;
    // Whatever happens to the log happens to an open transaction.
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
        // They are in a transaction that is still open.
        running
            .until("nothing is sent", |running| {
                running.counted("fanjet_kafka_produced_events") >= last + 25
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
    // The session outlives them all.
    for reason in ["kafka", "log"] {
        let restarts = running.counted(&format!("fanjet_kafka_restarts{{reason=\"{reason}\"}}"));
        assert_eq!(restarts, 0, "{delivery:?}: {reason}");
    }
    running.stop().await.unwrap();
    let read = read_all(&server.address(), &config.topic, Isolation::Committed).await;
    let verdict = judge(&all(&*log).await, &read.unwrap(), Style::Standard);
    assert_eq!(verdict.repeated, 0);
}

/// Never passed over: it stands there, alive and unready, until an operator has taken it out.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_place_of_the_log_is_named_and_waited_for() {
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
        // Somebody else's, which is passed over.
        publish(None).await;
        ingested(&log, 11..=20).await;
        running.reaches(21).await;
        running
            .until("it is not ready", |running| running.report().ready)
            .await;
        let place = publish(Some("forged")).await;
        ingested(&log, 21..=30).await;
        let words = format!("the log is corrupt at seq {place}");
        let tells = |running: &Running| {
            let missing = running.report().missing;
            missing
                .get("log")
                .is_some_and(|why| why.starts_with(&words))
        };
        running.until("it does not tell", tells).await;
        // For as long as it takes, and what came before is delivered.
        let begun = tokio::time::Instant::now();
        while begun.elapsed() < Duration::from_secs(3) {
            assert!(tells(&running));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let before = read_all(&kafka.address(), &config.topic, Isolation::Committed).await;
        assert_eq!(before.unwrap().len(), 20);
        let stream = admin.get_stream("ATP").await.unwrap();
        stream.delete_message(place).await.unwrap();
        running.reaches(32).await;
        running
            .until("it is not ready", |running| running.report().ready)
            .await;
        running.stop().await.unwrap();
        let read = read_all(&kafka.address(), &config.topic, Isolation::Committed).await;
        judge(&all(&*log).await, &read.unwrap(), Style::Standard);
    }
}
