//! Every event of a simulated world arrives once and in order.

use fanjet_kafka::config::Delivery;
use fanjet_testkit::KafkaServer;
use fanjet_testkit::kafka_reader::{Isolation, partitions, read_all};

use crate::comparison::{Style, compare};
use crate::harness::{Running, all, log_of_recording, log_of_world, settings};

#[tokio::test(flavor = "multi_thread")]
async fn every_event_arrives_once_and_in_order_in_both_formats_and_modes() {
    let server = KafkaServer::shared().await.unwrap();
    let log = log_of_world(1, 1_500).await;
    let entries = all(&*log).await;
    for (style, delivery) in [
        (Style::Standard, Delivery::AtLeastOnce),
        (Style::Osprey, Delivery::AtLeastOnce),
        (Style::Osprey, Delivery::ExactlyOnce),
    ] {
        let mut config = settings(&server.address());
        config.format.osprey = style == Style::Osprey;
        config.delivery = delivery;
        let running = Running::start(&config, &log);
        running.reaches(entries.len() as u64).await;
        assert!(running.report().ready, "{:?}", running.report());
        running.stop().await.unwrap();

        let read = read_all(&server.address(), &config.topic, Isolation::Committed).await;
        let comparison = compare(&entries, &read.unwrap(), style);
        assert_eq!(comparison.repeated, 0, "{style:?} {delivery:?}");
        assert!(comparison.expected > 1_500, "{comparison:?}");
        let made = partitions(&server.address(), &config.topic).await.unwrap();
        assert_eq!(made, Some(4));

        // The next process resumes after the last event and repeats none.
        let running = Running::start(&config, &log);
        running.reaches(entries.len() as u64).await;
        running.stop().await.unwrap();
        let again = read_all(&server.address(), &config.topic, Isolation::Uncommitted).await;
        let again = again.unwrap();
        assert_eq!(
            compare(&entries, &again, style).repeated,
            0,
            "{style:?} {delivery:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_frames_arrive_once_and_in_order() {
    let Some(corpus) = fanjet_testkit::Corpus::from_env().unwrap() else {
        return;
    };
    let server = KafkaServer::shared().await.unwrap();
    let log = log_of_recording(&corpus.frames, corpus.expected.len()).await;
    let entries = all(&*log).await;
    let config = settings(&server.address());
    let running = Running::start(&config, &log);
    running.reaches(entries.len() as u64).await;
    running.stop().await.unwrap();
    let read = read_all(&server.address(), &config.topic, Isolation::Committed).await;
    let comparison = compare(&entries, &read.unwrap(), Style::Standard);
    assert_eq!(comparison.repeated, 0);
    assert!(
        comparison.expected * 10 > corpus.expected.len() * 9,
        "{comparison:?}"
    );
}
