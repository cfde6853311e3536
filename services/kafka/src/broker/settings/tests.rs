use std::time::Duration;

use fanjet_config::{Flags, Role, Sources, load};
use humantime::format_duration;
use rdkafka::producer::{DefaultProducerContext, ThreadedProducer};

use super::*;
use crate::KafkaSettings;

/// Settings as a process reads them. `None` if it rejects them.
fn accepted(set: &[String]) -> Option<KafkaConfig> {
    let mut flags = Flags::default();
    flags
        .set
        .push("kafka.bootstrap_servers=127.0.0.1:1".to_owned());
    flags.set.push("kafka.topic=events".to_owned());
    flags.set.extend_from_slice(set);
    let settings: Result<KafkaSettings, _> = load(Sources {
        tree: KafkaSettings::FRAGMENTS,
        env: &[],
        flags: &flags,
    });
    let config = settings.ok()?.kafka;
    config.validate().is_ok().then_some(config)
}

/// With a setting that the library rejects, no session could ever start.
#[test]
fn the_client_library_accepts_every_allowed_setting() {
    let times = [0, 1, 5_000, 10_000, 29_999, 30_000, 60_000, 900_000].map(Duration::from_millis);
    let mut count = 0;
    for delivery in ["at-least-once", "exactly-once"] {
        for linger in times {
            for batch_bytes in [0, 1, 999, 1_000, 1_000_000, 1_000_000_000] {
                let set = [
                    format!("kafka.delivery={delivery}"),
                    format!("kafka.linger={}", format_duration(linger)),
                    format!("kafka.batch_bytes={batch_bytes}"),
                ];
                let Some(config) = accepted(&set) else {
                    continue;
                };
                count += 1;
                for topic_limit in [None, Some(1), Some(1 << 30)] {
                    let made: Result<ThreadedProducer<DefaultProducerContext>, _> =
                        producer(&config, "host", topic_limit).create();
                    let why = made.err().map(|error| error.to_string());
                    assert_eq!(why, None, "{set:?} {topic_limit:?}");
                }
            }
        }
    }
    // Four timeouts and three sizes, for both delivery modes.
    assert_eq!(count, 24);
}

/// Otherwise the brokers would abort each transaction before it is committed.
#[test]
fn a_transaction_is_committed_long_before_the_brokers_abort_it() {
    let given_up = Duration::from_millis(TRANSACTION_TIMEOUT_MS.parse().unwrap());
    let mut count = 0;
    for seconds in 1..=120 {
        let interval = format!("kafka.transaction_interval={seconds}s");
        if let Some(config) = accepted(&[interval, "kafka.delivery=exactly-once".to_owned()]) {
            assert!(config.transaction_interval <= given_up / 3, "{seconds} s");
            count += 1;
        }
    }
    assert_eq!(count, 10);
}
