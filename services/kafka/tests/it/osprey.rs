//! A consumer in Python reads the same fields of each message as Osprey's worker.
//!
//! `cargo xtask test` and `cargo xtask kafka` install it and set its path. Without it the test is skipped.

use std::collections::HashMap;
use std::process::Command;

use fanjet_testkit::KafkaServer;
use serde_json::Value;

use crate::comparison::envelope;
use crate::harness::{Running, all, log_of_world, settings};

const DRIVER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../loadtest/clients/osprey/driver.py"
);

#[tokio::test(flavor = "multi_thread")]
async fn osprey_reads_every_field_that_it_needs() {
    let Some(python) = fanjet_testkit::setting("FANJET_KAFKA_PYTHON") else {
        println!("skipped: FANJET_KAFKA_PYTHON does not name a Python with confluent-kafka");
        return;
    };
    let server = KafkaServer::shared().await.unwrap();
    let log = log_of_world(3, 800).await;
    let entries = all(&*log).await;
    let mut config = settings(&server.address());
    config.format.osprey = true;
    let running = Running::start(&config, &log);
    running.reaches(entries.len() as u64).await;
    running.stop().await.unwrap();

    let mut driver = Command::new(python);
    driver.args([DRIVER, &server.address(), &config.topic]);
    let output = driver.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let mut taken: HashMap<u64, Value> = HashMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let action: Value = serde_json::from_str(line).unwrap();
        let id = action["action_id"].as_u64().unwrap();
        assert!(taken.insert(id, action).is_none(), "{id} arrived twice");
    }
    let expected: Vec<_> = entries
        .iter()
        .filter_map(|entry| Some((entry, envelope(entry)?)))
        .collect();
    assert_eq!(taken.len(), expected.len());
    for (entry, envelope) in expected {
        let time_us = entry.time().unwrap().get();
        let id = fanjet_kafka::format::snowflake(time_us, entry.seq, 1_420_070_400_000);
        let action = &taken[&id];
        assert_eq!(action["data"], envelope);
        let kind = ["account", "identity"]
            .into_iter()
            .find(|kind| envelope.get(*kind).is_some());
        let name = kind.map_or_else(
            || {
                format!(
                    "operation#{}",
                    envelope["operation"]["action"].as_str().unwrap()
                )
            },
            str::to_owned,
        );
        assert_eq!(action["action_name"], name);
        assert!(action["sent"].as_u64().unwrap() >= time_us / 1_000_000);
    }
}
