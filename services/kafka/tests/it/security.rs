//! Passwords, TLS and permissions, checked by a real broker.

use std::sync::Arc;

use fanjet_config::Secret;
use fanjet_kafka::KafkaConfig;
use fanjet_kafka::config::Mechanism;
use fanjet_log::EventLog;
use fanjet_log::memory::MemoryLog;
use fanjet_testkit::{KafkaServer, kafka_server::KafkaOptions};

use crate::harness::{Running, append, settings};

async fn server() -> KafkaServer {
    let options = KafkaOptions {
        users: vec![
            ("alice".to_owned(), "secret".to_owned()),
            ("bob".to_owned(), "secret".to_owned()),
        ],
        tls: true,
        super_users: vec!["alice".to_owned()],
        ..KafkaOptions::default()
    };
    KafkaServer::start_with(&options).await.unwrap()
}

fn login(server: &KafkaServer, mechanism: Mechanism, user: &str, password: &str) -> KafkaConfig {
    let mut config = settings(&server.address());
    config.tls.enabled = true;
    config.tls.ca_file = server.certificate();
    config.sasl.mechanism = mechanism;
    config.sasl.username = user.to_owned();
    config.sasl.password = Secret::new(password);
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn denied_access_is_reported_clearly() {
    let server = server().await;
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    append(&log, 1..=10).await;
    for mechanism in [
        Mechanism::Plain,
        Mechanism::ScramSha256,
        Mechanism::ScramSha512,
    ] {
        let config = login(&server, mechanism, "alice", "secret");
        let running = Running::start(&config, &log);
        running.reaches(10).await;
        running.stop().await.unwrap();
    }
    let mut foreign = login(&server, Mechanism::Plain, "alice", "secret");
    foreign.tls.ca_file = "".into();
    for (config, part) in [
        (
            login(&server, Mechanism::ScramSha256, "alice", "wrong"),
            "kafka.sasl",
        ),
        (
            login(&server, Mechanism::Plain, "bob", "secret"),
            "DESCRIBE and WRITE",
        ),
        (foreign, "kafka.tls"),
    ] {
        let mut config = config;
        config.request_timeout = std::time::Duration::from_secs(3);
        let running = Running::start(&config, &log);
        running
            .until(part, |running| {
                let missing = running.report().missing;
                missing.get("kafka").is_some_and(|why| why.contains(part))
            })
            .await;
        running.stop().await.unwrap();
    }
}
