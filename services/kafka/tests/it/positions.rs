//! Where producing starts and resumes: first starts, logs that drop events, logs that are replaced.

use std::collections::BTreeSet;
use std::sync::Arc;

use fanjet_kafka::config::Delivery;
use fanjet_log::EventLog;
use fanjet_log::memory::MemoryLog;
use fanjet_testkit::KafkaServer;
use fanjet_testkit::kafka_reader::{Isolation, Read, read_all};

use crate::harness::{Running, append, ingested, settings};

fn seqs(read: &[Read]) -> Vec<u64> {
    let numbered = read.iter().filter_map(|message| message.headers.get("seq"));
    let mut seqs: Vec<_> = numbered.map(|seq| seq.parse().unwrap()).collect();
    seqs.sort();
    seqs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_is_live_and_stores_its_position() {
    let server = KafkaServer::shared().await.unwrap();
    let memory = MemoryLog::new();
    let log: Arc<dyn EventLog> = Arc::new(memory.clone());
    append(&log, 1..=5).await;
    let mut config = settings(&server.address());
    config.position.start = "live".to_owned();
    let running = Running::start(&config, &log);
    running
        .until("it is not ready", |running| running.report().ready)
        .await;
    running.reaches(5).await;
    running.stop().await.unwrap();
    // Events that arrive while no producer runs are not lost, although nothing was produced before.
    append(&log, 6..=8).await;
    let running = Running::start(&config, &log);
    running.reaches(8).await;
    running.stop().await.unwrap();
    let read = read_all(&server.address(), &config.topic, Isolation::Committed).await;
    assert_eq!(seqs(&read.unwrap()), [6, 7, 8]);
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_events_are_reported_as_lost() {
    let server = KafkaServer::shared().await.unwrap();
    let memory = MemoryLog::new();
    let log: Arc<dyn EventLog> = Arc::new(memory.clone());
    append(&log, 1..=5).await;
    let config = settings(&server.address());
    let running = Running::start(&config, &log);
    running.reaches(5).await;
    running.stop().await.unwrap();
    append(&log, 6..=20).await;
    memory.expire(12);
    let running = Running::start(&config, &log);
    running.reaches(20).await;
    assert_eq!(running.counted("fanjet_kafka_lost_events_total"), 7);
    running.stop().await.unwrap();
    let read = read_all(&server.address(), &config.topic, Isolation::Committed).await;
    let read = read.unwrap();
    assert_eq!(seqs(&read), [1, 2, 3, 4, 5, 13, 14, 15, 16, 17, 18, 19, 20]);
    let notice: Vec<_> = read
        .iter()
        .filter(|message| message.key == "<unknown>")
        .collect();
    assert_eq!(notice.len(), 1);
    let notice: serde_json::Value = serde_json::from_str(&notice[0].value).unwrap();
    assert_eq!(notice["info"]["name"], "OutdatedCursor");
    assert_eq!(notice["did"], "");
    let message = notice["info"]["message"].as_str().unwrap();
    assert!(message.contains("7 events from seq 6"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_log_is_resumed_by_time() {
    let server = KafkaServer::shared().await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    append(&log, 1..=50).await;
    let config = settings(&server.address());
    let running = Running::start(&config, &log);
    running.reaches(50).await;
    running.stop().await.unwrap();
    // The same events and ten more, but the seqs restarted at the 31st.
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    ingested(&log, 31..=60).await;
    let running = Running::start(&config, &log);
    running.reaches(30).await;
    assert_eq!(running.counted("fanjet_kafka_replaced_logs_total"), 1);
    running.stop().await.unwrap();
    let read = read_all(&server.address(), &config.topic, Isolation::Committed).await;
    let read = read.unwrap();
    let (times, notices) = times_and_notices(&read);
    // Only the event at the position itself may arrive twice, and none is missing.
    assert_eq!((times.len(), notices.len()), (60, 1));
    assert!(read.len() <= 62, "{}", read.len());
}

/// The distinct log times of all events, and the notices to consumers.
fn times_and_notices(read: &[Read]) -> (BTreeSet<u64>, Vec<String>) {
    let times = read
        .iter()
        .filter_map(|message| message.headers.get("time_us"));
    let notices = read.iter().filter(|message| message.key == "<unknown>");
    let notices = notices.map(|message| {
        let value: serde_json::Value = serde_json::from_str(&message.value).unwrap();
        assert_eq!(value["info"]["name"], "OutdatedCursor");
        value["info"]["message"].as_str().unwrap().to_owned()
    });
    (
        times.map(|time| time.parse().unwrap()).collect(),
        notices.collect(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_replaced_under_a_running_process_is_resumed_by_time() {
    let server = KafkaServer::shared().await.unwrap();
    for delivery in [Delivery::AtLeastOnce, Delivery::ExactlyOnce] {
        let memory = MemoryLog::new();
        let log: Arc<dyn EventLog> = Arc::new(memory.clone());
        append(&log, 1..=50).await;
        let mut config = settings(&server.address());
        config.delivery = delivery;
        let running = Running::start(&config, &log);
        running.reaches(50).await;
        // Longer than the previous log, so that no seq reveals the change.
        memory.recreate(1);
        ingested(&log, 41..=120).await;
        running
            .until("the new log is not read", |running| {
                running.counted("fanjet_kafka_replaced_logs_total") == 1
                    && running.counted("fanjet_kafka_position_seq") == 80
            })
            .await;
        running.stop().await.unwrap();
        let read = read_all(&server.address(), &config.topic, Isolation::Committed).await;
        let (times, notices) = times_and_notices(&read.unwrap());
        assert_eq!(times.len(), 120, "{delivery:?}");
        assert_eq!(notices.len(), 1, "{notices:?}");
        assert!(notices[0].contains("the log was replaced"), "{notices:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_before_the_first_event_belongs_to_its_log_too() {
    let server = KafkaServer::shared().await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    append(&log, 1..=5).await;
    let mut config = settings(&server.address());
    config.position.start = "live".to_owned();
    let running = Running::start(&config, &log);
    running.reaches(5).await;
    running.stop().await.unwrap();
    // Nothing was produced, so no time is known to resume from. The new log is longer.
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    ingested(&log, 6..=20).await;
    let running = Running::start(&config, &log);
    running.reaches(15).await;
    assert_eq!(running.counted("fanjet_kafka_replaced_logs_total"), 1);
    running.stop().await.unwrap();
    let read = read_all(&server.address(), &config.topic, Isolation::Committed).await;
    let (times, notices) = times_and_notices(&read.unwrap());
    assert_eq!((times.len(), notices.len()), (15, 1));
}
