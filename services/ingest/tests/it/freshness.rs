//! Published collection freshness: which collections are silent, across leaders, and which process publishes it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanjet_cluster::freshness::Snapshot;
use fanjet_ingest::Candidacy;
use fanjet_log::ClusterState;
use fanjet_log::memory::{MemoryClusterState, MemoryLease, MemoryLog};
use fanjet_runtime::Clock;
use fanjet_simulator::{Rate, Simulator, SimulatorConfig, SimulatorHandle, Source};
use tokio::time::Instant;

use crate::harness::{PATIENCE, Running, candidate, world};

const LIKE: &str = "app.bsky.feed.like";
const POST: &str = "app.bsky.feed.post";

/// A clock on which an hour is over in some seconds.
struct FastClock(Instant);

impl FastClock {
    const FACTOR: u64 = 1500;

    fn start() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for FastClock {
    fn now_us(&self) -> u64 {
        let passed = u64::try_from(self.0.elapsed().as_micros()).unwrap();
        1_800_000_000_000_000 + passed * Self::FACTOR
    }
}

/// A simulator that never ends by itself.
async fn endless(seed: u64) -> SimulatorHandle {
    Simulator::start(SimulatorConfig {
        source: Source::World(world(seed, &[])),
        rate: Rate::PerSecond(400.0),
        wait_for_client: true,
        keep_expected: false,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap()
}

struct Cluster {
    simulator: SimulatorHandle,
    log: Arc<MemoryLog>,
    notices: Arc<MemoryClusterState>,
    clock: Arc<FastClock>,
}

impl Cluster {
    async fn start(seed: u64) -> Self {
        Self {
            simulator: endless(seed).await,
            log: Arc::new(MemoryLog::new()),
            notices: Arc::default(),
            clock: FastClock::start(),
        }
    }

    fn ingest(&self, candidacy: Candidacy) -> Running {
        let url = self.simulator.url();
        let notices = self.notices.clone();
        Running::launch_beside(
            candidacy,
            self.log.clone(),
            notices,
            self.clock.clone(),
            |config| {
                config.upstream.url = url;
                config.upstream.name = "simulator".to_owned();
                config.freshness.interval = Duration::from_millis(10);
                config.freshness.labelled_collections = 8;
            },
        )
    }

    /// Waits until a snapshot is published for which this holds.
    async fn published(&self, what: &str, is_so: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let published = async {
            loop {
                let value = self.notices.get("freshness").await.unwrap();
                let snapshot: Snapshot =
                    value.map_or_else(Snapshot::default, |it| serde_json::from_slice(&it).unwrap());
                if is_so(&snapshot) {
                    return snapshot;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let published = tokio::time::timeout(PATIENCE, published).await;
        published.unwrap_or_else(|_| panic!("never published: {what}"))
    }
}

fn silent(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.silent().map(|row| &*row.name).collect()
}

fn bound(snapshot: &Snapshot, name: &str) -> Option<f64> {
    let row = snapshot.rows.iter().find(|row| *row.name == *name);
    row.and_then(|row| row.usual().bound())
}

fn metric(running: &Running, name: &str, collection: &str) -> Option<f64> {
    let text = String::from_utf8(running.metrics.render().unwrap()).unwrap();
    let series = format!("{name}{{collection=\"{collection}\"}} ");
    text.lines()
        .find_map(|line| line.strip_prefix(&series)?.parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collection_that_an_upstream_drops_is_silent_and_no_other_is() {
    let cluster = Cluster::start(31).await;
    let ingest = cluster.ingest(Candidacy::alone("one").unwrap());
    let known = |it: &Snapshot| bound(it, LIKE).is_some() && bound(it, POST).is_some();
    let before = cluster.published("both are usual", known).await;
    assert!(!silent(&before).contains(&LIKE), "{:?}", silent(&before));
    assert_eq!(&*before.upstreams[0].name, "simulator");
    cluster.simulator.mute(Some(LIKE));
    let is_silent = |it: &Snapshot| silent(it).contains(&LIKE);
    let after = cluster.published("it is silent", is_silent).await;
    assert!(cluster.simulator.stats().muted > 0);
    assert!(!silent(&after).contains(&POST), "{:?}", silent(&after));
    // The metrics that alerts use agree.
    let [silence, bound] = ["silence", "silence_bound"].map(|name| {
        let name = format!("fanjet_ingest_collection_{name}_seconds");
        metric(&ingest, &name, LIKE).unwrap()
    });
    assert!(silence > bound, "{silence} is not above {bound}");
    let events = "fanjet_ingest_collection_events_total";
    assert!(metric(&ingest, events, POST).unwrap() > 0.0);
    assert!(metric(&ingest, events, "other").unwrap() > 0.0);
    let text = String::from_utf8(ingest.metrics.render().unwrap()).unwrap();
    let series = text.lines().filter(|line| line.starts_with(events));
    assert_eq!(series.count(), 9, "eight named collections, and the rest");

    cluster.simulator.mute(None);
    let is_back = |it: &Snapshot| !silent(it).contains(&LIKE);
    cluster.published("it is back", is_back).await;
    ingest.stop().await.unwrap();
}

/// Baselines survive a change of leaders. A standby exports none, so that no alert uses outdated ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_leader_continues() {
    let cluster = Cluster::start(32).await;
    let lease = MemoryLease::default();
    let first = cluster.ingest(candidate(&lease, "first"));
    first.wait_for_role("leader").await;
    let second = cluster.ingest(candidate(&lease, "second"));
    second.wait_for_role("standby").await;
    let known = |it: &Snapshot| bound(it, LIKE).is_some();
    let before = cluster.published("it is usual", known).await;
    assert_eq!(second.counted("fanjet_ingest_collections"), 0);
    assert!(first.counted("fanjet_ingest_collections") > 10);
    // From now on no events of it arrive: only the first leader's baseline shows that this is unusual.
    cluster.simulator.mute(Some(LIKE));
    first.stop().await.unwrap();
    second.wait_for_role("leader").await;
    let is_silent = |it: &Snapshot| silent(it).contains(&LIKE);
    let after = cluster.published("it is silent", is_silent).await;
    assert!(after.at > before.at, "the clock continues");
    let events = |it: &Snapshot| it.rows.iter().map(|row| row.events).sum::<u64>();
    assert!(events(&after) >= events(&before));
    second.stop().await.unwrap();
}

/// An unreadable snapshot costs the history, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreadable_history_is_restarted() {
    let cluster = Cluster::start(33).await;
    let nonsense = Bytes::from_static(b"{]");
    let hour = Duration::from_secs(3600);
    cluster
        .notices
        .publish("freshness", nonsense, hour)
        .await
        .unwrap();
    let ingest = cluster.ingest(Candidacy::alone("one").unwrap());
    ingest
        .until("it is published again", |it| {
            it.counted("fanjet_ingest_collections") > 0
        })
        .await;
    let published = async {
        loop {
            let value = cluster.notices.get("freshness").await.unwrap().unwrap();
            if serde_json::from_slice::<Snapshot>(&value).is_ok_and(|it| !it.rows.is_empty()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, published).await.unwrap();
    ingest.stop().await.unwrap();
}
