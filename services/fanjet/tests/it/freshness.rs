//! An upstream that silently drops one collection. Every edge of the cluster reports it, over real NATS and with the
//! permissions of `deploy/nats/accounts.conf`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fanjet_edge::{Edge, EdgeDeps};
use fanjet_ingest::{Candidacy, Ingest};
use fanjet_log_nats::{NatsClusterState, NatsLog};
use fanjet_runtime::{Clock, OnFailure, Stop, Tasks};
use fanjet_simulator::{Rate, Simulator, SimulatorConfig, Source, WorldConfig};
use fanjet_telemetry::Metrics;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::harness::PATIENCE;
use crate::least_privilege::{
    config, edge_config, ingest_settings, run_prepare, server, violations,
};

const LIKE: &str = "app.bsky.feed.like";

/// A clock on which an hour takes some seconds.
struct FastClock(Instant);

impl Clock for FastClock {
    fn now_us(&self) -> u64 {
        let passed = u64::try_from(self.0.elapsed().as_micros()).unwrap();
        1_800_000_000_000_000 + passed * 1000
    }
}

async fn status(edge: SocketAddr) -> Option<Value> {
    let mut stream = TcpStream::connect(edge).await.unwrap();
    let request = "GET /status HTTP/1.1\r\nHost: edge.test\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    head.starts_with("HTTP/1.1 200 ")
        .then(|| serde_json::from_str(body).unwrap())
}

/// One collection on an edge's status page.
fn row(status: &Value, name: &str) -> Option<Value> {
    let rows = status["collections"]["rows"].as_array()?;
    rows.iter().find(|row| row["name"] == name).cloned()
}

async fn wait_for_status(edge: SocketAddr, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let saying = async {
        loop {
            match status(edge).await {
                Some(status) if is_so(&status) => return status,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    match tokio::time::timeout(PATIENCE, saying).await {
        Ok(status) => status,
        Err(_) => panic!("never said: {what}: {:?}", status(edge).await),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_edge_shows_the_collection_that_an_upstream_dropped() {
    let server = server().await;
    run_prepare(&server, &[]).await;
    let simulator = Simulator::start(SimulatorConfig {
        source: Source::World(WorldConfig {
            seed: 41,
            accounts: 40,
            records_per_repo: 30,
            ..WorldConfig::default()
        }),
        rate: Rate::PerSecond(300.0),
        wait_for_client: true,
        keep_expected: false,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap();
    let clock = Arc::new(FastClock(Instant::now()));
    let stop = Stop::new();
    let metrics = Metrics::new().unwrap();
    let ingest_log = NatsLog::connect(config(&server, "ingest")).await.unwrap();
    let mut settings = ingest_settings(&simulator.url());
    settings.freshness.interval = Duration::from_millis(20);
    let cluster_state = NatsClusterState::of(&ingest_log).await.unwrap();
    let lease = Arc::new(ingest_log.lease().await.unwrap());
    let ingest = Ingest::new(
        settings.clone(),
        Arc::new(ingest_log),
        clock.clone(),
        &metrics.meter("ingest"),
    )
    .unwrap()
    .with_cluster_state(Arc::new(cluster_state));
    let candidacy = Candidacy::shared(lease, "first", &settings.lease).unwrap();
    let mut ingesting = Tasks::new(stop.clone());
    ingesting.spawn(
        "ingest",
        OnFailure::StopAll,
        ingest.run(candidacy, stop.clone()),
    );

    let mut edges = Vec::new();
    for n in 0..2 {
        let log = NatsLog::connect(config(&server, "edge")).await.unwrap();
        let cluster_state = NatsClusterState::of(&log).await.unwrap();
        let deps = EdgeDeps {
            tracer: None,
            log: Arc::new(log),
            cluster_state: Arc::new(cluster_state),
            clock: clock.clone(),
            instance: format!("edge-{n}/1/0a"),
        };
        let mut config = edge_config();
        config.status.refresh = Duration::from_millis(20);
        let metrics = Metrics::new().unwrap();
        let started = Edge::start_in(config, deps, &metrics.meter("edge"), stop.clone());
        edges.push(started.unwrap());
    }
    // Every edge shows every member.
    let roles = |status: &Value| -> Vec<String> {
        let members = status["cluster"]["members"].as_array().cloned();
        let members = members.unwrap_or_default();
        members
            .iter()
            .map(|it| format!("{} {}", it["name"], it["role"]))
            .collect()
    };
    let all = [
        "\"first\" \"leader\"",
        "\"edge-0\" \"serving\"",
        "\"edge-1\" \"serving\"",
    ];
    for edge in &edges {
        wait_for_status(edge.addr(), "all members", |status| roles(status) == all).await;
    }
    let is_silent = |status: &Value| row(status, LIKE).is_some_and(|row| row["silent"] == true);
    for edge in &edges {
        // An hour of the stream is known.
        let usual = |status: &Value| {
            let known = status["cluster"]["age_seconds"].is_number();
            let row = row(status, LIKE);
            known && row.is_some_and(|row| row["usual_per_second"].is_number())
        };
        let before = wait_for_status(edge.addr(), "what is usual", usual).await;
        assert!(!is_silent(&before), "{before}");
    }
    let hour = clock.now_us() + 4_000_000_000;
    wait_for_status(edges[0].addr(), "an hour later", |status| {
        status["time_us"].as_u64() > Some(hour)
    })
    .await;
    simulator.mute(Some(LIKE));
    for edge in &edges {
        let after = wait_for_status(edge.addr(), "it is silent", is_silent).await;
        assert_eq!(after["collections"]["rows"][0]["silent"], true);
        assert!(after["cluster"]["silent_collections"].as_u64() > Some(0));
    }
    assert!(simulator.stats().muted > 0, "the fault never struck");
    simulator.mute(None);
    for edge in &edges {
        wait_for_status(edge.addr(), "it is back", |status| !is_silent(status)).await;
    }
    stop.cancel();
    ingesting.join().await.unwrap();
    for edge in edges {
        edge.join().await.unwrap();
    }
    assert_eq!(violations(&server), Vec::<String>::new());
}
