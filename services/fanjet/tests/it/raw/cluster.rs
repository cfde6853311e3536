//! Raw frames through NATS: ingests, `ATP_RAW` and edges in their own processes, and a client that reconnects with its cursor.

use std::time::Duration;

use fanjet_firehose::{Frame, decode_frame};
use fanjet_log::{EventLog, RawConfig};
use fanjet_log_nats::NatsLog;
use fanjet_simulator::{Rate, SimulatorHandle};
use fanjet_testkit::{NatsServer, Process};
use futures::StreamExt;
use tokio_tungstenite::tungstenite::Message;

use super::PATH;
use crate::harness::{PATIENCE, fanjet, said, simulator};
use crate::least_privilege::{config, password, run_prepare, server, violations};
use crate::read_only::{connect, within};

/// Frames per second. Slow enough that the upstream outlasts every test.
const RATE: f64 = 400.0;

/// NATS sets it aside, so the default is too much for a server of tests.
const MAX_BYTES: &str = "raw.max_bytes=1000000000";

/// The programs that a test starts, killed with it.
struct Cluster {
    servers: Vec<NatsServer>,
    relay: SimulatorHandle,
    /// Whether the servers have the shipped accounts.
    has_users: bool,
}

impl Cluster {
    async fn over(servers: Vec<NatsServer>, seed: u64, has_users: bool) -> Self {
        let relay = simulator(seed, 60_000, Rate::PerSecond(RATE)).await;
        relay.pause();
        if has_users {
            run_prepare(&servers[0], &["raw.enabled=true", MAX_BYTES]).await;
        }
        Self {
            servers,
            relay,
            has_users,
        }
    }

    fn start(&self, role: &str, more: &[String]) -> Process {
        let urls: Vec<_> = self.servers.iter().map(NatsServer::url).collect();
        let mut settings = vec![
            format!("nats.url={}", urls.join(",")),
            format!("nats.stream.replicas={}", self.servers.len()),
            "ops.listen=127.0.0.1:0".to_owned(),
            "raw.enabled=true".to_owned(),
            MAX_BYTES.to_owned(),
        ];
        settings.extend_from_slice(more);
        let mut env = Vec::new();
        if self.has_users {
            settings.push(format!("nats.user={role}"));
            settings.push(format!("nats.inbox_prefix=_INBOX_fanjet_{role}"));
            settings.push("nats.stream.create=false".to_owned());
            if role == "edge" {
                settings.push("nats.domain=fanjet".to_owned());
            }
            env.push(("FANJET_NATS__PASSWORD", password(role)));
        }
        let settings = settings.into_iter().flat_map(|it| ["--set".to_owned(), it]);
        let program = fanjet(&[role]).args(settings);
        let program = env
            .into_iter()
            .fold(program, |program, (name, value)| program.env(name, value));
        program.start().unwrap()
    }

    fn start_ingest(&self) -> Process {
        let more = [
            format!("ingest.upstream.url={}", self.relay.url()),
            "ingest.upstream.name=simulator".to_owned(),
            "ingest.upstream.reconnect_min=20ms".to_owned(),
        ];
        self.start("ingest", &more)
    }

    /// Starts an edge, again at an address that one had before. Returns its address, too.
    async fn start_edge(&self, address: &str) -> (Process, String) {
        let edge = self.start("edge", &[format!("edge.http.listen={address}")]);
        let url = said(&edge, "listening ").await;
        (edge, url.trim_start_matches("ws://").to_owned())
    }

    /// Lets frames flow once both readers of the leader are connected: a new log starts at the present.
    async fn begin(&self) {
        within("two readers", self.relay.wait_for_clients(2)).await;
        self.relay.resume();
    }

    /// The stream of frames, as the writer sees it.
    async fn log(&self) -> NatsLog {
        let config = config(&self.servers[0], "ingest").of_frames(&RawConfig::default());
        NatsLog::connect(config).await.unwrap()
    }

    async fn jetstream(&self, server: usize) -> async_nats::jetstream::Context {
        let client = async_nats::connect(self.servers[server].url()).await;
        async_nats::jetstream::new(client.unwrap())
    }

    /// The number of the server that leads the stream of frames.
    async fn stream_leader(&self) -> usize {
        let stream = self.jetstream(0).await.get_stream("ATP_RAW").await.unwrap();
        let cluster = stream.cached_info().cluster.clone().unwrap();
        let is_leader = |server: &NatsServer| Some(server.name()) == cluster.leader.as_deref();
        self.servers.iter().position(is_leader).unwrap()
    }

    /// What was read is what the upstream sent, byte for byte and in order, without a hole but these.
    async fn assert_sent(&self, reader: &Reader, holes: usize) {
        let sent = self.relay.produced() as usize;
        let sent = super::frames(&self.relay.url(), "?cursor=0", sent).await;
        let (mut next, mut found) = (None, 0);
        for got in &reader.got {
            let is_next = next.is_some_and(|next: usize| sent.get(next) == Some(got));
            let at = match next {
                Some(next) if is_next => next,
                _ => {
                    found += usize::from(next.is_some());
                    let behind = next.unwrap_or(0);
                    let at = sent[behind..].iter().position(|frame| frame == got);
                    behind + at.unwrap_or_else(|| panic!("never sent: {}", seq(got)))
                }
            };
            next = Some(at + 1);
        }
        assert!(found <= holes, "{found} holes");
    }
}

fn seq(frame: &[u8]) -> u64 {
    decode_frame(frame).unwrap().seq().unwrap()
}

fn is_outdated(frame: &[u8]) -> bool {
    match decode_frame(frame).unwrap() {
        Frame::Info(info) => info.name == "OutdatedCursor",
        _ => false,
    }
}

/// A client of several edges: when its connection ends it takes the next one, with the number of its last frame.
struct Reader {
    edges: Vec<String>,
    attempts: usize,
    /// Those that succeeded.
    connections: usize,
    got: Vec<Vec<u8>>,
    /// How often it was notified that frames after its cursor are gone.
    notices: usize,
    /// How connections ended, in words.
    ends: Vec<String>,
    socket: Option<Socket>,
}

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

impl Reader {
    fn of(edges: &[&str]) -> Self {
        Self {
            edges: edges.iter().map(|&edge| edge.to_owned()).collect(),
            attempts: 0,
            connections: 0,
            got: Vec::new(),
            notices: 0,
            ends: Vec::new(),
            socket: None,
        }
    }

    fn newest(&self) -> u64 {
        self.got.last().map_or(0, |frame| seq(frame))
    }

    /// Reads `count` more frames.
    async fn reads(&mut self, count: usize) {
        let until = self.got.len() + count;
        let in_time = tokio::time::timeout(PATIENCE, async {
            while self.got.len() < until {
                self.step().await;
            }
        });
        let in_time = in_time.await.is_ok();
        assert!(in_time, "{} of {until}: {:?}", self.got.len(), self.ends);
    }

    async fn step(&mut self) {
        let Some(socket) = &mut self.socket else {
            self.connect().await;
            return;
        };
        match socket.next().await {
            Some(Ok(Message::Binary(frame))) if is_outdated(&frame) => self.notices += 1,
            Some(Ok(Message::Binary(frame))) => {
                let is_last = self.got.last().is_some_and(|last| last[..] == frame[..]);
                // The frame of the cursor, and only that.
                if !is_last {
                    assert!(seq(&frame) > self.newest(), "{} repeats", seq(&frame));
                    self.got.push(frame.to_vec());
                }
            }
            Some(Ok(Message::Close(close))) => {
                self.ends.push(format!("{close:?}"));
                self.socket = None;
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                self.ends.push(error.to_string());
                self.socket = None;
            }
            None => self.socket = None,
        }
    }

    async fn connect(&mut self) {
        let edge = &self.edges[self.attempts % self.edges.len()];
        self.attempts += 1;
        let url = format!("ws://{edge}{PATH}?cursor={}", self.newest());
        match tokio_tungstenite::connect_async(url).await {
            Ok((socket, _)) => {
                self.connections += 1;
                self.socket = Some(socket);
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// With the shipped permissions: the client's edge is killed and returns, the leader is killed, NATS is killed and returns.
#[tokio::test(flavor = "multi_thread")]
async fn no_kill_of_an_edge_a_leader_or_nats_shows_in_the_frames() {
    let mut cluster = Cluster::over(vec![server().await], 2_410, true).await;
    let first = cluster.start_ingest();
    cluster.begin().await;
    let _second = cluster.start_ingest();
    let ((near, address), (_far, other)) = tokio::join!(
        cluster.start_edge("127.0.0.1:0"),
        cluster.start_edge("127.0.0.1:0")
    );
    let mut reader = Reader::of(&[&address]);
    reader.reads(300).await;
    // Only now: an edge that refuses until it follows the log would send the client to the one that lives on.
    reader.edges.push(other);
    near.kill().await.unwrap();
    // What was under way already arrives first.
    while reader.connections < 2 {
        reader.reads(100).await;
    }
    let (near, _) = cluster.start_edge(&address).await;
    first.kill().await.unwrap();
    reader.reads(300).await;
    assert_eq!(violations(&cluster.servers[0]), Vec::<String>::new());
    cluster.servers[0].kill().await.unwrap();
    cluster.servers[0].restart().await.unwrap();
    reader.reads(1_500).await;
    // The edge that was there first serves the same frames, from its own reading of the log.
    let mut again = Reader::of(&[&address]);
    again.reads(reader.got.len()).await;
    assert_eq!(again.got, reader.got);
    assert!(near.stop(PATIENCE).await.unwrap().success());
    assert_eq!(violations(&cluster.servers[0]), Vec::<String>::new());
    cluster.relay.pause();
    cluster.assert_sent(&reader, 0).await;
}

/// Three copies of the stream: the server that leads it is killed, twice.
#[tokio::test(flavor = "multi_thread")]
async fn another_server_leads_the_stream_and_no_frame_is_missing() {
    let servers = NatsServer::start_cluster(3).await.unwrap();
    let mut cluster = Cluster::over(servers, 2_411, false).await;
    let _ingest = cluster.start_ingest();
    cluster.begin().await;
    let (_edge, address) = cluster.start_edge("127.0.0.1:0").await;
    let mut reader = Reader::of(&[&address]);
    for _ in 0..2 {
        reader.reads(300).await;
        let leader = within("a leader", cluster.stream_leader()).await;
        cluster.servers[leader].kill().await.unwrap();
        reader.reads(600).await;
        cluster.servers[leader].restart().await.unwrap();
    }
    assert_eq!(reader.connections, 1, "{:?}", reader.ends);
    cluster.relay.pause();
    cluster.assert_sent(&reader, 0).await;
}

/// The stream is deleted, and `fanjet prepare` makes it again. Its clients are sent away, find the new one with their cursors, and get what
/// the upstream sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_deleted_is_written_again_and_clients_continue_in_it() {
    let cluster = Cluster::over(vec![server().await], 2_412, true).await;
    let _ingest = cluster.start_ingest();
    cluster.begin().await;
    let (_edge, address) = cluster.start_edge("127.0.0.1:0").await;
    let mut reader = Reader::of(&[&address]);
    reader.reads(300).await;
    assert_eq!(reader.notices, 0);
    let bounds = async || cluster.log().await.bounds().await.unwrap();
    let before = bounds().await;
    let operator = connect(&cluster.servers[0], "operator").await;
    let operator = async_nats::jetstream::new(operator);
    operator.delete_stream("ATP_RAW").await.unwrap();
    run_prepare(&cluster.servers[0], &["raw.enabled=true", MAX_BYTES]).await;
    reader.reads(900).await;
    let replaced = |end: &String| end.contains("the log was replaced");
    assert!(reader.ends.iter().any(replaced), "{:?}", reader.ends);
    let after = bounds().await;
    assert!(after.first > before.last, "{before:?} {after:?}");
    cluster.relay.pause();
    // What the old stream had beyond the client's position is gone, and the client is notified.
    assert!(reader.notices <= 1, "{} notices", reader.notices);
    cluster.assert_sent(&reader, reader.notices).await;
}
