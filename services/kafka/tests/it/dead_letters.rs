//! A message that Kafka can never accept becomes a dead letter and holds up no other.

use std::sync::Arc;

use fanjet_kafka::config::Delivery;
use fanjet_log::EventLog;
use fanjet_log::memory::MemoryLog;
use fanjet_testkit::kafka_reader::{Isolation, read_all};
use fanjet_testkit::{KafkaServer, kafka_server::KafkaOptions};

use crate::harness::{Running, append, append_large, settings};

const COLLECTION: &str = "app.bsky.feed.post";

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_too_large_goes_to_the_dead_letter_topic() {
    // The broker rejects 300 KiB. A dead letter may enclose that much, but this broker rejects the dead letter, too.
    let options = KafkaOptions {
        extra: "message.max.bytes=100000".to_owned(),
        ..KafkaOptions::default()
    };
    let server = KafkaServer::start_with(&options).await.unwrap();
    let mut sizes = None;
    for delivery in [Delivery::AtLeastOnce, Delivery::ExactlyOnce] {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        append(&log, 1..=30).await;
        append_large(&log, 31, 300 << 10).await;
        append(&log, 32..=60).await;
        append_large(&log, 61, 99_900).await;
        append(&log, 62..=70).await;
        let mut config = settings(&server.address());
        config.delivery = delivery;
        config.topics.collections = [COLLECTION].iter().collect();
        let running = Running::start(&config, &log);
        running.reaches(70).await;
        assert!(running.report().ready, "{:?}", running.report());
        let letters_counted =
            running.counted("fanjet_kafka_dead_letters_total{reason=\"too_large\"}");
        running.stop().await.unwrap();

        let topic = config.dead_letter_topic();
        let letters = read_all(&server.address(), &topic, Isolation::Committed)
            .await
            .unwrap();
        let mut letters: Vec<serde_json::Value> = letters
            .iter()
            .map(|letter| serde_json::from_str(&letter.value).unwrap())
            .collect();
        // Rejections of different partitions arrive in any order.
        letters.sort_by_key(|letter| letter["seq"].as_u64());
        assert!(letters_counted >= letters.len() as u64 && !letters.is_empty());
        let first = &letters[0];
        assert_eq!(first["seq"], 31, "{delivery:?}");
        // The fields describe the message even if the dead letter was written twice.
        let own = format!("{}.{COLLECTION}", config.topic);
        assert_eq!(first["topic"], own.as_str());
        assert_eq!(first["reason"], "too_large");
        assert_eq!(first["event"], serde_json::Value::Null);
        let bytes = first["bytes"].as_u64().unwrap();
        assert_eq!(*sizes.get_or_insert(bytes), bytes, "{delivery:?}");
        assert!(bytes > 300 << 10);

        let mut read = Vec::new();
        for topic in [&config.topic, &own] {
            let some = read_all(&server.address(), topic, Isolation::Committed).await;
            read.extend(some.unwrap());
        }
        let mut seen: Vec<u64> = read
            .iter()
            .map(|message| message.headers["seq"].parse().unwrap())
            .chain(letters.iter().map(|letter| letter["seq"].as_u64().unwrap()))
            .collect();
        seen.sort();
        assert_eq!(seen, (1..=70).collect::<Vec<_>>(), "{delivery:?}");
    }
}
