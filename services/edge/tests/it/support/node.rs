use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fanjet_edge::{Edge, EdgeConfig, EdgeDeps, EdgeError, EdgeHandle};
use fanjet_log::memory::MemoryClusterState;
use fanjet_runtime::{Stop, SystemClock};

use super::instruments::Instruments;
use super::{Client, FaultyLog, commit, time_of};

/// Far longer than any step takes; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running node and its log.
pub(crate) struct Node {
    pub(crate) log: FaultyLog,
    /// The cluster state that the node reads.
    pub(crate) cluster_state: Arc<MemoryClusterState>,
    pub(crate) handle: EdgeHandle,
    pub(crate) stop: Stop,
    instruments: Instruments,
    _disk: Option<tempfile::TempDir>,
}

impl Node {
    /// A node with test-sized settings over an empty log, ready to serve.
    pub(crate) async fn start() -> Self {
        Self::start_with(FaultyLog::new(), |_| {}).await
    }

    pub(crate) async fn start_with(log: FaultyLog, adjust: impl FnOnce(&mut EdgeConfig)) -> Self {
        let node = Self::start_unready(log, adjust);
        eventually("the node is ready", || node.handle.readiness().is_ready()).await;
        node
    }

    pub(crate) fn start_unready(log: FaultyLog, adjust: impl FnOnce(&mut EdgeConfig)) -> Self {
        let mut config = EdgeConfig::default();
        config.http.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.http.workers = 2;
        config.http.close_linger = Duration::ZERO;
        config.hub.promptness = 100;
        config.tail.retry_floor = Duration::from_millis(1);
        config.tail.retry_ceiling = Duration::from_millis(20);
        // The same tests with a local tier.
        let disk = std::env::var_os("FANJET_TEST_DISK").map(|_| tempfile::tempdir().unwrap());
        if let Some(disk) = &disk {
            config.disk.path = disk.path().to_owned();
            config.disk.max_bytes = 64 << 20;
            config.disk.fill = 1 << 30;
        }
        adjust(&mut config);
        let instruments = Instruments::new();
        let stop = Stop::new();
        let cluster_state = Arc::new(MemoryClusterState::default());
        let deps = EdgeDeps {
            tracer: None,
            log: Arc::new(log.clone()),
            cluster_state: cluster_state.clone(),
            clock: Arc::new(SystemClock),
            instance: "edge-of-test/1/0a".to_owned(),
        };
        let handle = Edge::start_in(config, deps, &instruments.meter(), stop.clone()).unwrap();
        Self {
            log,
            cluster_state,
            handle,
            stop,
            instruments,
            _disk: disk,
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.handle.addr()
    }

    pub(crate) async fn client(&self, query: &str) -> Client {
        Client::connect(self.addr(), query).await
    }

    /// The sum of a metric over its labels, or of one label's value.
    pub(crate) fn metric(&self, name: &str, reason: Option<&str>) -> f64 {
        self.instruments
            .sum(name, reason.map(|reason| ("reason", reason)))
    }

    /// One label's value of a metric.
    pub(crate) fn labelled(&self, name: &str, label: &str, value: &str) -> f64 {
        self.instruments.sum(name, Some((label, value)))
    }

    /// Waits until a metric has this value.
    pub(crate) async fn metric_becomes(&self, name: &str, reason: Option<&str>, value: f64) {
        eventually(&format!("{name} {reason:?} is {value}"), || {
            self.metric(name, reason) >= value
        })
        .await;
    }

    /// Waits until a gauge has fallen to this value.
    pub(crate) async fn metric_falls_to(&self, name: &str, value: f64) {
        eventually(&format!("{name} is {value}"), || {
            self.metric(name, None) <= value
        })
        .await;
    }

    /// Waits until the node knows that the log begins with this seq.
    pub(crate) async fn knows_its_oldest(&self, seq: u64) {
        let wanted = Some(time_of(seq).to_string());
        // Served by every node of these tests.
        let query = "?wantedCollections=app.bsky.feed.post";
        for _ in 0..1000 {
            let (_, oldest) =
                Client::connect_and_ask(self.addr(), query, "x-fanjet-oldest-cursor").await;
            if oldest == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the oldest event never became known");
    }

    /// Waits until everything appended so far is in the ring.
    pub(crate) async fn tail_caught_up(&self) {
        let last = self.log.last() as f64;
        self.metric_becomes(fanjet_edge::metrics::TAIL_SEQ, None, last)
            .await;
    }

    /// Appends an event that passes every filter of the tests, as a marker for clients.
    pub(crate) fn append_one(&self, collection: &str, did: &str) -> fanjet_log::Entry {
        self.log.append([commit(collection, did)]).remove(0)
    }

    /// Stops the node and waits until it has ended.
    pub(crate) async fn stop(self) -> Result<(), EdgeError> {
        self.stop.cancel();
        self.handle.join().await
    }
}

/// Waits for a condition.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(in_time.is_ok(), "never held: {what}");
}
