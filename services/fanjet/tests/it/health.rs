//! The truth table of health: the responses of `/livez`, `/readyz` and `/startupz` of ingest and edge under real faults, over
//! real NATS. The table is in docs/operate/health.md.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fanjet_edge::{Edge, EdgeDeps, EdgeHandle};
use fanjet_ingest::{Candidacy, Ingest, IngestError};
use fanjet_log_nats::{NatsClusterState, NatsConfig, NatsLog, ServerUrl};
use fanjet_runtime::{OnFailure, Stop, SystemClock, Tasks};
use fanjet_simulator::{Rate, SimulatorHandle};
use fanjet_telemetry::{Health, Metrics, OpsConfig, OpsServer};
use fanjet_testkit::NatsServer;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::harness::{PATIENCE, simulator};
use crate::least_privilege::{edge_config, ingest_settings};

/// How long an edge may be without the log's end.
const FRESH_WITHIN: Duration = Duration::from_secs(3);

/// One service's ops port.
pub(crate) struct Ops {
    address: SocketAddr,
    tasks: Tasks,
    stop: Stop,
}

impl Ops {
    fn serve(metrics: Metrics, health: Health) -> Self {
        let listen = ([127, 0, 0, 1], 0).into();
        let server = OpsServer::bind(&OpsConfig { listen }, metrics, health).unwrap();
        let (address, stop) = (server.address(), Stop::new());
        let mut tasks = Tasks::new(stop.clone());
        tasks.spawn("ops", OnFailure::StopAll, server.run(stop.clone()));
        Self {
            address,
            tasks,
            stop,
        }
    }

    /// Status and body.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap())
    }

    /// The parts that it waits for. Empty if it is ready.
    pub(crate) async fn missing(&self) -> Vec<String> {
        let (status, report) = self.get("/readyz").await;
        let missing = report["missing"].as_object().unwrap();
        assert_eq!(status == 200, missing.is_empty(), "{status} {report}");
        assert_eq!(report["ready"], missing.is_empty());
        missing.keys().cloned().collect()
    }

    /// Waits until it waits for one of these parts. It stays live and started.
    pub(crate) async fn waits_for(&self, parts: &[&str]) {
        self.until(parts, |missing| {
            missing.iter().any(|it| parts.contains(&it.as_str()))
        })
        .await;
    }

    pub(crate) async fn is_ready(&self) {
        self.until(&[], <[String]>::is_empty).await;
    }

    async fn until(&self, parts: &[&str], is_so: impl Fn(&[String]) -> bool) {
        let begun = Instant::now();
        loop {
            self.is_alive_and_started().await;
            let missing = self.missing().await;
            if is_so(&missing) {
                return;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{missing:?} instead of {parts:?}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn is_alive_and_started(&self) {
        assert_eq!(self.get("/livez").await.0, 200);
        assert_eq!(self.get("/startupz").await.0, 200);
    }

    async fn end(self) {
        self.stop.cancel();
        self.tasks.join().await.unwrap();
    }
}

pub(crate) struct Cluster {
    pub(crate) server: NatsServer,
    pub(crate) simulator: SimulatorHandle,
    stop: Stop,
    ingesting: Tasks,
    pub(crate) edge: EdgeHandle,
    pub(crate) ingest_ops: Ops,
    pub(crate) edge_ops: Ops,
}

impl Cluster {
    /// Both services, ready, with a running stream.
    pub(crate) async fn start(seed: u64) -> Self {
        Self::start_over(NatsServer::start().await.unwrap(), seed).await
    }

    /// With another server.
    pub(crate) async fn start_over(server: NatsServer, seed: u64) -> Self {
        let simulator = simulator(seed, 1_000_000, Rate::PerSecond(100.0)).await;
        let stop = Stop::new();
        let log = NatsLog::connect(nats(&server)).await.unwrap();
        let mut settings = ingest_settings(&simulator.url());
        settings.lease.ttl = Duration::from_secs(2);
        settings.lease.renew_interval = Duration::from_millis(200);
        settings.upstream.reconnect_min = Duration::from_millis(10);
        settings.upstream.reconnect_max = Duration::from_millis(100);
        let lease = Arc::new(log.lease().await.unwrap());
        let metrics = Metrics::new().unwrap();
        let ingest = Ingest::new(
            settings.clone(),
            Arc::new(log),
            Arc::new(SystemClock),
            &metrics.meter("ingest"),
        )
        .unwrap();
        let ingest_ops = Ops::serve(metrics, ingest.health());
        let (status, report) = ingest_ops.get("/startupz").await;
        assert_eq!((status, &report["ready"]), (503, &Value::Bool(false)));
        let candidacy = Candidacy::shared(lease, "first", &settings.lease).unwrap();
        let mut ingesting = Tasks::new(stop.clone());
        let running = ingest.run(candidacy, stop.clone());
        ingesting.spawn("ingest", OnFailure::Log, async {
            running.await?;
            Ok::<(), IngestError>(())
        });

        let log = NatsLog::connect(nats(&server)).await.unwrap();
        let mut config = edge_config();
        config.tail.fresh_within = FRESH_WITHIN;
        config.drain.grace = Duration::from_secs(2);
        let metrics = Metrics::new().unwrap();
        let deps = EdgeDeps {
            tracer: None,
            cluster_state: Arc::new(NatsClusterState::of(&log).await.unwrap()),
            log: Arc::new(log),
            clock: Arc::new(SystemClock),
            instance: "edge".to_owned(),
        };
        let started = Edge::start_in(config, deps, &metrics.meter("edge"), stop.clone());
        let edge = started.unwrap();
        let edge_ops = Ops::serve(metrics, edge.health());
        let cluster = Self {
            server,
            simulator,
            stop,
            ingesting,
            edge,
            ingest_ops,
            edge_ops,
        };
        // It is not started before it reaches the log, and started forever afterwards.
        let reached = async {
            for ops in [&cluster.ingest_ops, &cluster.edge_ops] {
                while ops.get("/startupz").await.0 != 200 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.unwrap();
        cluster.is_ready().await;
        cluster
    }

    pub(crate) async fn is_ready(&self) {
        self.ingest_ops.is_ready().await;
        self.edge_ops.is_ready().await;
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.edge.join().await.unwrap();
        self.ingesting.join().await.unwrap();
        self.ingest_ops.end().await;
        self.edge_ops.end().await;
    }
}

fn nats(server: &NatsServer) -> NatsConfig {
    NatsConfig {
        url: vec![ServerUrl::new(server.url())],
        request_timeout: Duration::from_secs(2),
        ..NatsConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_upstream_is_normal() {
    let cluster = Cluster::start(51).await;
    cluster.simulator.pause();
    // Longer than an edge may be without the log's end, and longer than a lease.
    let begun = Instant::now();
    while begun.elapsed() < FRESH_WITHIN * 4 {
        for ops in [&cluster.ingest_ops, &cluster.edge_ops] {
            assert_eq!(ops.missing().await, Vec::<String>::new());
            ops.is_alive_and_started().await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_upstream_makes_only_the_leader_unready() {
    let cluster = Cluster::start(52).await;
    cluster.simulator.go_down();
    cluster.ingest_ops.waits_for(&["upstream"]).await;
    assert_eq!(cluster.ingest_ops.missing().await, ["upstream"]);
    let begun = Instant::now();
    while begun.elapsed() < FRESH_WITHIN * 2 {
        assert_eq!(cluster.edge_ops.missing().await, Vec::<String>::new());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(
        cluster.simulator.stats().refused > 0,
        "it received no request"
    );
    cluster.simulator.go_up();
    cluster.is_ready().await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_nats_makes_both_unready_until_it_recovers() {
    let mut cluster = Cluster::start(53).await;
    cluster.server.kill().await.unwrap();
    cluster.ingest_ops.waits_for(&["log"]).await;
    cluster.edge_ops.waits_for(&["log", "tail"]).await;
    cluster.server.restart().await.unwrap();
    cluster.is_ready().await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_stream_makes_both_unready() {
    let cluster = Cluster::start(54).await;
    let admin = async_nats::connect(cluster.server.url()).await.unwrap();
    let admin = async_nats::jetstream::new(admin);
    admin.delete_stream("ATP").await.unwrap();
    cluster.ingest_ops.waits_for(&["log"]).await;
    cluster.edge_ops.waits_for(&["log", "tail"]).await;
    // An operator must act: the services never continue on another history by themselves.
    admin.get_stream("ATP").await.unwrap_err();
    cluster.stop.cancel();
    cluster.ingest_ops.end().await;
    cluster.edge_ops.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_process_is_live_and_not_ready() {
    let cluster = Cluster::start(55).await;
    cluster.stop.cancel();
    cluster.edge_ops.waits_for(&["process"]).await;
    cluster.ingest_ops.waits_for(&["process"]).await;
    cluster.end().await;
}
