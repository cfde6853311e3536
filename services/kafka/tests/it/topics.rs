//! Topics are found or created, and never changed.

use std::sync::Arc;

use fanjet_log::EventLog;
use fanjet_log::memory::MemoryLog;
use fanjet_testkit::KafkaServer;
use fanjet_testkit::kafka_reader::{Isolation, partitions, read_all};

use crate::harness::{Running, append, settings};

#[tokio::test(flavor = "multi_thread")]
async fn collections_may_have_their_own_topics() {
    let server = KafkaServer::shared().await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    append(&log, 1..=40).await;
    let mut config = settings(&server.address());
    let collection = "app.bsky.feed.post";
    config.topics.collections = [collection].iter().collect();
    let running = Running::start(&config, &log);
    running.reaches(40).await;
    running.stop().await.unwrap();
    let read = |topic: String| {
        let address = server.address();
        async move {
            read_all(&address, &topic, Isolation::Committed)
                .await
                .unwrap()
        }
    };
    let main = read(config.topic.clone()).await;
    let own = read(format!("{}.{collection}", config.topic)).await;
    assert_eq!((main.len(), own.len()), (30, 10));
    assert!(own.iter().all(|message| message.value.contains(collection)));
    assert!(
        main.iter()
            .all(|message| !message.value.contains(collection))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_topic_is_left_alone_and_a_missing_one_is_reported() {
    let server = KafkaServer::shared().await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    append(&log, 1..=4).await;
    let mut config = settings(&server.address());
    config.topics.create = false;
    let running = Running::start(&config, &log);
    running
        .until("it is not reported", |running| {
            let missing = running.report().missing;
            missing.get("kafka").is_some_and(|why| {
                why.contains("does not exist") && why.contains("kafka.topics.create")
            })
        })
        .await;
    running.stop().await.unwrap();

    config.topics.create = true;
    config.topics.partitions = 3;
    let running = Running::start(&config, &log);
    running.reaches(4).await;
    running.stop().await.unwrap();
    config.topics.partitions = 7;
    append(&log, 5..=8).await;
    let running = Running::start(&config, &log);
    running.reaches(8).await;
    running.stop().await.unwrap();
    assert_eq!(
        partitions(&server.address(), &config.topic).await.unwrap(),
        Some(3)
    );
    let letters = partitions(&server.address(), &config.dead_letter_topic()).await;
    assert_eq!(letters.unwrap(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impossible_replication_factor_is_reported() {
    let server = KafkaServer::shared().await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let mut config = settings(&server.address());
    config.topics.replication_factor = 3;
    let running = Running::start(&config, &log);
    running
        .until("it is not reported", |running| {
            let missing = running.report().missing;
            missing
                .get("kafka")
                .is_some_and(|why| why.contains("kafka.topics.replication_factor"))
        })
        .await;
    running.stop().await.unwrap();
}
