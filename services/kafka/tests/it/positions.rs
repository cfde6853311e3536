//! Where producing starts and resumes: first starts, logs that drop events, logs that are replaced.

use std::collections::BTreeSet;
use std::sync::Arc;

use fanjet_kafka::config::Delivery;
use fanjet_log::EventLog;
use fanjet_log::memory::MemoryLog;
use fanjet_testkit::KafkaServer;
use fanjet_testkit::kafka_reader::{Isolation, Read, read_all};

use crate::rig::{Running, append, ingested, settings};

fn seqs(read: &[Read]) -> Vec<u64> {
    let numbered = read.iter().filter_map(|message| message.headers.get("seq"));
    let mut seqs: Vec<_> = numbered.map(|seq| seq.parse().unwrap()).collect();
    seqs.sort();
    seqs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_is_live_and_its_position_holds_from_then_on() {
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
async fn events_that_the_log_has_dropped_are_admitted() {
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
    assert_eq!(running.counted("fanjet_kafka_lost_events"), 7);
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
async fn a_log_that_was_replaced_is_gone_on_with_by_its_time() {
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
    assert_eq!(running.counted("fanjet_kafka_replaced_logs"), 1);
    running.stop().await.unwrap();
    let read = read_all(&server.address(), &config.topic, Isolation::Committed).await;
    let read = read.unwrap();
    let (times, notice) = times_and_notices(&read);
    // The event of the position itself may come twice; nothing else does, and nothing is missing.
    assert_eq!((times.len(), notice.len()), (60, 1));
    assert!(read.len() <= 62, "{}", read.len());
}

/// Distinct log times of all events, and what consumers were notice.
fn times_and_notices(read: &[Read]) -> (BTreeSet<u64>, Vec<String>) {
    let times = read
        .iter()
        .filter_map(|message| message.headers.get("time_us"));
    let notice = read.iter().filter(|message| message.key == "<unknown>");
    let notice = notice.map(|message| {
        let value: serde_json::Value = serde_json::from_str(&message.value).unwrap();
        assert_eq!(value["info"]["name"], "OutdatedCursor");
        value["info"]["message"].as_str().unwrap().to_owned()
    });
    (
        times.map(|time| time.parse().unwrap()).collect(),
        notice.collect(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_replaced_under_a_running_process_is_gone_on_with_by_its_time() {
    let server = KafkaServer::shared().await.unwrap();
    for delivery in [Delivery::AtLeastOnce, Delivery::ExactlyOnce] {
        let memory = MemoryLog::new();
        let log: Arc<dyn EventLog> = Arc::new(memory.clone());
        append(&log, 1..=50).await;
        let mut config = settings(&server.address());
        config.delivery = delivery;
        let running = Running::start(&config, &log);
        running.reaches(50).await;
        // Longer than the one before, so that no number tells.
        memory.recreate(1);
        ingested(&log, 41..=120).await;
        running
            .until("the new log is not gone on with", |running| {
                running.counted("fanjet_kafka_replaced_logs") == 1
                    && running.counted("fanjet_kafka_position_seq") == 80
            })
            .await;
        running.stop().await.unwrap();
        let read = read_all(&server.address(), &config.topic, Isolation::Committed).await;
        let (times, notice) = times_and_notices(&read.unwrap());
        assert_eq!(times.len(), 120, "{delivery:?}");
        assert_eq!(notice.len(), 1, "{notice:?}");
        assert!(notice[0].contains("the log was replaced"), "{notice:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_in_front_of_the_first_event_belongs_to_its_log_too() {
    let server = KafkaServer::shared().await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    append(&log, 1..=5).await;
    let mut config = settings(&server.address());
    config.position.start = "live".to_owned();
    let running = Running::start(&config, &log);
    running.reaches(5).await;
    running.stop().await.unwrap();
    // Nothing was produced, so there is no time to go on by. The new log is longer.
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    ingested(&log, 6..=20).await;
    let running = Running::start(&config, &log);
    running.reaches(15).await;
    assert_eq!(running.counted("fanjet_kafka_replaced_logs"), 1);
    running.stop().await.unwrap();
    let read = read_all(&server.address(), &config.topic, Isolation::Committed).await;
    let (times, notice) = times_and_notices(&read.unwrap());
    assert_eq!((times.len(), notice.len()), (15, 1));
}
