//! Subscribers of raw frames at one edge over NATS: CPU time and memory of the edge while frames arrive, then while they replay.
//!
//! Readers count bytes and parse nothing, so that they take little of the machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fanjet_testkit::NatsServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::cpu::cpu_seconds;
use super::options::Options;
use super::testbed;
use crate::memory::resident_mib;
use crate::service::{Service, listening, simulator};

const SUBSCRIBERS: u64 = 100;
const RATE: f64 = 800.0;
const REPLAYS: u64 = 10;
const PATH: &str = "/xrpc/com.atproto.sync.subscribeRepos";
const DELIVERED: &str = "fanjet_edge_raw_delivered_frames_total";
/// No limit that a benchmark should measure.
const UNLIMITED: [(&str, &str); 5] = [
    ("edge.raw.max_subscribers", "100000"),
    ("edge.raw.max_subscribers_per_address", "0"),
    ("edge.http.max_subscribers_per_address", "0"),
    ("edge.http.max_connections_per_address", "0"),
    ("edge.limits.max_replay_bytes_per_second", "0"),
];

pub(super) async fn run(options: &Options) -> Result<()> {
    let profile = options.profile();
    testbed::build(profile)?;
    let nats = NatsServer::start().await?;
    let rate = options.rate.unwrap_or(RATE);
    let subscribers = options.subscribers.unwrap_or(SUBSCRIBERS);
    let pace = rate.to_string();
    let upstream = simulator(profile, &["--rate", &pace, "--wait-for-client"])?;
    let url = nats.url();
    let usual = [
        ("nats.url", url.as_str()),
        ("raw.enabled", "true"),
        ("raw.max_bytes", "10000000000"),
    ];
    let from = listening(&upstream).await?;
    let reading = [&usual[..], &[("ingest.upstream.url", from.as_str())]].concat();
    let mut ingest = Service::start(profile, "ingest", &reading)?;
    ingest.wait_until_ready().await?;
    let settings = [&usual[..], &UNLIMITED, &[("edge.http.workers", "1")]].concat();
    let mut edge = Service::start(profile, "edge", &settings)?;
    edge.wait_until_ready().await?;
    let pid = edge.process()?.pid();
    let empty = resident_mib(pid)?;

    let readers = Readers::start(edge.address()?, "", subscribers).await?;
    tokio::time::sleep(Duration::from_secs_f64(options.warm_up)).await;
    for _ in 0..options.repeats.max(1) {
        let window = Window::of(&edge, &readers, options.seconds).await?;
        println!(
            "live: {subscribers} subscribers, {rate:.0} frames/s: {:.1} % of a core, {:.2} us per delivery, {:.0} deliveries/s, {:.1} MB/s, {:.0} MiB with and {empty:.0} MiB without them",
            window.cpu / window.seconds * 100.0,
            window.cpu / window.frames * 1e6,
            window.frames / window.seconds,
            window.bytes / window.seconds / 1e6,
            resident_mib(pid)?,
        );
        // What is read is what is sent, or the figure means nothing.
        ensure!(
            options.dev || window.frames >= 0.95 * rate * window.seconds * subscribers as f64,
            "only {:.0} frames of {rate} per second arrive",
            window.frames / window.seconds / subscribers as f64
        );
    }
    drop(readers);
    let readers = Readers::start(edge.address()?, "?cursor=0", REPLAYS).await?;
    let window = Window::of(&edge, &readers, options.seconds).await?;
    println!(
        "replay: {REPLAYS} readers from the beginning: {:.1} MB/s, {:.0} frames/s, {:.1} CPU seconds per GB",
        window.bytes / window.seconds / 1e6,
        window.frames / window.seconds,
        window.cpu / (window.bytes / 1e9),
    );
    drop(readers);
    edge.stop().await?;
    ingest.stop().await
}

/// What happened between two readings.
struct Window {
    seconds: f64,
    cpu: f64,
    frames: f64,
    bytes: f64,
}

impl Window {
    async fn of(edge: &Service, readers: &Readers, seconds: f64) -> Result<Self> {
        let pid = edge.process()?.pid();
        let (began, bytes) = (Instant::now(), readers.bytes());
        let (cpu, frames) = (cpu_seconds(pid)?, edge.metric(DELIVERED, "").await?);
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        Ok(Self {
            cpu: cpu_seconds(pid)? - cpu,
            frames: edge.metric(DELIVERED, "").await? - frames,
            bytes: (readers.bytes() - bytes) as f64,
            seconds: began.elapsed().as_secs_f64(),
        })
    }
}

/// Open connections; dropping them closes all.
struct Readers {
    bytes: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

impl Readers {
    async fn start(address: &str, query: &str, count: u64) -> Result<Self> {
        let bytes = Arc::<AtomicU64>::default();
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let mut socket = connect(address, query).await?;
            let bytes = Arc::clone(&bytes);
            // One reader: ends with its connection.
            tasks.spawn(async move {
                let mut buffer = vec![0; 256 << 10];
                while let Ok(read @ 1..) = socket.read(&mut buffer).await {
                    bytes.fetch_add(read as u64, Ordering::Relaxed);
                }
            });
        }
        Ok(Self {
            bytes,
            _tasks: tasks,
        })
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

async fn connect(address: &str, query: &str) -> Result<TcpStream> {
    let mut socket = TcpStream::connect(address).await?;
    let request = format!(
        "GET {PATH}{query} HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut line = [0; 12];
    socket.read_exact(&mut line).await.context("no answer")?;
    ensure!(
        line.ends_with(b" 101"),
        "refused: {}",
        String::from_utf8_lossy(&line)
    );
    Ok(socket)
}
