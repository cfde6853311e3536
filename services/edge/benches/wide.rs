//! The cost of a connection with a wide filter, without its socket: parsing its message, entering the filter, and removing it.
//! One thread, medians over all connections. Memory is the resident memory of a fresh process.
//!
//! `cargo bench -p fanjet-edge --bench wide`

#![allow(clippy::print_stdout, reason = "a benchmark prints figures")]
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark may panic on invalid data of its own"
)]

use std::collections::VecDeque;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fanjet_edge::hub::{Member, Shard, ShardLimits};
use fanjet_edge::metrics::Metrics;
use fanjet_edge::replay::{PageRequests, Start};
use fanjet_edge::tail::Ring;
use fanjet_filter::{ClientMessage, Encoding, Filter};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// DIDs in the filters of connected clients, while others connect and leave.
const CONNECTED: usize = 200_000;
/// The same for memory: before and after the index tables have doubled.
const MEASURED: [usize; 2] = [1_700_000, 2_000_000];
/// DIDs that overlapping filters name.
const POPULATION: u32 = 100_000;
/// DIDs that are added and removed in one row of the table.
const CHURN: usize = 2_000_000;

#[derive(Clone, Copy)]
enum Named {
    Distinct,
    Common,
    Web,
}

const ROWS: [(&str, usize, Named); 5] = [
    ("distinct", 1_000, Named::Distinct),
    ("common", 1_000, Named::Common),
    ("distinct", 10_000, Named::Distinct),
    ("common", 10_000, Named::Common),
    ("did:web", 1_000, Named::Web),
];

/// Each row runs in its own process, so that no memory remains from the previous one.
fn main() {
    if let Some(row) = std::env::args()
        .nth(1)
        .and_then(|row| row.parse::<usize>().ok())
    {
        let (label, dids, named) = ROWS[row];
        return report(label, dids, named);
    }
    println!("us per connection; bytes per named DID with {MEASURED:?} named");
    println!(
        "{:<9} {:>6} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "DIDs", "each", "read", "enter", "forget", "sum", "bytes", "bytes"
    );
    for row in 0..ROWS.len() {
        let program = std::env::current_exe().unwrap();
        let status = Command::new(program).arg(row.to_string()).status();
        assert!(status.unwrap().success());
    }
}

fn report(label: &str, dids: usize, named: Named) {
    let mut random = StdRng::seed_from_u64(1);
    let messages: Vec<_> = (0..CHURN / dids)
        .map(|_| message(&mut random, dids, named))
        .collect();
    let [fewer, more] = bytes_per_did(&messages, dids);
    let mut shard = shard();
    let mut connected = VecDeque::new();
    let (mut read, mut enter, mut forget) = (Vec::new(), Vec::new(), Vec::new());
    for message in &messages {
        let start = Instant::now();
        let filter = parse(message);
        let parsed = Instant::now();
        connected.push_back(join(&mut shard, filter));
        let entered = parsed.elapsed();
        read.push(parsed - start);
        enter.push(entered);
        if connected.len() > CONNECTED / dids {
            let start = Instant::now();
            let member = connected.pop_front().unwrap();
            shard.leave(&member);
            drop(member);
            forget.push(start.elapsed());
        }
    }
    drop((connected, shard));
    let [read, enter, forget] = [read, enter, forget].map(median_micros);
    println!(
        "{label:<9} {dids:>6} {read:>8.1} {enter:>8.1} {forget:>8.1} {:>8.1} {fewer:>8.1} {more:>8.1}",
        read + enter + forget
    );
}

/// Resident bytes per named DID, for each of the measured numbers.
fn bytes_per_did(messages: &[Vec<u8>], dids: usize) -> [f64; 2] {
    let mut shard = shard();
    let before = resident_bytes();
    let mut members = Vec::new();
    MEASURED.map(|named| {
        for message in &messages[members.len()..named / dids] {
            members.push(join(&mut shard, parse(message)));
        }
        (resident_bytes() - before) / named as f64
    })
}

fn parse(message: &[u8]) -> Filter {
    let ClientMessage::OptionsUpdate(update) = ClientMessage::parse(message).unwrap() else {
        unreachable!("every message is an update");
    };
    update.filter
}

fn join(shard: &mut Shard, filter: Filter) -> Rc<Member> {
    let member = shard.join_waiting(Encoding::Json, Start::Live);
    shard.set_filter(&member, filter);
    member
}

fn message(random: &mut StdRng, dids: usize, named: Named) -> Vec<u8> {
    let dids: Vec<_> = (0..dids)
        .map(|_| match named {
            Named::Distinct => plc(random.random()),
            Named::Common => {
                plc(StdRng::seed_from_u64(random.random_range(0..POPULATION).into()).random())
            }
            Named::Web => format!("did:web:{:016x}.example.com", random.random::<u64>()),
        })
        .collect();
    let payload = serde_json::json!({ "wantedDids": dids });
    format!(r#"{{"type":"options_update","payload":{payload}}}"#).into_bytes()
}

fn plc(bits: u128) -> String {
    let letters = b"abcdefghijklmnopqrstuvwxyz234567";
    let id = (0..24).map(|at| char::from(letters[(bits >> (5 * at)) as usize & 31]));
    "did:plc:".chars().chain(id).collect()
}

fn shard() -> Shard {
    let ring = Arc::new(Ring::new(1 << 20));
    ring.restart(1, 1);
    let limits = ShardLimits {
        flush_bytes: 96 << 10,
        catch_up_bytes: 96 << 10,
        max_pending_bytes: 1 << 20,
    };
    let metrics = Metrics::new(&SdkMeterProvider::builder().build().meter("bench"));
    let page_requests = Arc::new(PageRequests::new(Arc::clone(&ring), 1 << 20));
    Shard::new(ring, page_requests, Arc::default(), limits, metrics)
}

fn median_micros(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

fn resident_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.unwrap().trim().trim_end_matches(" kB");
    kib.parse::<f64>().unwrap() * 1024.0
}
