//! Ingest processes on one NATS, with their log lines, probes and metrics.

use std::time::Duration;

use fanjet_log::EventLog;
use fanjet_log_nats::{NatsConfig, NatsLog, ServerUrl};
use fanjet_simulator::SimulatorHandle;
use fanjet_testkit::{NatsServer, Process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::fanjet;

use super::super::harness::{PATIENCE, assert_log_equals_world, paced_simulator, wait_for_last};

/// Frames per second. Slow enough that the simulator outlasts every test.
const RATE: f64 = 400.0;

pub(crate) struct Nodes {
    pub(crate) servers: Vec<NatsServer>,
    pub(crate) log: NatsLog,
    pub(crate) seed: u64,
    simulator: SimulatorHandle,
    frames: u64,
}

impl Nodes {
    /// One server, no ingest yet.
    pub(crate) async fn start(seed: u64, frames: u64) -> Self {
        let server = NatsServer::start().await.unwrap();
        Self::start_on(vec![server], seed, frames).await
    }

    pub(crate) async fn start_on(servers: Vec<NatsServer>, seed: u64, frames: u64) -> Self {
        let mut config = NatsConfig {
            url: servers.iter().map(|it| ServerUrl::new(it.url())).collect(),
            ..NatsConfig::default()
        };
        config.stream.replicas = servers.len();
        let log = within("a log", async {
            loop {
                if let Ok(log) = NatsLog::connect(config.clone()).await {
                    return log;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
        .await;
        Self {
            servers,
            log,
            seed,
            simulator: paced_simulator(seed, frames, RATE).await,
            frames,
        }
    }

    /// A leader, and a standby beside it.
    pub(crate) async fn start_two(&self) -> (Process, Process) {
        let leader = self.start_node("first");
        is_ready_as(&leader, "leader").await;
        let standby = self.start_node("second");
        is_ready_as(&standby, "standby").await;
        (leader, standby)
    }

    pub(crate) fn start_node(&self, name: &str) -> Process {
        let urls: Vec<_> = self.servers.iter().map(NatsServer::url).collect();
        self.start_with(name, &urls, &[])
    }

    pub(crate) fn start_with(&self, name: &str, urls: &[String], more: &[&str]) -> Process {
        let settings = [
            format!("ingest.upstream.url={}", self.simulator.url()),
            "ingest.upstream.name=simulator".to_owned(),
            "ingest.upstream.reconnect_min=20ms".to_owned(),
            format!("nats.url={}", urls.join(",")),
            format!("nats.name={name}"),
            format!("nats.stream.replicas={}", self.servers.len()),
            "ops.listen=127.0.0.1:0".to_owned(),
        ];
        let settings = settings.into_iter().flat_map(|it| ["--set".to_owned(), it]);
        fanjet(&["ingest"])
            .args(settings)
            .args(more)
            .start()
            .unwrap()
    }

    /// Waits until the log has grown by `by` events.
    pub(crate) async fn grows(&self, by: u64) {
        let last = within("the log's end", async {
            loop {
                if let Ok(bounds) = self.log.bounds().await {
                    return bounds.last;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        wait_for_last(&self.log, last + by, self.seed).await;
    }

    /// Waits until a process has started to lead more than `led` times, and has written since.
    pub(crate) async fn wait_for_growth_by(&self, node: &Process, led: usize) {
        within("a new leader", async {
            while leading_lines(node) <= led {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        self.grows(1).await;
    }

    /// Compares the whole log with the events of the simulator's frames.
    pub(crate) async fn check(&self) {
        assert_log_equals_world(&self.log, &self.simulator, self.frames, self.seed).await;
    }

    pub(crate) async fn delete_key(&self) {
        let admin = self.admin().await;
        let bucket = admin.get_key_value("fanjet").await.unwrap();
        bucket.delete("ingest.ATP").await.unwrap();
    }

    /// The number of the server that leads the stream.
    pub(crate) async fn stream_leader(&self) -> usize {
        let stream = self.admin().await.get_stream("ATP").await.unwrap();
        let cluster = stream.cached_info().cluster.clone().unwrap();
        let is_leader = |server: &NatsServer| Some(server.name()) == cluster.leader.as_deref();
        self.servers.iter().position(is_leader).unwrap()
    }

    async fn admin(&self) -> async_nats::jetstream::Context {
        let client = async_nats::connect(self.servers[0].url()).await.unwrap();
        async_nats::jetstream::new(client)
    }

    /// Waits until one of two leads and the other stands by. Returns them in this order.
    pub(crate) async fn sort_out(&self, one: Process, other: Process) -> (Process, Process) {
        within("a leader and a standby", async {
            loop {
                let roles = [ready_role(&one).await, ready_role(&other).await];
                match roles.each_ref().map(Option::as_deref) {
                    [Some("leader"), Some("standby")] => return (one, other),
                    [Some("standby"), Some("leader")] => return (other, one),
                    _ => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        })
        .await
    }
}

/// Waits for `fact`.
pub(crate) async fn within<T>(what: &str, fact: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, fact).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: nothing after {PATIENCE:?}"),
    }
}

/// How often a process has started to lead.
pub(crate) fn leading_lines(node: &Process) -> usize {
    let begins = |line: &&String| line.contains("role changed") && line.contains("to=\"leader\"");
    node.lines().iter().filter(begins).count()
}

/// Waits until a process that led logs, after its first `said` lines, that it stands by.
pub(crate) async fn becomes_standby(node: &Process, said: usize) {
    let stands_by = |line: &str| line.contains("role changed") && line.contains("to=\"standby\"");
    node.wait_for_line_after(said, stands_by, PATIENCE)
        .await
        .unwrap();
}

/// Waits until it logs why: an expired term, a lost lease, or a fence.
pub(crate) async fn says_why(node: &Process, said: usize) {
    const REASONS: [&str; 4] = [
        "the lease was not renewed in time",
        "lost the lease",
        "the term is over",
        "fenced",
    ];
    let is_reason = |line: &str| REASONS.iter().any(|reason| line.contains(reason));
    node.wait_for_line_after(said, is_reason, PATIENCE)
        .await
        .unwrap();
}

/// Waits until the probe reports ready in a role.
pub(crate) async fn is_ready_as(node: &Process, role: &str) {
    within(role, async {
        while ready_role(node).await.as_deref() != Some(role) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// The role in `/readyz`, if it is ready.
async fn ready_role(node: &Process) -> Option<String> {
    let answer = readiness(node).await;
    if !answer.starts_with("HTTP/1.1 200") {
        return None;
    }
    let (_, role) = answer.split_once("\"role\":\"")?;
    role.split_once('"').map(|(role, _)| role.to_owned())
}

/// The response of `/readyz`. Empty if it does not respond.
pub(crate) async fn readiness(node: &Process) -> String {
    get(node, "/readyz").await.unwrap_or_default()
}

/// The value of a metric. 0 if it does not exist.
pub(crate) async fn metric(node: &Process, name: &str) -> u64 {
    let page = get(node, "/metrics").await.unwrap_or_default();
    let value = page
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.map_or(0, |value: f64| value as u64)
}

async fn get(node: &Process, path: &str) -> Option<String> {
    let says_ops = |line: &str| line.starts_with("ops http://");
    let line = node.wait_for_line(says_ops, PATIENCE).await.unwrap();
    let address = line.trim_start_matches("ops http://").trim();
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer)
}
