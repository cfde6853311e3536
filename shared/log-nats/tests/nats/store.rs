//! Values that expire, in a bucket on real servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::jetstream::{self, kv};
use bytes::Bytes;
use fanjet_log::contract::a_store_keeps_what_it_is_given;
use fanjet_log::{ExpiringStore, StoreError};
use fanjet_log_nats::{BucketConfig, NatsConfig, NatsLog, NatsStore};
use fanjet_testkit::NatsServer;

use crate::support::{self, within};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A bucket that no other test has.
fn bucket() -> BucketConfig {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    BucketConfig {
        name: format!("B{}", COUNT.fetch_add(1, Ordering::Relaxed)),
        ..BucketConfig::default()
    }
}

/// How far the store's clock is ahead, in microseconds.
type Ahead = Arc<AtomicU64>;

async fn open(server: &NatsServer, config: &BucketConfig, ahead: &Ahead) -> NatsStore {
    let settings = NatsConfig {
        request_timeout: Duration::from_secs(1),
        ..support::config(&server.url())
    };
    let log = NatsLog::connect(settings).await.unwrap();
    let ahead = Arc::clone(ahead);
    NatsStore::new(&log, config.clone(), move || {
        now_us() + ahead.load(Ordering::SeqCst)
    })
}

#[allow(
    clippy::disallowed_methods,
    reason = "what the server's clock shows, too"
)]
fn now_us() -> u64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_micros()).unwrap()
}

async fn admin(server: &NatsServer) -> jetstream::Context {
    jetstream::new(async_nats::connect(server.url()).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_for_two_processes() {
    let server = NatsServer::shared().await.unwrap();
    let config = bucket();
    let here = open(&server, &config, &Ahead::default()).await;
    let there = open(&server, &config, &Ahead::default()).await;
    a_store_keeps_what_it_is_given(&[&here, &there]).await;
    let kv = admin(&server)
        .await
        .get_key_value(&config.name)
        .await
        .unwrap();
    let status = kv.status().await.unwrap();
    assert_eq!((status.history(), status.max_age()), (1, DAY));
    // It is a bucket as any other.
    assert_eq!(kv.get("key-0_K").await.unwrap().unwrap(), "value 0");
    kv.delete("key-0_K").await.unwrap();
    assert_eq!(here.get("key-0_K").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_is_used_late_begins_anew() {
    let server = NatsServer::shared().await.unwrap();
    let (config, ahead) = (bucket(), Ahead::default());
    let store = open(&server, &config, &ahead).await;
    assert_eq!(store.put("a", "x".into()).await.unwrap(), DAY);
    let admin = admin(&server).await;
    let kv = admin.get_key_value(&config.name).await.unwrap();
    let revision = async || kv.entry("a").await.unwrap().unwrap().revision;
    let first = revision().await;
    let left = store.put("a", "x".into()).await.unwrap();
    assert!(left <= DAY && left > DAY / 2, "{left:?}");
    store.get("a").await.unwrap().unwrap();
    assert_eq!(
        revision().await,
        first,
        "nothing is written while it is young"
    );
    ahead.store(
        u64::try_from(DAY.as_micros() / 2).unwrap(),
        Ordering::SeqCst,
    );
    store.get("a").await.unwrap().unwrap();
    assert_eq!(revision().await, first + 1);
    assert_eq!(store.put("a", "x".into()).await.unwrap(), DAY);
    assert_eq!(revision().await, first + 2);
    ahead.store(
        u64::try_from(DAY.as_micros() + 5_000_000).unwrap(),
        Ordering::SeqCst,
    );
    assert_eq!(store.get("a").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_vanishes_is_made_again() {
    let server = NatsServer::shared().await.unwrap();
    let config = bucket();
    let store = open(&server, &config, &Ahead::default()).await;
    store.put("a", "x".into()).await.unwrap();
    let admin = admin(&server).await;
    for _ in 0..2 {
        admin.delete_key_value(&config.name).await.unwrap();
        store.put("b", "y".into()).await.unwrap();
        assert_eq!(store.get("b").await.unwrap(), Some(Bytes::from("y")));
        assert_eq!(store.get("a").await.unwrap(), None);
    }
    admin.delete_key_value(&config.name).await.unwrap();
    assert_eq!(store.get("b").await.unwrap(), None);
    store.put("b", "y".into()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operator_set_up_counts() {
    let server = NatsServer::shared().await.unwrap();
    let config = BucketConfig {
        create: false,
        ..bucket()
    };
    let store = open(&server, &config, &Ahead::default()).await;
    for failure in [
        store.get("a").await.unwrap_err(),
        store.put("a", "x".into()).await.unwrap_err(),
    ] {
        assert!(matches!(failure, StoreError::Misconfigured(_)), "{failure}");
        assert!(failure.to_string().contains(&config.name), "{failure}");
    }
    let admin = admin(&server).await;
    let made = kv::Config {
        bucket: config.name.clone(),
        max_age: Duration::from_secs(3600),
        max_bytes: 10_000,
        ..kv::Config::default()
    };
    admin.create_key_value(made).await.unwrap();
    assert_eq!(
        store.put("a", vec![b'x'; 6_000].into()).await.unwrap(),
        Duration::from_secs(3600)
    );
    let full = store.put("b", vec![b'x'; 6_000].into()).await;
    assert!(matches!(full, Err(StoreError::Full)), "{full:?}");
    assert!(store.get("a").await.unwrap().is_some());

    let forever = bucket();
    let made = kv::Config {
        bucket: forever.name.clone(),
        ..kv::Config::default()
    };
    admin.create_key_value(made).await.unwrap();
    let store = open(&server, &forever, &Ahead::default()).await;
    let failure = store.get("a").await.unwrap_err();
    assert!(failure.to_string().contains("max_age"), "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_is_unavailable_and_comes_back() {
    let mut server = NatsServer::start().await.unwrap();
    let store = open(&server, &bucket(), &Ahead::default()).await;
    store.put("a", "x".into()).await.unwrap();
    server.kill().await.unwrap();
    for failure in [
        within("a get", store.get("a")).await.unwrap_err(),
        within("a put", store.put("b", "y".into()))
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(failure, StoreError::Unavailable(_)), "{failure}");
    }
    server.restart().await.unwrap();
    within("it comes back", async {
        while store.get("a").await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(store.get("a").await.unwrap(), Some(Bytes::from("x")));
    within("it takes more", async {
        while store.put("b", "y".into()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
