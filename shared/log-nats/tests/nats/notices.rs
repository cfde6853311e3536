//! The cluster state in the lease's bucket.

use std::time::Duration;

use async_nats::jetstream;
use fanjet_log::contract::cluster_state_serves_the_newest_value;
use fanjet_log::{ClusterState, StoreError};
use fanjet_log_nats::{NatsClusterState, NatsConfig, NatsLog};
use fanjet_testkit::NatsServer;

use crate::support::{self, within};

const LONG: Duration = Duration::from_secs(3600);

async fn board(config: &NatsConfig) -> NatsClusterState {
    let log = NatsLog::connect(config.clone()).await.unwrap();
    NatsClusterState::of(&log).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_for_two_processes() {
    let server = NatsServer::shared().await.unwrap();
    let config = support::config(&server.url());
    let (here, there) = (board(&config).await, board(&config).await);
    // Another log's cluster state, and the lease, are separate.
    let other = board(&support::config(&server.url())).await;
    other.publish("common", "other".into(), LONG).await.unwrap();
    cluster_state_serves_the_newest_value(&[&here, &there]).await;
    assert_eq!(other.all().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_is_not_there_is_made_or_waited_for() {
    let server = NatsServer::start().await.unwrap();
    let config = support::config(&server.url());
    let board = board(&config).await;
    assert_eq!(board.get("a").await.unwrap(), None);
    assert!(board.all().await.unwrap().is_empty());
    let mut may_not = config.clone();
    may_not.stream.create = false;
    let other = self::board(&may_not).await;
    let refused = other.publish("a", "x".into(), LONG).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
    board.publish("a", "x".into(), LONG).await.unwrap();
    other.publish("b", "y".into(), LONG).await.unwrap();
    assert_eq!(board.all().await.unwrap().len(), 2);
    let admin = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    admin.delete_key_value(&config.lease_bucket).await.unwrap();
    assert_eq!(board.get("a").await.unwrap(), None);
    board.publish("a", "z".into(), LONG).await.unwrap();
    assert_eq!(board.get("a").await.unwrap().unwrap(), "z");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_down_is_unavailable_and_recovers() {
    let mut server = NatsServer::start().await.unwrap();
    let board = board(&NatsConfig {
        request_timeout: Duration::from_secs(1),
        ..support::config(&server.url())
    })
    .await;
    board.publish("a", "x".into(), LONG).await.unwrap();
    server.kill().await.unwrap();
    for failure in [
        within("a get", board.get("a")).await.unwrap_err(),
        within("all", board.all()).await.unwrap_err(),
        within("a post", board.publish("a", "y".into(), LONG))
            .await
            .unwrap_err(),
    ] {
        assert!(failure.is_retryable(), "{failure}");
    }
    server.restart().await.unwrap();
    within("the server recovers", async {
        while board.publish("b", "y".into(), LONG).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    // A rejected publish may still have been in flight.
    let value = board.get("a").await.unwrap().unwrap();
    assert!(value == "x" || value == "y", "{value:?}");
}
