//! Connections to an upstream: redirects, addresses, dead connections, and frames that are too long.

use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use fanjet_ingest::IngestConfig;
use fanjet_log::contract::whole;
use fanjet_log::memory::MemoryLog;
use fanjet_simulator::{ProducedFrame, Rate, Simulator, SimulatorConfig, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::harness::{Running, assert_log_equals_world, simulator, wait_for_last, world};
use crate::scripted_upstream::{Act, Behavior, Scripted, behind, frames, long_commit, message};

const OVERSIZED: &str = "fanjet_ingest_upstream_oversized_frames_total";
const CONNECTS: &str = "fanjet_ingest_upstream_disconnects_total{reason=\"connect\"}";
const STALE: &str = "fanjet_ingest_upstream_disconnects_total{reason=\"stale\"}";
const NOT_READING: &str = "fanjet_ingest_upstream_disconnects_total{reason=\"not_reading\"}";
const SILENT: &str = "fanjet_ingest_upstream_disconnects_total{reason=\"silent\"}";

fn disconnects(running: &Running) -> u64 {
    let reasons = [
        "connect",
        "closed",
        "broken",
        "silent",
        "stale",
        "refused",
        "not_reading",
    ];
    reasons
        .iter()
        .map(|reason| {
            let name = "fanjet_ingest_upstream_disconnects_total";
            running.counted(&format!("{name}{{reason=\"{reason}\"}}"))
        })
        .sum()
}

/// Answers every request with a redirect.
async fn redirecting(status: u16, to: impl Fn(&str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    #[allow(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let location = to(head.split(' ').nth(1).unwrap());
            let answer = format!(
                "HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 5\r\n\r\nthere"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    url
}

/// For any form of redirect and any number of broken connections, the cursor arrives at the target.
#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_followed_with_the_cursor() {
    for (seed, status) in [(600, 301), (601, 302), (602, 307), (603, 308)] {
        let frames = 1_000;
        let simulator = simulator(seed, frames, &["disconnect=every:150"]).await;
        let there = simulator.url().replace("ws://", "http://");
        let at_last = redirecting(status, move |target| format!("{there}{target}")).await;
        // The first redirect drops the query, as many do.
        let first = redirecting(status, move |target| {
            let path = target.split('?').next().unwrap();
            format!("{at_last}{path}")
        })
        .await;
        let log = Arc::new(MemoryLog::new());
        let running = Running::start(&first, &log);
        assert_log_equals_world(&*log, &simulator, frames, seed).await;
        assert_eq!(running.counted(CONNECTS), 0, "{status}");
        running.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_redirects_count_as_a_failed_connection() {
    let endless = redirecting(302, |target| target.to_owned()).await;
    let log = Arc::new(MemoryLog::new());
    let running = Running::start(&endless, &log);
    running
        .until("it was given up and tried again", |running| {
            running.counted(CONNECTS) >= 2
        })
        .await;
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_at_an_ipv6_literal_is_read() {
    let (seed, frames) = (610, 500);
    let simulator = Simulator::start(SimulatorConfig {
        source: Source::World(world(seed, &[])),
        listen: SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
        rate: Rate::Max,
        limit: Some(frames),
        wait_for_client: true,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap();
    let (url, port) = (simulator.url(), simulator.port());
    assert!(url.starts_with("ws://[::1]:"), "{url}");
    let log = Arc::new(MemoryLog::new());
    let running = Running::start_with(log.clone(), |config| config.upstream.url = url);
    assert_log_equals_world(&*log, &simulator, frames, seed).await;
    let entries = whole(&*log).await;
    assert_eq!(entries[0].origin.upstream.as_str(), format!("::1.{port}"));
    running.stop().await.unwrap();
}

/// Sends the first half, and on the next connection the frames after the cursor.
fn halves(frames: &[ProducedFrame]) -> Vec<Act> {
    let (first, all) = (frames[..frames.len() / 2].to_vec(), frames.to_vec());
    vec![
        Box::new(move |cursor| behind(&first, cursor)),
        Box::new(move |cursor| behind(&all, cursor)),
    ]
}

fn quickly(
    upstream: &Scripted,
    change: impl FnOnce(&mut IngestConfig),
) -> (Arc<MemoryLog>, Running) {
    let log = Arc::new(MemoryLog::new());
    let url = upstream.url.clone();
    let running = Running::start_with(log.clone(), |config| {
        config.upstream.url = url;
        config.upstream.name = "simulator".to_owned();
        change(config);
    });
    (log, running)
}

async fn assert_log_has(log: &MemoryLog, frames: &[ProducedFrame], seed: u64) {
    let expected: Vec<_> = frames.iter().flat_map(|frame| &frame.expected).collect();
    wait_for_last(log, expected.len() as u64, seed).await;
    let found: Vec<_> = whole(log)
        .await
        .iter()
        .map(|entry| (entry.origin.relay_seq, entry.origin.op_index))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|event| (event.relay_seq, event.op_index))
        .collect();
    assert_eq!(found, expected, "seed {seed}");
}

/// It answers pings, so it is alive, but sends no frames.
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_single_upstream_is_reconnected_at_the_cursor() {
    let seed = 620;
    let frames = frames(seed, 40);
    let upstream = Scripted::start(Behavior::Lively, halves(&frames)).await;
    let (log, running) = quickly(&upstream, |config| {
        config.upstream.ping_interval = Duration::from_millis(100);
        config.upstream.stale_after = Duration::from_millis(600);
    });
    assert_log_has(&log, &frames, seed).await;
    assert!(running.counted(STALE) >= 1);
    assert_eq!(running.counted(SILENT), 0);
    // Before the newest frame, whose repetition shows whether the upstream has kept its sequence.
    assert_eq!(upstream.asked()[..2], [None, Some(frames[19].seq - 1)]);
    running.stop().await.unwrap();
}

/// Pings get no answer for twice their interval. The setting for stale upstreams does not matter.
#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_answers_no_ping_is_reconnected_at_the_cursor() {
    let seed = 621;
    let frames = frames(seed, 40);
    let upstream = Scripted::start(Behavior::Dead, halves(&frames)).await;
    let (log, running) = quickly(&upstream, |config| {
        config.upstream.ping_interval = Duration::from_millis(200);
    });
    assert_log_has(&log, &frames, seed).await;
    assert!(running.counted(SILENT) >= 1);
    assert_eq!(running.counted(STALE), 0);
    // Before the newest frame, whose repetition shows whether the upstream has kept its sequence.
    assert_eq!(upstream.asked()[..2], [None, Some(frames[19].seq - 1)]);
    running.stop().await.unwrap();
}

/// It never reads the pongs to its pings. They must not accumulate.
#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_reads_no_pongs_is_reconnected_at_the_cursor() {
    let seed = 622;
    let frames = frames(seed, 40);
    let upstream = Scripted::start(Behavior::Deaf, halves(&frames)).await;
    let (log, running) = quickly(&upstream, |_| {});
    assert_log_has(&log, &frames, seed).await;
    assert!(running.counted(NOT_READING) >= 1);
    assert_eq!(disconnects(&running), running.counted(NOT_READING));
    assert_eq!(upstream.asked()[..2], [None, Some(frames[19].seq - 1)]);
    running.stop().await.unwrap();
}

/// It sends pings without a pause, reads the pongs, and sends no more frames.
#[tokio::test(flavor = "multi_thread")]
async fn a_single_upstream_that_sends_only_pings_goes_stale_too() {
    let seed = 623;
    let frames = frames(seed, 40);
    let upstream = Scripted::start(Behavior::Chatty, halves(&frames)).await;
    let (log, running) = quickly(&upstream, |config| {
        config.upstream.stale_after = Duration::from_secs(1);
    });
    assert_log_has(&log, &frames, seed).await;
    assert!(running.counted(STALE) >= 1);
    assert_eq!(running.counted(NOT_READING), 0);
    running.stop().await.unwrap();
}

const LIMIT: usize = 200_000;

/// All frames after a cursor, with another message in place of one of them.
fn with_one_replaced(
    frames: &[ProducedFrame],
    at: usize,
    replaced: Vec<u8>,
) -> impl Fn(Option<u64>) -> Vec<u8> + Clone + Send + 'static {
    let frames = frames.to_vec();
    move |cursor| {
        let mut sent = Vec::new();
        for (index, frame) in frames.iter().enumerate() {
            if cursor.is_some_and(|cursor| frame.seq <= cursor) {
                continue;
            }
            match index == at {
                true => sent.extend(&replaced),
                false => sent.extend(message(&frame.bytes)),
            }
        }
        sent
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_above_the_limit_is_skipped_on_the_same_connection() {
    let (seed, at) = (630, 20);
    let frames = frames(seed, 40);
    for len in [LIMIT + 1, 20 * LIMIT] {
        let long = message(&long_commit(frames[at].seq, len));
        let act = with_one_replaced(&frames, at, long);
        let upstream = Scripted::start(Behavior::Lively, vec![Box::new(act)]).await;
        let (log, running) = quickly(&upstream, |config| config.upstream.max_frame_bytes = LIMIT);
        let mut others = frames.clone();
        others.remove(at);
        assert_log_has(&log, &others, seed).await;
        assert_eq!(running.counted(OVERSIZED), 1);
        assert_eq!(running.drops("undecodable"), 0);
        assert_eq!(disconnects(&running), 0);
        assert_eq!(upstream.asked(), [None]);
        running.stop().await.unwrap();
    }
}

/// A frame of the largest allowed size is read like any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_frame_of_exactly_the_limit_is_read() {
    let (seed, at) = (631, 3);
    let frames = frames(seed, 6);
    let long = message(&long_commit(frames[at].seq, LIMIT));
    let act = with_one_replaced(&frames, at, long);
    let upstream = Scripted::start(Behavior::Lively, vec![Box::new(act)]).await;
    let (log, running) = quickly(&upstream, |config| config.upstream.max_frame_bytes = LIMIT);
    let mut others = frames.clone();
    others.remove(at);
    assert_log_has(&log, &others, seed).await;
    assert_eq!(running.counted(OVERSIZED), 0);
    // The decoder receives it and finds that it is not a commit.
    running
        .until("the frame is counted", |running| {
            running.drops("undecodable") == 1
        })
        .await;
    running.stop().await.unwrap();
}

/// Such a frame is the first of every connection until it is skipped: by its seq if its first bytes contain that, or else
/// one seq at a time.
#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_never_ends_is_skipped() {
    let (seed, at) = (632, 20);
    let frames = frames(seed, 40);
    let announced = |beginning: &[u8]| {
        let mut message = vec![0x82, 127];
        message.extend((1_u64 << 62).to_be_bytes());
        message.extend(beginning);
        message
    };
    for beginning in [
        long_commit(frames[at].seq, 1000).to_vec(),
        b"nothing that says a seq".to_vec(),
    ] {
        let endless = announced(&beginning);
        // Nothing follows its first bytes. The other frames arrive once it is skipped.
        let before = with_one_replaced(&frames[..=at], at, endless);
        let all = frames.clone();
        let seq = frames[at].seq;
        let act = move |cursor: Option<u64>| match cursor {
            Some(cursor) if cursor >= seq => behind(&all, Some(cursor)),
            cursor => before(cursor),
        };
        let acts = (0..10).map(|_| Box::new(act.clone()) as Act).collect();
        let upstream = Scripted::start(Behavior::Endless, acts).await;
        let (log, running) = quickly(&upstream, |config| {
            config.upstream.max_frame_bytes = LIMIT;
            config.upstream.ping_interval = Duration::from_millis(200);
        });
        let mut others = frames.clone();
        others.remove(at);
        assert_log_has(&log, &others, seed).await;
        assert!(running.counted(OVERSIZED) >= 1);
        assert_eq!(upstream.asked()[..2], [None, Some(frames[at].seq)]);
        running.stop().await.unwrap();
    }
}
