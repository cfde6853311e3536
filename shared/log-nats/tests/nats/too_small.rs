//! Servers that offer less storage than the log may take: the first words say so.

use std::time::Duration;

use fanjet_log::LogError;
use fanjet_log_nats::{NatsConfig, prepare};
use fanjet_testkit::NatsServer;

use crate::clusters;
use crate::support::{self, within};

/// More than the servers of the tests offer.
const TOO_MUCH: i64 = 30_000_000_000;

/// The first lasting refusal. A cluster without a leader is only waited for.
async fn refusal(config: &NatsConfig) -> String {
    within("a refusal", async {
        loop {
            match prepare(config, 0).await {
                Err(LogError::Misconfigured(words)) => return words,
                Err(error) => assert!(error.is_retryable(), "{error}"),
                Ok(prepared) => panic!("{prepared:?}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await
}

fn names_the_limit(words: &str) {
    let expected =
        "nats.stream.max_bytes is 30000000000, which is more than the NATS servers offer";
    assert!(words.starts_with(expected), "{words}");
    assert!(words.contains("insufficient storage"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_offers_too_little_is_named_first() {
    let server = NatsServer::start().await.unwrap();
    let mut config = support::config(&server.url());
    config.stream.max_bytes = TOO_MUCH;
    names_the_limit(&refusal(&config).await);
    // An existing stream is not enlarged beyond it either.
    config.stream.max_bytes = 1_000_000_000;
    prepare(&config, 0).await.unwrap();
    config.stream.max_bytes = TOO_MUCH;
    names_the_limit(&refusal(&config).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_offers_too_little_is_not_waited_for() {
    let servers = NatsServer::start_cluster(3).await.unwrap();
    let mut config = clusters::config(&servers);
    config.stream.max_bytes = TOO_MUCH;
    names_the_limit(&refusal(&config).await);
}
