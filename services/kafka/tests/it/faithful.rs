//! Every event of a world, once, in order.

use fanjet_kafka::config::Delivery;
use fanjet_testkit::KafkaServer;
use fanjet_testkit::kafka_reader::{Isolation, partitions, read_all};

use crate::judge::{Style, judge};
use crate::rig::{Running, all, log_of_recording, log_of_world, settings};

#[tokio::test(flavor = "multi_thread")]
async fn a_world_arrives_once_and_in_order_in_both_formats_and_modes() {
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
        let verdict = judge(&entries, &read.unwrap(), style);
        assert_eq!(verdict.repeated, 0, "{style:?} {delivery:?}");
        assert!(verdict.expected > 1_500, "{verdict:?}");
        let made = partitions(&server.address(), &config.topic).await.unwrap();
        assert_eq!(made, Some(4));

        // The next process goes on behind, and produces nothing again.
        let running = Running::start(&config, &log);
        running.reaches(entries.len() as u64).await;
        running.stop().await.unwrap();
        let again = read_all(&server.address(), &config.topic, Isolation::Uncommitted).await;
        let again = again.unwrap();
        assert_eq!(
            judge(&entries, &again, style).repeated,
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
    let verdict = judge(&entries, &read.unwrap(), Style::Standard);
    assert_eq!(verdict.repeated, 0);
    assert!(
        verdict.expected * 10 > corpus.expected.len() * 9,
        "{verdict:?}"
    );
}
