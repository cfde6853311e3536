//! Bookmarks in the lease's bucket.

use async_nats::jetstream;
use fanjet_log::contract::bookmarks_are_found_again;
use fanjet_log::{Bookmarks, LogError};
use fanjet_log_nats::{NatsBookmarks, NatsConfig, NatsLog};
use fanjet_testkit::NatsServer;

use crate::support;

async fn bookmarks(config: &NatsConfig) -> NatsBookmarks {
    let log = NatsLog::connect(config.clone()).await.unwrap();
    NatsBookmarks::of(&log).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_keep_the_contract_for_two_processes() {
    let server = NatsServer::shared().await.unwrap();
    let config = support::config(&server.url());
    // Another log's bookmarks are separate.
    let other = bookmarks(&support::config(&server.url())).await;
    other.set("one", "other".into()).await.unwrap();
    let (here, there) = (bookmarks(&config).await, bookmarks(&config).await);
    bookmarks_are_found_again(&here, &there).await;
    assert_eq!(other.get("one").await.unwrap().unwrap(), "other");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_is_not_there_is_made_or_waited_for() {
    let server = NatsServer::start().await.unwrap();
    let config = support::config(&server.url());
    let here = bookmarks(&config).await;
    assert_eq!(here.get("a").await.unwrap(), None);
    let mut may_not = config.clone();
    may_not.stream.create = false;
    let other = bookmarks(&may_not).await;
    let refused = other.set("a", "x".into()).await.unwrap_err();
    assert!(matches!(refused, LogError::Unavailable(_)), "{refused}");
    here.set("a", "x".into()).await.unwrap();
    assert_eq!(other.get("a").await.unwrap().unwrap(), "x");
    // Deleted by hand: the result is an empty bookmark.
    let admin = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let bucket = admin.get_key_value(&config.lease_bucket).await.unwrap();
    let key = format!("bookmark.{}.a", config.stream.name);
    bucket.delete(&key).await.unwrap();
    assert_eq!(here.get("a").await.unwrap(), None);
}
