//! Topics and positions that are deleted. The producer continues from a known position and asks the operator for an unknown one.

use std::sync::Arc;
use std::time::Duration;

use fanjet_kafka::KafkaConfig;
use fanjet_kafka::config::Delivery;
use fanjet_log::EventLog;
use fanjet_log::memory::MemoryLog;
use fanjet_testkit::KafkaServer;
use fanjet_testkit::kafka_admin::{delete_group, delete_topic};
use fanjet_testkit::kafka_reader::{Isolation, read_all};

use crate::harness::{Running, append, settings};

/// The usual settings: without a position, production starts at the present.
fn live(address: &str, delivery: Delivery) -> KafkaConfig {
    let mut config = settings(address);
    config.position.start = "live".to_owned();
    config.delivery = delivery;
    config.request_timeout = Duration::from_secs(5);
    config.retry_ceiling = Duration::from_millis(500);
    config
}

async fn seqs(config: &KafkaConfig) -> Vec<u64> {
    let address = config.bootstrap_servers.joined();
    let read = read_all(&address, &config.topic, Isolation::Committed).await;
    let read = read.unwrap();
    let mut seqs: Vec<u64> = read
        .iter()
        .map(|message| message.headers["seq"].parse().unwrap())
        .collect();
    seqs.sort_unstable();
    seqs.dedup();
    seqs
}

async fn ready(config: &KafkaConfig, log: &Arc<dyn EventLog>) -> Running {
    let running = Running::start(config, log);
    running
        .until("it is not ready", |running| running.report().ready)
        .await;
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_deleted_under_a_running_process_loses_only_its_own_messages() {
    let server = KafkaServer::shared().await.unwrap();
    for delivery in [Delivery::AtLeastOnce, Delivery::ExactlyOnce] {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        append(&log, 1..=10).await;
        let config = live(&server.address(), delivery);
        let running = ready(&config, &log).await;
        append(&log, 11..=50).await;
        running.reaches(50).await;
        delete_topic(&server.address(), &config.topic)
            .await
            .unwrap();
        // The brokers delete the position with it, and the producer fails before it learns why.
        append(&log, 51..=90).await;
        running.reaches(90).await;
        running.stop().await.unwrap();
        let produced = seqs(&config).await;
        let expected: Vec<u64> = (51..=90).collect();
        assert_eq!(produced, expected, "{delivery:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_deleted_under_a_running_process_is_written_again() {
    let server = KafkaServer::shared().await.unwrap();
    for delivery in [Delivery::AtLeastOnce, Delivery::ExactlyOnce] {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        let config = live(&server.address(), delivery);
        let running = ready(&config, &log).await;
        append(&log, 1..=20).await;
        running.reaches(20).await;
        delete_group(&server.address(), &config.position.group)
            .await
            .unwrap();
        append(&log, 21..=40).await;
        running.reaches(40).await;
        running.stop().await.unwrap();
        let running = ready(&config, &log).await;
        append(&log, 41..=60).await;
        running.reaches(60).await;
        running.stop().await.unwrap();
        let expected: Vec<u64> = (1..=60).collect();
        assert_eq!(seqs(&config).await, expected, "{delivery:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_position_stops_the_producer_until_an_operator_sets_it() {
    let server = KafkaServer::shared().await.unwrap();
    for delivery in [Delivery::AtLeastOnce, Delivery::ExactlyOnce] {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        let mut config = live(&server.address(), delivery);
        let running = ready(&config, &log).await;
        append(&log, 1..=20).await;
        running.reaches(20).await;
        running.stop().await.unwrap();
        let group = config.position.group.clone();
        delete_group(&server.address(), &group).await.unwrap();
        append(&log, 21..=40).await;

        let running = Running::start(&config, &log);
        running
            .until("the producer starts without a position", |running| {
                running.counted("fanjet_kafka_restarts_total{reason=\"position\"}") > 1
            })
            .await;
        let why = running.report().missing["kafka"].clone();
        for named in [
            &group,
            &config.topic,
            "seq 20",
            "start (21",
            "position.reset",
        ] {
            assert!(why.contains(named), "{named}: {why}");
        }
        running.stop().await.unwrap();
        assert_eq!(seqs(&config).await, (1..=20).collect::<Vec<_>>());

        // The operator follows the message.
        config.position.start = "21".to_owned();
        config.position.reset = "monday".to_owned();
        let running = Running::start(&config, &log);
        running.reaches(40).await;
        running.stop().await.unwrap();
        append(&log, 41..=60).await;
        // A reset applies once, so it may stay in the settings.
        config.position.start = "live".to_owned();
        let running = Running::start(&config, &log);
        running.reaches(60).await;
        running.stop().await.unwrap();
        assert_eq!(seqs(&config).await, (1..=60).collect::<Vec<_>>());
        delete_group(&server.address(), &group).await.unwrap();
        let running = Running::start(&config, &log);
        running
            .until("the producer starts without a position again", |running| {
                running.counted("fanjet_kafka_restarts_total{reason=\"position\"}") > 0
            })
            .await;
        running.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_reset_value_restarts_even_with_a_position() {
    let server = KafkaServer::shared().await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    append(&log, 1..=10).await;
    let mut config = live(&server.address(), Delivery::AtLeastOnce);
    let running = ready(&config, &log).await;
    append(&log, 11..=20).await;
    running.reaches(20).await;
    running.stop().await.unwrap();
    config.position.start = "oldest".to_owned();
    config.position.reset = "tuesday".to_owned();
    let running = ready(&config, &log).await;
    running.reaches(20).await;
    running.stop().await.unwrap();
    assert_eq!(seqs(&config).await, (1..=20).collect::<Vec<_>>());
}
