//! Three servers; one loses its disk and another one's is full: the log continues and is complete.

use std::time::Duration;

use async_nats::jetstream;
use fanjet_log::contract::sized_event;
use fanjet_log::{EventLog, NewEvent};
use fanjet_log_nats::{NatsConfig, NatsLog};
use fanjet_testkit::NatsServer;
use tokio::sync::watch;

use crate::clusters::{config, connect, leader};
use crate::lost_servers::write_all;
use crate::support::{self, within};

/// Writes up to this many events, whatever the servers do meanwhile.
async fn write(log: &NatsLog, written: &[NewEvent]) {
    let (acked, _progress) = watch::channel(0);
    Box::pin(within("the writing", write_all(log, written, acked))).await;
}

/// Waits until every replica of the stream is complete.
async fn is_copied(servers: &[NatsServer], config: &NatsConfig, through: usize) {
    within("every copy is current", async {
        loop {
            if has_all(&servers[through], config).await.unwrap_or(false) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
}

async fn has_all(server: &NatsServer, config: &NatsConfig) -> anyhow::Result<bool> {
    let admin = jetstream::new(async_nats::connect(server.url()).await?);
    let stream = admin.get_stream(&config.stream.name).await?;
    let cluster = stream.cached_info().cluster.clone();
    Ok(cluster.is_some_and(|cluster| {
        cluster.leader.is_some()
            && cluster.replicas.len() == 2
            && cluster.replicas.iter().all(|it| it.current && !it.offline)
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wiped_and_a_full_store_lose_and_repeat_nothing() {
    let mut servers = NatsServer::start_cluster(3).await.unwrap();
    let mut config = config(&servers);
    config.stream.compression = fanjet_log_nats::Compression::None;
    let log = connect(&config).await;
    let written: Vec<_> = (0..3_000).map(|n| sized_event(n, 10_000)).collect();
    write(&log, &written[..500]).await;

    // A follower returns with an empty disk, and then the leader does.
    for (round, is_leader) in [(1, false), (2, true)] {
        let first = leader(&servers, &config).await;
        let wiped = if is_leader { first } else { (first + 1) % 3 };
        servers[wiped].kill().await.unwrap();
        std::fs::remove_dir_all(servers[wiped].folder().join("store")).unwrap();
        write(&log, &written[..500 * round + 250]).await;
        servers[wiped].restart().await.unwrap();
        write(&log, &written[..500 * (round + 1)]).await;
        is_copied(&servers, &config, (wiped + 1) % 3).await;
    }
    support::assert_entries(&support::all(&log).await, &written[..1500]);

    // The disk of one is full: 15 MB are available, and as many are written.
    let full = (leader(&servers, &config).await + 1) % 3;
    let store = servers[full].folder().join("store");
    let limits = |max_file: &str| {
        format!("jetstream {{ store_dir: {store:?}, max_mem: 256M, max_file: {max_file} }}")
    };
    let cluster = servers[full].extra_config().to_owned();
    let with = |limits: String| format!("{cluster}\n{limits}");
    let small = with(limits("20MB"));
    servers[full].reconfigure(&small).await.unwrap();
    write(&log, &written).await;
    support::assert_entries(&support::all(&log).await, &written);
    let wide = with(limits("20G"));
    servers[full].reconfigure(&wide).await.unwrap();
    is_copied(&servers, &config, (full + 1) % 3).await;
    // The replica that was full is as good as the others.
    let other = (full + 1) % 3;
    servers[other].kill().await.unwrap();
    let end = within("the end", crate::lost_servers::end_of(&log)).await;
    assert_eq!(end, 3_000);
    support::assert_entries(&support::all(&log).await, &written);
    assert_eq!(log.skipped_seqs(), fanjet_log::SkippedSeqs::default());
}
