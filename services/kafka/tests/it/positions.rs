//! Where producing begins and goes on: first starts, logs that forget, logs that are replaced.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fanjet_event::TimeUs;
use fanjet_log::memory::MemoryLog;
use fanjet_log::{
    AppendError, Appender, Bounds, Entry, EventLog, Follow, LogError, LogIdentity, Page, ReadLimit,
    Selection, Seq,
};
use fanjet_testkit::KafkaServer;
use fanjet_testkit::kafka_reader::{Isolation, Read, read_all};
use parking_lot::Mutex;

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
    // What comes while nobody runs is not lost, although nothing was produced before.
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
    let told: Vec<_> = read
        .iter()
        .filter(|message| message.key == "<unknown>")
        .collect();
    assert_eq!(told.len(), 1);
    let told: serde_json::Value = serde_json::from_str(&told[0].value).unwrap();
    assert_eq!(told["info"]["name"], "OutdatedCursor");
    assert_eq!(told["did"], "");
    let message = told["info"]["message"].as_str().unwrap();
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
    // The same events and ten more, but the numbering has begun anew at the 31st.
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    ingested(&log, 31..=60).await;
    let running = Running::start(&config, &log);
    running.reaches(30).await;
    running.stop().await.unwrap();
    let read = read_all(&server.address(), &config.topic, Isolation::Committed).await;
    let read = read.unwrap();
    let mut times: Vec<u64> = read
        .iter()
        .map(|message| message.headers["time_us"].parse().unwrap())
        .collect();
    times.sort();
    // The event of the position itself may come twice; nothing else does, and nothing is missing.
    times.dedup();
    assert_eq!(times.len(), 60);
    assert!(read.len() <= 61, "{}", read.len());
}

/// A log that can be replaced by another while it is read.
struct Replaceable(Mutex<MemoryLog>);

impl Replaceable {
    fn current(&self) -> MemoryLog {
        self.0.lock().clone()
    }
}

#[async_trait]
impl EventLog for Replaceable {
    async fn identity(&self) -> Result<LogIdentity, LogError> {
        self.current().identity().await
    }

    async fn adopt(&self) -> Result<LogIdentity, LogError> {
        self.current().adopt().await
    }

    async fn bounds(&self) -> Result<Bounds, LogError> {
        self.current().bounds().await
    }

    async fn last(&self) -> Result<Option<Entry>, LogError> {
        self.current().last().await
    }

    async fn read(
        &self,
        from: Seq,
        selection: &Selection,
        limit: ReadLimit,
    ) -> Result<Page, LogError> {
        self.current().read(from, selection, limit).await
    }

    async fn follow(&self, from: Seq, selection: &Selection) -> Result<Follow, LogError> {
        self.current().follow(from, selection).await
    }

    async fn seq_at(&self, time: TimeUs) -> Result<Seq, LogError> {
        self.current().seq_at(time).await
    }

    async fn appender(&self, after: Seq) -> Result<Box<dyn Appender>, AppendError> {
        self.current().appender(after).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_replaced_under_a_running_process_is_gone_on_with_by_its_time() {
    let server = KafkaServer::shared().await.unwrap();
    let replaceable = Arc::new(Replaceable(Mutex::new(MemoryLog::new())));
    let log: Arc<dyn EventLog> = replaceable.clone();
    append(&log, 1..=50).await;
    let mut config = settings(&server.address());
    config.check_interval = Duration::from_millis(100);
    let running = Running::start(&config, &log);
    running.reaches(50).await;
    let fresh = MemoryLog::new();
    let log: Arc<dyn EventLog> = Arc::new(fresh.clone());
    ingested(&log, 41..=60).await;
    *replaceable.0.lock() = fresh;
    let noticed = |running: &Running| running.counted("fanjet_kafka_position_seq") == 20;
    running
        .until("the new log is not gone on with", noticed)
        .await;
    running.stop().await.unwrap();
    let read = read_all(&server.address(), &config.topic, Isolation::Committed).await;
    let times: std::collections::BTreeSet<u64> = read
        .unwrap()
        .iter()
        .map(|message| message.headers["time_us"].parse().unwrap())
        .collect();
    assert_eq!(times.len(), 60);
}
