//! The lease in a bucket: its contract, and the actions of operators.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{self, kv};
use fanjet_config::Secret;
use fanjet_log::contract::{OpenedLease, events};
use fanjet_log::lease::{HolderId, LeaseStore};
use fanjet_log::{EventLog, LogError};
use fanjet_log_nats::{NatsConfig, NatsLease, NatsLog, ServerUrl};
use fanjet_testkit::NatsServer;
use futures::StreamExt;

use crate::support::{self, within};

const TTL: Duration = Duration::from_secs(60);

async fn open() -> OpenedLease {
    let server = NatsServer::shared().await.unwrap();
    OpenedLease {
        store: Arc::new(lease(&support::config(&server.url())).await),
        shortest_ttl: Duration::from_secs(1),
        keep: Box::new(server),
    }
}

async fn lease(config: &NatsConfig) -> NatsLease {
    let log = NatsLog::connect(config.clone()).await.unwrap();
    log.lease().await.unwrap()
}

fn holder(name: &str) -> HolderId {
    HolderId::new(name).unwrap()
}

async fn bucket(server: &NatsServer, name: &str) -> kv::Store {
    let admin = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    admin.get_key_value(name).await.unwrap()
}

mod contract {
    fanjet_log::lease_contract_tests!(super::open);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_deleted_by_an_operator_is_a_lost_lease() {
    let server = NatsServer::start().await.unwrap();
    let config = support::config(&server.url());
    let lease = lease(&config).await;
    let term = lease.try_acquire(&holder("a"), TTL).await.unwrap().unwrap();
    let mut holders = lease.watch().await.unwrap();
    assert_eq!(holders.next().await.unwrap().unwrap(), Some(holder("a")));
    let bucket = bucket(&server, &config.lease_bucket).await;
    let key = format!("ingest.{}", config.stream.name);
    let value = bucket.get(&key).await.unwrap().unwrap();
    assert_eq!(value, "a", "operators can read who leads");
    bucket.delete(&key).await.unwrap();
    let seen = within("the watch sees it", holders.next()).await;
    assert_eq!(seen.unwrap().unwrap(), None);
    assert_eq!(lease.renew(&term, TTL).await.unwrap(), None);
    let next = lease.try_acquire(&holder("b"), TTL).await.unwrap();
    assert_eq!(next.unwrap().holder, holder("b"));
    // Without leaving a marker, too.
    bucket.stream.purge().await.unwrap();
    assert!(
        lease
            .try_acquire(&holder("c"), TTL)
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_can_keep_everybody_out() {
    let server = NatsServer::shared().await.unwrap();
    let config = support::config(&server.url());
    let lease = lease(&config).await;
    lease.try_acquire(&holder("a"), TTL).await.unwrap().unwrap();
    let bucket = bucket(&server, &config.lease_bucket).await;
    let key = format!("ingest.{}", config.stream.name);
    bucket.put(&key, "maintenance".into()).await.unwrap();
    assert_eq!(lease.try_acquire(&holder("a"), TTL).await.unwrap(), None);
    bucket.delete(&key).await.unwrap();
    assert!(
        lease
            .try_acquire(&holder("a"), TTL)
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_bucket_is_made_again() {
    let server = NatsServer::start().await.unwrap();
    let config = support::config(&server.url());
    let lease = lease(&config).await;
    let term = lease.try_acquire(&holder("a"), TTL).await.unwrap().unwrap();
    let admin = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    admin.delete_key_value(&config.lease_bucket).await.unwrap();
    let error = lease.renew(&term, TTL).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(
        lease
            .try_acquire(&holder("b"), TTL)
            .await
            .unwrap()
            .is_some()
    );
}

/// A service without the permission waits for another process to create the bucket.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_bucket_that_others_make_is_waited_for() {
    let server = NatsServer::start().await.unwrap();
    let mut config = support::config(&server.url());
    let admin = lease(&config).await;
    let term = admin.try_acquire(&holder("x"), TTL).await.unwrap().unwrap();
    admin.release(&term).await.unwrap();
    config.stream.create = false;
    let lease = lease(&config).await;
    let term = lease.try_acquire(&holder("a"), TTL).await.unwrap().unwrap();
    let made = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    made.delete_key_value(&config.lease_bucket).await.unwrap();
    for _ in 0..2 {
        let error = lease.renew(&term, TTL).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        let error = lease.try_acquire(&holder("a"), TTL).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert!(lease.watch().await.err().unwrap().is_retryable());
    }
    let again = within("it is made again", async {
        loop {
            if let Ok(term) = admin.try_acquire(&holder("x"), TTL).await {
                return term.unwrap();
            }
        }
    });
    admin.release(&again.await).await.unwrap();
    let term = lease.try_acquire(&holder("a"), TTL).await.unwrap();
    assert_eq!(term.unwrap().holder, holder("a"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_bucket_is_unavailable_until_there_is_room() {
    let server = NatsServer::start().await.unwrap();
    let config = support::config(&server.url());
    let lease = lease(&config).await;
    let term = lease.try_acquire(&holder("a"), TTL).await.unwrap().unwrap();
    let bucket = bucket(&server, &config.lease_bucket).await;
    let admin = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let before = bucket.stream.cached_info().config.clone();
    let mut full = before.clone();
    full.max_bytes = 1;
    admin.update_stream(&full).await.unwrap();
    // The holder replaces its own earlier value.
    let term = lease.renew(&term, TTL).await.unwrap().unwrap();
    assert_eq!(term.holder, holder("a"));
    bucket.stream.purge().await.unwrap();
    for _ in 0..2 {
        let error = lease.try_acquire(&holder("a"), TTL).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert!(error.to_string().contains("maximum bytes"), "{error}");
    }
    admin.update_stream(&before).await.unwrap();
    let term = lease.try_acquire(&holder("a"), TTL).await.unwrap();
    assert_eq!(term.unwrap().holder, holder("a"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_whose_keys_cannot_end_is_refused() {
    let server = NatsServer::start().await.unwrap();
    let admin = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let plain = kv::Config {
        bucket: "plain".to_owned(),
        ..kv::Config::default()
    };
    admin.create_key_value(plain).await.unwrap();
    let mut config = support::config(&server.url());
    config.lease_bucket = "plain".to_owned();
    let error = lease(&config).await.try_acquire(&holder("a"), TTL).await;
    let error = error.unwrap_err();
    assert!(matches!(error, LogError::Misconfigured(_)), "{error}");
    assert!(error.to_string().contains("allow_msg_ttl"), "{error}");

    for name in ["", "a.b", "a b", ">"] {
        config.lease_bucket = name.to_owned();
        let log = NatsLog::connect(config.clone()).await.unwrap();
        let error = log.lease().await.unwrap_err();
        assert!(matches!(error, LogError::Misconfigured(_)), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_makes_the_lease_unavailable_and_ends_the_watch() {
    let server = NatsServer::start().await.unwrap();
    let mut config = support::config(&server.url());
    config.request_timeout = Duration::from_secs(1);
    let lease = lease(&config).await;
    let term = lease.try_acquire(&holder("a"), TTL).await.unwrap().unwrap();
    let mut holders = lease.watch().await.unwrap();
    assert!(holders.next().await.unwrap().unwrap().is_some());
    server.freeze().await.unwrap();
    let error = lease.renew(&term, TTL).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    let error = within("silence is noticed", holders.next()).await;
    assert!(error.unwrap().is_err());
    assert!(holders.next().await.is_none());
    server.thaw().unwrap();
    // The renewal that was canceled may have been stored: it was the holder's, so nothing is lost.
    let renewed = within("it is back", async {
        loop {
            if let Ok(renewed) = lease.renew(&term, TTL).await {
                return renewed;
            }
        }
    });
    assert_eq!(renewed.await.unwrap().holder, holder("a"));
}

/// The rights that docs/operate/nats.md names for an ingest are enough.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ingest_needs_only_the_rights_that_are_documented() {
    let rights = [
        "atp.>",
        "$JS.API.STREAM.INFO.ATP",
        "$JS.API.STREAM.MSG.GET.ATP",
        "$JS.API.DIRECT.GET.ATP",
        "$KV.fanjet.ingest.ATP",
        "$JS.API.STREAM.INFO.KV_fanjet",
        "$JS.API.STREAM.MSG.GET.KV_fanjet",
        "$JS.API.CONSUMER.CREATE.KV_fanjet.>",
        "$JS.API.CONSUMER.DELETE.KV_fanjet.>",
    ];
    let users = format!(
        "authorization {{ users: [\n\
         {{ user: admin, password: a }}\n\
         {{ user: ingest, password: i, permissions {{ publish {{ allow: {rights:?} }}, \
         subscribe {{ allow: [\"_INBOX.>\"] }} }} }}\n] }}"
    );
    let server = NatsServer::start_with(&users).await.unwrap();
    let config = |user: &str, password: &str, create| {
        let mut config = NatsConfig {
            url: vec![ServerUrl::new(server.url())],
            user: Some(user.to_owned()),
            password: Some(Secret::new(password)),
            request_timeout: Duration::from_secs(10),
            ..NatsConfig::default()
        };
        config.stream.create = create;
        config
    };
    let admin = lease(&config("admin", "a", true)).await;
    let made = admin.try_acquire(&holder("x"), TTL).await.unwrap().unwrap();
    admin.release(&made).await.unwrap();

    let config = config("ingest", "i", false);
    let log = NatsLog::connect(config).await.unwrap();
    let lease = log.lease().await.unwrap();
    let mut holders = lease.watch().await.unwrap();
    assert_eq!(holders.next().await.unwrap().unwrap(), None);
    let term = lease.try_acquire(&holder("a"), TTL).await.unwrap().unwrap();
    let term = lease.renew(&term, TTL).await.unwrap().unwrap();
    let seen = within("the watch sees it", holders.next()).await;
    assert_eq!(seen.unwrap().unwrap(), Some(holder("a")));
    let mut appender = log.appender(0).await.unwrap();
    appender.append(&events(0, 10)).await.unwrap();
    assert_eq!(appender.flush().await.unwrap(), 10);
    assert_eq!(log.last().await.unwrap().unwrap().seq, 10);
    lease.release(&term).await.unwrap();
}
