//! The cost of one delivered event over real sockets: CPU time of the serving process, which is this one; the subscribers run
//! in another process. Encodings take turns, so that other load on the machine affects all of them.
//!
//! `cargo bench -p fanjet-edge --bench sockets -- [rate=500] [rounds=3] [only=<part of a case's name>]`
//!
//! With `idle=<subscribers>`: the resident memory of this many idle subscribers, without a filter and with 100 DIDs. Each
//! takes two descriptors here and one in the other process: see `ulimit -n`.

#![allow(clippy::print_stdout, reason = "a benchmark prints figures")]
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark may panic on invalid data of its own"
)]

#[path = "../tests/it/support/events.rs"]
#[allow(dead_code, reason = "shared with the tests, which use more of it")]
mod events;
#[path = "../tests/it/support/instruments.rs"]
mod instruments;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use fanjet_edge::metrics::{DELIVERED_BYTES, DELIVERED_EVENTS, ENCODED_EVENTS, SUBSCRIBERS};
use fanjet_edge::{Edge, EdgeConfig, EdgeHandle};
use fanjet_log::memory::MemoryLog;
use fanjet_log::{EventLog, NewEvent};
use fanjet_runtime::Stop;

use events::commit;
use instruments::Instruments;

const CLIENTS: usize = 1000;
/// Before measuring.
const WARM_UP: Duration = Duration::from_secs(1);
const RUN: Duration = Duration::from_secs(6);
const TICK: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(60);
/// `sysconf(_SC_CLK_TCK)` on every Linux that Rust supports.
const TICKS_PER_SECOND: f64 = 100.0;
/// Filler bytes, so that an event has about the 550 bytes of a real one. It compresses worse than a real one.
const PADDING: usize = 370;
/// Stands for a query that differs per client.
const DIDS: &str = "dids";
const CASES: [(&str, &str); 3] = [
    ("text", ""),
    ("zstd", "?compress=true"),
    ("v0", "?format=v0"),
];

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    if let [_, role, addr, count, query] = &arguments[..]
        && role == "subscribers"
    {
        return subscribe(addr.parse().unwrap(), count.parse().unwrap(), query);
    }
    let setting = |name: &str| {
        let mut values = arguments.iter().filter_map(|it| it.strip_prefix(name));
        values.find_map(|it| it.strip_prefix('='))
    };
    let plan = Plan {
        rate: setting("rate").unwrap_or("500").parse().unwrap(),
        rounds: setting("rounds").unwrap_or("3").parse().unwrap(),
        only: setting("only").unwrap_or_default().to_owned(),
        idle: setting("idle").map(|count| count.parse().unwrap()),
    };
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(serve(plan));
}

/// The requested measurement.
struct Plan {
    /// Events per second.
    rate: u64,
    rounds: usize,
    only: String,
    /// Measures this many idle subscribers instead.
    idle: Option<usize>,
}

/// One node with one worker.
struct Node {
    edge: EdgeHandle,
    instruments: Instruments,
}

impl Node {
    fn start(log: &MemoryLog, stop: &Stop) -> Self {
        let instruments = Instruments::new();
        let mut config = EdgeConfig::default();
        config.http.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.http.workers = 1;
        config.http.max_subscribers_per_address = 0;
        config.http.max_connections_per_address = 0;
        config.tail.ring_bytes = 64 << 20;
        let edge = Edge::start(
            config,
            Arc::new(log.clone()),
            &instruments.meter(),
            stop.clone(),
        )
        .unwrap();
        Self { edge, instruments }
    }
}

async fn serve(plan: Plan) {
    let log = MemoryLog::new();
    let stop = Stop::new();
    let node = Node::start(&log, &stop);
    let served = (node.edge.addr(), node.instruments.clone());
    let rate = plan.idle.map_or(plan.rate, |_| 0);
    let measuring = tokio::task::spawn_blocking(move || match plan.idle {
        Some(count) => weigh(count, &served),
        None => measure(&plan, &served),
    });
    tokio::select! {
        measured = measuring => measured.unwrap(),
        () = write_events(&log, rate) => {}
    }
    stop.cancel();
    node.edge.join().await.unwrap();
}

/// Appends at a steady rate, forever.
async fn write_events(log: &MemoryLog, rate: u64) {
    let mut appender = log.appender(0).await.unwrap();
    let start = Instant::now();
    let mut written = 0;
    loop {
        let due = start.elapsed().as_millis() as u64 * rate / 1000;
        let events: Vec<_> = (written + 1..=due)
            .map(|seq| {
                let did = format!("did:plc:{seq:024}");
                let entry = commit("app.bsky.feed.like", &did).padded(PADDING).at(seq);
                NewEvent {
                    trace: None,
                    topic: entry.topic,
                    origin: entry.origin,
                    body: entry.body,
                }
            })
            .collect();
        written = due;
        appender.append(&events).await.unwrap();
        appender.flush().await.unwrap();
        tokio::time::sleep(TICK).await;
    }
}

fn measure(plan: &Plan, (addr, instruments): &(SocketAddr, Instruments)) {
    let rate = plan.rate;
    println!("{CLIENTS} subscribers without filters, {rate} events/s, one worker");
    println!(
        "{:<12} {:>14} {:>10} {:>22} {:>16} {:>14}",
        "", "delivered/s", "CPU %", "CPU us per delivered", "bytes/delivered", "encoded/s"
    );
    let cases = CASES.map(|case| (case, Vec::new()));
    let mut cases: Vec<_> = cases
        .into_iter()
        .filter(|((name, _), _)| name.contains(&plan.only))
        .collect();
    for _ in 0..plan.rounds {
        for ((name, query), costs) in &mut cases {
            let clients = Clients::start(*addr, CLIENTS, query);
            wait_for(|| instruments.sum(SUBSCRIBERS, None) == CLIENTS as f64);
            thread::sleep(WARM_UP);
            let before = Figures::now(instruments);
            thread::sleep(RUN);
            let after = Figures::now(instruments);
            drop(clients);
            wait_for(|| instruments.sum(SUBSCRIBERS, None) == 0.0);
            let delivered = after.delivered - before.delivered;
            let cpu = after.cpu - before.cpu;
            let seconds = (after.at - before.at).as_secs_f64();
            costs.push(cpu * 1e6 / delivered);
            println!(
                "{name:<12} {:>14.0} {:>10.1} {:>22.3} {:>16.1} {:>14.1}",
                delivered / seconds,
                cpu / seconds * 100.0,
                cpu * 1e6 / delivered,
                (after.bytes - before.bytes) / delivered,
                (after.encoded - before.encoded) / seconds,
            );
        }
    }
    for ((name, _), costs) in cases {
        println!("{name:<12} median {:.3} us", median(costs));
    }
}

/// The resident memory of idle subscribers. Some connect first, for the shared cost of the first ones.
fn weigh(count: usize, (addr, instruments): &(SocketAddr, Instruments)) {
    for (name, query) in [("no filter", ""), ("100 DIDs each", DIDS)] {
        let first = Clients::start(*addr, CLIENTS.min(count), query);
        let has_count = |all: usize| instruments.sum(SUBSCRIBERS, None) == all as f64;
        wait_for(|| has_count(CLIENTS.min(count)));
        thread::sleep(WARM_UP);
        let before = resident_bytes();
        let rest = Clients::start(*addr, count, query);
        wait_for(|| has_count(CLIENTS.min(count) + count));
        thread::sleep(WARM_UP);
        let grown = resident_bytes() - before;
        println!(
            "{count} subscribers, {name}: {:.1} KiB each",
            grown / count as f64 / 1024.0
        );
        drop((first, rest));
        wait_for(|| has_count(0));
    }
}

struct Figures {
    at: Instant,
    cpu: f64,
    delivered: f64,
    bytes: f64,
    encoded: f64,
}

impl Figures {
    fn now(instruments: &Instruments) -> Self {
        Self {
            at: Instant::now(),
            cpu: cpu_seconds(),
            delivered: instruments.sum(DELIVERED_EVENTS, None),
            bytes: instruments.sum(DELIVERED_BYTES, None),
            encoded: instruments.sum(ENCODED_EVENTS, None),
        }
    }
}

/// The process with the subscribers. Dropping it ends it.
struct Clients(Child);

impl Clients {
    fn start(addr: SocketAddr, count: usize, query: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["subscribers", &addr.to_string(), &count.to_string(), query]);
        Self(command.spawn().unwrap())
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Connects and reads everything, until killed.
fn subscribe(addr: SocketAddr, count: usize, query: &str) {
    let connect = |which: usize| match query {
        DIDS => connect(addr, &hundred_dids(which)),
        query => connect(addr, query),
    };
    let mut sockets: Vec<_> = (0..count).map(connect).collect();
    let mut bytes = vec![0; 256 << 10];
    loop {
        for socket in &mut sockets {
            if matches!(socket.read(&mut bytes), Ok(0)) {
                return;
            }
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// A filter of DIDs that no other client names.
fn hundred_dids(which: usize) -> String {
    let did = |n: usize| {
        let digit = |place: u32| {
            let digit = (which * 100 + n) / 26_usize.pow(place) % 26;
            char::from(b'a' + digit as u8)
        };
        let name: String = (0..24).map(|place| digit(place.min(6))).collect();
        format!("wantedDids=did:plc:{name}")
    };
    let dids: Vec<_> = (0..100).map(did).collect();
    format!("?{}", dids.join("&"))
}

/// A socket that is subscribed and does not block.
fn connect(addr: SocketAddr, query: &str) -> TcpStream {
    let mut socket = TcpStream::connect(addr).unwrap();
    let head = format!(
        "GET /subscribe{query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).unwrap();
    let mut status = [0; 12];
    socket.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 101");
    socket.set_nonblocking(true).unwrap();
    socket
}

fn wait_for(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < PATIENCE,
            "the subscribers do not connect or leave"
        );
        thread::sleep(Duration::from_millis(20));
    }
}

/// User and system time of this process so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields: Vec<_> = fields.split_whitespace().collect();
    let ticks = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / TICKS_PER_SECOND
}

fn resident_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kib * 1024.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
