use std::time::Duration;

use rdkafka::producer::{DefaultProducerContext, ThreadedProducer};

use super::*;

fn config(delivery: Delivery) -> KafkaConfig {
    KafkaConfig {
        bootstrap_servers: ["127.0.0.1:1"].iter().collect(),
        topic: "events".to_owned(),
        delivery,
        ..KafkaConfig::default()
    }
}

/// What the library refuses, no session would ever begin with.
#[test]
fn what_the_settings_take_the_client_library_takes() {
    let times = [0, 1, 5_000, 10_000, 29_999, 30_000, 60_000, 900_000].map(Duration::from_millis);
    for delivery in [Delivery::AtLeastOnce, Delivery::ExactlyOnce] {
        for linger in times {
            for batch_bytes in [0, 1, 999, 1_000, 1_000_000, 1_000_000_000] {
                for topic_limit in [None, Some(1), Some(1 << 30)] {
                    let config = KafkaConfig {
                        linger,
                        batch_bytes,
                        ..config(delivery)
                    };
                    if config.validate().is_err() {
                        continue;
                    }
                    let made: Result<ThreadedProducer<DefaultProducerContext>, _> =
                        producer(&config, "host", topic_limit).create();
                    let why = made.err().map(|error| error.to_string());
                    assert_eq!(
                        why, None,
                        "{delivery:?} {linger:?} {batch_bytes} {topic_limit:?}"
                    );
                }
            }
        }
    }
}

/// Else the brokers undo each transaction before it is committed.
#[test]
fn a_transaction_is_committed_long_before_the_brokers_give_it_up() {
    let given_up = Duration::from_millis(TRANSACTION_TIMEOUT_MS.parse().unwrap());
    for seconds in 1..=120 {
        let config = KafkaConfig {
            transaction_interval: Duration::from_secs(seconds),
            ..config(Delivery::ExactlyOnce)
        };
        if config.validate().is_ok() {
            assert!(config.transaction_interval <= given_up / 3, "{seconds} s");
        }
    }
}
