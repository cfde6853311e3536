//! Processes that are killed at random moments while they write, each with other settings than the one before: segment
//! size, sync, verification, retention. Nothing that they acknowledged or showed to a reader may be missing unless it
//! expired, and every event must be as written.
//!
//! The test starts itself: with `child FOLDER SEED` as arguments it writes until it is killed, and reports on its
//! output. Other arguments are those of the test runner and are ignored.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fanjet_log::contract::{event, events};
use fanjet_log::{Bounds, EventLog, LogError, ReadLimit, Selection, Seq};
use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog, Sync, Verify};
use fanjet_runtime::Clock;
use futures::StreamExt;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ROUNDS: u32 = 40;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, role, folder, seed] = arguments.as_slice()
        && role == "child"
    {
        return write_until_killed(Path::new(folder), seed.parse().unwrap()).await;
    }
    if arguments.iter().any(|argument| argument == "--list") {
        return;
    }
    let seed = RandomState::new().hash_one(0);
    println!("seed {seed}");
    let began = Instant::now();
    kill_again_and_again(seed).await;
    println!("{ROUNDS} killed processes in {:?}", began.elapsed());
}

async fn kill_again_and_again(seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let (mut rounds_with_more, mut promised, mut checked, mut forgotten) = (0, 0, 0, 0);
    for round in 0..ROUNDS {
        // Sometimes for so long that events expire.
        let longest = if random.random_bool(0.1) { 2_500 } else { 150 };
        let after = Duration::from_millis(longest).mul_f64(random.random());
        let reported = run_and_kill(folder.path(), random.random(), after);
        promised = promised.max(reported);
        let log = open(folder.path(), &mut random).await;
        let Bounds { first, last } = log.bounds().await.unwrap();
        assert!(
            last >= promised,
            "round {round} of seed {seed}: the log ends with {last}, {promised} was promised"
        );
        // Data of earlier rounds is covered by the checksums that opening verifies; at the end all of it is compared.
        let from = if round + 1 == ROUNDS { 1 } else { checked + 1 };
        check(&log, from.max(first), last, seed).await;
        checked = last;
        forgotten = forgotten.max(first - 1);
        rounds_with_more += u32::from(last > promised);
        promised = last;
    }
    assert!(promised > 1_000, "only {promised} events were written");
    println!(
        "{promised} events, {forgotten} of them forgotten; {rounds_with_more} rounds kept more than was acknowledged"
    );
}

/// Lets a process write, and kills it a while after its first report. Returns the highest reported seq.
fn run_and_kill(folder: &Path, seed: u64, after: Duration) -> Seq {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", folder.to_str().unwrap(), &seed.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().expect("it reports where it begins").unwrap();
    // The moment of the kill is the point of the test, and nothing waits for it.
    std::thread::sleep(after);
    child.kill().unwrap();
    let mut highest: Seq = first.parse().unwrap();
    for line in lines {
        // The last line may be torn.
        let line = line.unwrap();
        if let Some(seq) = line.strip_suffix('.') {
            highest = highest.max(seq.parse().unwrap());
        }
    }
    let status = child.wait().unwrap();
    assert!(
        status.code().is_none(),
        "it was to be killed, not to end: {status}"
    );
    highest
}

/// Checks every entry from `next` to `last` against its seq.
async fn check(log: &EmbeddedLog, mut next: Seq, last: Seq, seed: u64) {
    let limit = ReadLimit {
        entries: usize::MAX,
        bytes: usize::MAX,
    };
    while next <= last {
        let page = log.read(next, &Selection::All, limit).await.unwrap();
        for entry in page.entries {
            if entry.seq > next {
                // It has expired meanwhile.
                let first = log.bounds().await.unwrap().first;
                assert!(
                    next < first && entry.seq <= first,
                    "seed {seed}: {} instead of {next}, the log begins with {first}",
                    entry.seq
                );
                next = entry.seq;
            }
            assert_eq!(entry.seq, next, "seed {seed}");
            let expected = event(entry.seq - 1);
            assert_eq!(entry.body, expected.body, "seed {seed}, seq {next}");
            assert_eq!(
                (entry.topic, entry.origin),
                (expected.topic, expected.origin)
            );
            next += 1;
        }
    }
}

/// A clock with which a new log starts at 1, as the samples do.
struct AtZero;

impl Clock for AtZero {
    fn now_us(&self) -> u64 {
        0
    }
}

/// With settings that an operator may have changed meanwhile.
async fn open(folder: &Path, random: &mut ChaCha8Rng) -> EmbeddedLog {
    let mut one_of = |choices: &[u64]| choices[random.random_range(0..choices.len())];
    let config = EmbeddedConfig {
        // Often a new segment; the smallest has a few events.
        segment_bytes: one_of(&[2_000, 40_000, 150_000, 1 << 20]),
        sync: match one_of(&[0, 1, 5]) {
            0 => Sync::Always,
            millis => Sync::Every(Duration::from_millis(millis)),
        },
        verify: match one_of(&[0, 1]) {
            0 => Verify::All,
            _ => Verify::Last,
        },
        max_bytes: one_of(&[0, 0, 4 << 20]),
        window_events: one_of(&[30, 16_384]) as usize,
        window_bytes: one_of(&[10_000, 16 << 20]) as usize,
        tail_bytes: one_of(&[0, 50_000]) as usize,
        cache_bytes: one_of(&[0, 1 << 20]) as usize,
        // The samples are from a fixed day.
        max_age: Duration::ZERO,
        ..EmbeddedConfig::in_folder(folder)
    };
    EmbeddedLog::open(config, Arc::new(AtZero)).await.unwrap()
}

/// Writes batches of random size; reports acknowledged events, and those that a follower sees.
async fn write_until_killed(folder: &Path, seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let log = open(folder, &mut random).await;
    let begin = log.bounds().await.unwrap().last;
    report(&format!("{begin}\n"));
    let mut appender = log.appender(begin).await.unwrap();
    let mut follow = log.follow(begin + 1, &Selection::All).await.unwrap();
    let write = async {
        let mut at = begin;
        loop {
            let to = at + random.random_range(1..200);
            appender.append(&events(at, to)).await.unwrap();
            at = to;
            if random.random_bool(0.2) {
                appender.flush().await.unwrap();
            }
            report(&format!("{}.\n", appender.acked()));
        }
    };
    let watch = async {
        loop {
            match follow.next().await.unwrap() {
                Ok(batch) => {
                    if let Some(last) = batch.last() {
                        report(&format!("{}.\n", last.seq));
                    }
                }
                // It expired before it was read.
                Err(LogError::Gap { found, .. }) => {
                    follow = log.follow(found, &Selection::All).await.unwrap();
                }
                Err(error) => panic!("{error}"),
            }
        }
    };
    futures::join!(write, watch);
}

/// In one write, so that only a kill can tear a line.
fn report(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).unwrap();
    out.flush().unwrap();
}
