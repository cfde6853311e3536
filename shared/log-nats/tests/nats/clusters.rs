//! A stream with three replicas. Everything in one test: a cluster takes seconds to elect a leader.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use fanjet_log::EventLog;
use fanjet_log::contract::{self, Opened, OpenedLease, events};
use fanjet_log::lease::HolderId;
use fanjet_log_nats::{NatsConfig, NatsLog, ServerUrl};
use fanjet_testkit::NatsServer;
use tokio::sync::watch;

use crate::lost_servers::{follow_all, reaches, write_all};
use crate::support::{self, within};

pub(crate) fn config(servers: &[NatsServer]) -> NatsConfig {
    let mut config = support::config("");
    config.url = servers.iter().map(|it| ServerUrl::new(it.url())).collect();
    config.ack_timeout = Duration::from_secs(1);
    config.stream.replicas = 3;
    config
}

/// Connects as soon as the cluster has a leader.
pub(crate) async fn connect(config: &NatsConfig) -> NatsLog {
    within("a cluster", async {
        loop {
            if let Ok(log) = NatsLog::connect(config.clone()).await {
                return log;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await
}

/// The number of the server that leads the stream.
pub(crate) async fn leader(servers: &[NatsServer], config: &NatsConfig) -> usize {
    let admin = jetstream::new(async_nats::connect(servers[0].url()).await.unwrap());
    let stream = admin.get_stream(&config.stream.name).await.unwrap();
    let leader = stream
        .cached_info()
        .cluster
        .as_ref()
        .unwrap()
        .leader
        .clone();
    let is_leader = |server: &NatsServer| Some(server.name()) == leader.as_deref();
    servers.iter().position(is_leader).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_fence_like_one_and_outlive_their_leader() {
    let mut servers = NatsServer::start_cluster(3).await.unwrap();
    let config_of_first = config(&servers);
    let log = connect(&config_of_first).await;
    let identity = log.identity().await.unwrap();

    let open = async || Opened::new(connect(&config(&servers)).await);
    contract::ten_thousand_events_are_pipelined_in_order(&open).await;
    contract::of_two_appenders_at_one_place_one_is_fenced(&open).await;
    contract::a_fenced_pipeline_stores_nothing_more(&open).await;
    contract::racing_pipelines_leave_one_unbroken_history_each(&open).await;
    contract::a_stale_and_a_premature_appender_are_fenced(&open).await;
    contract::after_an_error_a_new_appender_continues_from_last(&open).await;
    contract::a_large_body_is_kept(&open).await;
    contract::a_reader_sees_what_a_flush_acknowledged(&open).await;
    contract::selections_read_exactly_what_they_match(&open).await;
    contract::seq_at_finds_every_place(&open).await;

    let open_lease = async || OpenedLease {
        store: Arc::new(connect(&config(&servers)).await.lease().await.unwrap()),
        shortest_ttl: Duration::from_secs(1),
        keep: Box::new(()),
    };
    // A new bucket has no leader for a moment.
    let first = open_lease().await.store;
    let anybody = HolderId::new("anybody").unwrap();
    within("a bucket", async {
        while first
            .try_acquire(&anybody, Duration::from_secs(1))
            .await
            .is_err()
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    contract::one_of_many_gets_a_free_lease(&open_lease).await;
    contract::an_abandoned_lease_ends_after_its_time(&open_lease).await;
    contract::a_watch_sees_a_lease_run_out(&open_lease).await;
    contract::a_released_lease_is_free_at_once(&open_lease).await;
    contract::racing_holders_never_hold_it_together(&open_lease).await;

    let written = events(0, 20_000);
    let (acked, mut progress) = watch::channel(0);
    let kill = async {
        reaches(&mut progress, 4_000).await;
        let leader = leader(&servers, &config_of_first).await;
        servers[leader].kill().await.unwrap();
        reaches(&mut progress, 12_000).await;
        servers[leader].restart().await.unwrap();
    };
    let work = async {
        tokio::join!(
            write_all(&log, &written, acked),
            follow_all(&log, written.len()),
            kill
        )
    };
    let (failed, (followed, _), ()) = Box::pin(within("the end", work)).await;
    assert!(!failed.is_empty(), "the leader's end was noticed");
    support::assert_entries(&support::all(&log).await, &written);
    support::assert_entries(&followed, &written);

    // The log has the same identity on every leader, and with other limits.
    let admin = jetstream::new(async_nats::connect(servers[0].url()).await.unwrap());
    let name = &config_of_first.stream.name;
    let mut limited = admin.get_stream(name).await.unwrap();
    let mut changed = limited.info().await.unwrap().config.clone();
    changed.max_age = Duration::from_secs(7200);
    admin.update_stream(&changed).await.unwrap();
    let mut leaders = std::collections::BTreeSet::new();
    within("every replica leads", async {
        while leaders.len() < servers.len() {
            if let Ok(found) = log.identity().await {
                assert_eq!(found, identity);
                let cluster = limited.info().await.map(|info| info.cluster.clone());
                leaders.extend(cluster.ok().flatten().and_then(|it| it.leader));
                let subject = format!("STREAM.LEADER.STEPDOWN.{name}");
                let _ignored: Result<serde_json::Value, _> = admin.request(subject, &()).await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;

    // Servers that are still starting are missing, too, and will follow.
    let mut too_few = config(&servers);
    too_few.stream.replicas = 5;
    let error = NatsLog::connect(too_few).await.unwrap_err();
    assert!(error.to_string().contains("no suitable peers"), "{error}");
    assert!(error.is_retryable(), "{error}");
}
