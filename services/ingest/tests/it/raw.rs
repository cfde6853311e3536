//! The raw log beside the log of events: the upstream's frames, each once, in order, byte for byte.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanjet_event::Topic;
use fanjet_firehose::{Frame, decode_frame, with_seq};
use fanjet_ingest::{Candidacy, Ingest, IngestConfig, IngestError};
use fanjet_log::contract::whole;
use fanjet_log::memory::{Fault, MemoryBookmarks, MemoryLease, MemoryLog};
use fanjet_log::{Entry, EventLog, RawLog};
use fanjet_runtime::{Stop, SystemClock};
use fanjet_simulator::{CursorHabit, Rate, Simulator, SimulatorConfig, SimulatorHandle, Source};
use fanjet_telemetry::{Health, Metrics};
use fanjet_testkit::corpus::Corpus;
use futures::StreamExt;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{PATIENCE, assert_log_equals_world, candidate, host, wait_for_last, world};
use crate::relays::{OFFSET, for_a_client, quick, relay};

/// Both logs, and where the raw one's reader was while nothing of it is kept.
#[derive(Default)]
struct Logs {
    events: Arc<MemoryLog>,
    raw: Arc<MemoryLog>,
    positions: Arc<MemoryBookmarks>,
    raw_positions: Arc<MemoryBookmarks>,
}

/// An ingest that writes both.
struct Both {
    stop: Stop,
    task: JoinHandle<Result<(), IngestError>>,
    metrics: Metrics,
    health: Health,
}

impl Both {
    fn start(logs: &Logs, change: impl FnOnce(&mut IngestConfig)) -> Self {
        Self::start_as(Candidacy::alone("test").unwrap(), logs, change)
    }

    fn reading(logs: &Logs, simulator: &SimulatorHandle) -> Self {
        let url = simulator.url();
        Self::start(logs, |config| {
            config.upstream.url = url;
            config.upstream.name = "simulator".to_owned();
        })
    }

    fn start_as(candidacy: Candidacy, logs: &Logs, change: impl FnOnce(&mut IngestConfig)) -> Self {
        let mut config = IngestConfig::default();
        config.upstream.reconnect_min = Duration::from_millis(5);
        config.upstream.reconnect_max = Duration::from_millis(50);
        change(&mut config);
        let metrics = Metrics::new().unwrap();
        let events: Arc<dyn EventLog> = logs.events.clone();
        let raw = RawLog::opened(logs.raw.clone(), logs.raw_positions.clone());
        let ingest = Ingest::new(
            config,
            events,
            Arc::new(SystemClock),
            &metrics.meter("test"),
        )
        .unwrap()
        .recording(logs.positions.clone())
        .with_raw_log(raw, &metrics.meter("raw"))
        .unwrap();
        let health = ingest.health();
        let stop = Stop::new();
        let asked = stop.clone();
        #[allow(
            clippy::disallowed_methods,
            reason = "the handle is the test's, and awaited by it"
        )]
        let task = tokio::spawn(async move { ingest.run(candidacy, asked).await });
        Self {
            stop,
            task,
            metrics,
            health,
        }
    }

    async fn stop(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.task).await;
        ended.unwrap().unwrap().unwrap();
    }

    /// As a killed process: nothing is finished.
    async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }

    fn counted(&self, name: &str) -> u64 {
        let text = String::from_utf8(self.metrics.render().unwrap()).unwrap();
        let value = text.lines().find_map(|line| {
            line.strip_prefix(name)?
                .strip_prefix(' ')?
                .parse::<f64>()
                .ok()
        });
        value.unwrap_or_default() as u64
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !is_so(self) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            let metrics = String::from_utf8(self.metrics.render().unwrap()).unwrap();
            panic!("never came true: {what}\n{metrics}");
        }
    }
}

/// What a plain client of the upstream gets, from its first retained frame on.
async fn sent(simulator: &SimulatorHandle, frames: usize) -> Vec<Bytes> {
    let url = format!(
        "{}/xrpc/com.atproto.sync.subscribeRepos?cursor=0",
        simulator.url()
    );
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let mut sent = Vec::new();
    while sent.len() < frames {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await;
        if let Message::Binary(frame) = message.unwrap().unwrap().unwrap()
            && decode_frame(&frame).is_ok_and(|frame| frame.seq().is_some())
        {
            sent.push(frame);
        }
    }
    sent
}

fn wire_seq(entry: &Entry) -> u64 {
    match &entry.topic {
        Topic::Frame(stamp) => stamp.wire_seq,
        _ => panic!("{entry:?} is no frame"),
    }
}

/// Compares with what the upstream sent: the same frames, and beside each what its bytes say.
async fn assert_raw_equals(log: &MemoryLog, sent: &[Bytes]) {
    wait_for_last(log, sent.len() as u64, 0).await;
    let entries = whole(log).await;
    for (entry, frame) in entries.iter().zip(sent) {
        assert_eq!(entry.body, frame, "seq {}", entry.seq);
        let seq = decode_frame(frame).unwrap().seq().unwrap();
        assert_eq!((wire_seq(entry), entry.origin.relay_seq), (seq, seq));
    }
    assert_eq!(entries.len(), sent.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_frame_is_in_the_raw_log_once_in_order_byte_for_byte() {
    let (seed, frames) = (900, 1_500);
    let simulator = Simulator::start(SimulatorConfig {
        source: Source::World(world(seed, &[])),
        rate: Rate::Max,
        limit: Some(frames),
        is_paused: true,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap();
    let logs = Logs::default();
    let running = Both::reading(&logs, &simulator);
    simulator.wait_for_clients(2).await;
    simulator.resume();
    assert_log_equals_world(&*logs.events, &simulator, frames, seed).await;
    let sent = sent(&simulator, frames as usize).await;
    assert_raw_equals(&logs.raw, &sent).await;
    let appended = |running: &Both| running.counted("fanjet_ingest_raw_events_total") == frames;
    running.until("all are counted", appended).await;
    running.stop().await;
}

/// The frames of production, when they are present.
#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_frames_are_kept_byte_for_byte() {
    let Some(corpus) = Corpus::from_env().unwrap() else {
        eprintln!("skipped: no corpus");
        return;
    };
    let frames: Vec<Bytes> = corpus.frames.into_iter().map(Bytes::from).collect();
    let recording = tempfile::NamedTempFile::new().unwrap();
    let mut framed = Vec::new();
    for frame in &frames {
        framed.extend_from_slice(&u32::try_from(frame.len()).unwrap().to_le_bytes());
        framed.extend_from_slice(frame);
    }
    std::fs::write(recording.path(), framed).unwrap();
    let simulator = Simulator::start(SimulatorConfig {
        source: Source::Recording(recording.path().to_owned()),
        rate: Rate::Max,
        is_paused: true,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap();
    let logs = Logs::default();
    let running = Both::reading(&logs, &simulator);
    simulator.wait_for_clients(2).await;
    simulator.resume();
    assert_eq!(frames.len(), 92);
    assert_raw_equals(&logs.raw, &frames).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_log_that_takes_nothing_does_not_hold_up_the_other_and_misses_nothing() {
    let simulator = host(910, CursorHabit::default()).await;
    let logs = Logs::default();
    let running = Both::reading(&logs, &simulator);
    simulator.wait_for_clients(2).await;
    simulator.publish(50).await;
    wait_for_last(&*logs.raw, 50, 910).await;

    logs.raw.inject(Fault::AppendFails, u64::MAX);
    simulator.publish(200).await;
    let events = simulator.expected().len() as u64;
    wait_for_last(&*logs.events, events, 910).await;
    running
        .until("it is reported", |running| {
            let report = running.health.report();
            report.ready && report.facts["raw"].contains("not writable")
        })
        .await;
    assert_eq!(logs.raw.bounds().await.unwrap().last, 50);

    logs.raw.withdraw(Fault::AppendFails);
    assert_raw_equals(&logs.raw, &sent(&simulator, 250).await).await;
    running
        .until("it is well", |running| {
            running.health.report().facts["raw"] == "ok"
        })
        .await;
    running.stop().await;
}

/// The two logs end at different frames, and each continues at its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_leader_is_followed_without_loss_or_repetition_in_both_logs() {
    let simulator = host(920, CursorHabit::default()).await;
    let logs = Logs::default();
    let mut published = 0;
    for round in 0..8 {
        let running = Both::reading(&logs, &simulator);
        simulator.wait_for_clients(2).await;
        for fault in [Fault::PartlyStored, Fault::AnswerLost] {
            logs.raw.inject(fault, 1);
        }
        simulator.publish(120).await;
        published += 120;
        if round % 2 == 0 {
            // In the middle of its work.
            wait_for_last(&*logs.raw, published - 60, 920).await;
            running.kill().await;
        } else {
            running.stop().await;
        }
    }
    let running = Both::reading(&logs, &simulator);
    assert_log_equals_world(&*logs.events, &simulator, published, 920).await;
    assert_raw_equals(&logs.raw, &sent(&simulator, published as usize).await).await;
    assert!(logs.raw.fired(Fault::PartlyStored) > 0 && logs.raw.fired(Fault::AnswerLost) > 0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_continues_both_logs() {
    let simulator = host(930, CursorHabit::default()).await;
    let (logs, lease) = (Logs::default(), MemoryLease::default());
    let start = |name: &str| {
        let url = simulator.url();
        Both::start_as(candidate(&lease, name), &logs, |config| {
            config.upstream.url = url;
            config.upstream.name = "simulator".to_owned();
        })
    };
    let first = start("first");
    simulator.wait_for_clients(2).await;
    simulator.publish(100).await;
    wait_for_last(&*logs.raw, 100, 930).await;
    let second = start("second");
    first.kill().await;
    simulator.publish(100).await;
    assert_log_equals_world(&*logs.events, &simulator, 200, 930).await;
    assert_raw_equals(&logs.raw, &sent(&simulator, 200).await).await;
    second.stop().await;
}

/// Two writers of one raw log without a lease: each frame is logged once all the same.
#[tokio::test(flavor = "multi_thread")]
async fn two_writers_leave_one_history() {
    let simulator = host(940, CursorHabit::default()).await;
    let logs = Logs::default();
    let first = Both::reading(&logs, &simulator);
    simulator.wait_for_clients(2).await;
    simulator.publish(30).await;
    wait_for_last(&*logs.raw, 30, 940).await;
    // With a log of events of its own, so that only the raw log is contested.
    let other = Logs {
        raw: logs.raw.clone(),
        ..Logs::default()
    };
    let second = Both::reading(&other, &simulator);
    simulator.wait_for_clients(4).await;
    for _ in 0..10 {
        simulator.publish(30).await;
        tokio::task::yield_now().await;
    }
    assert_raw_equals(&logs.raw, &sent(&simulator, 330).await).await;
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_repeats_no_frame_and_the_numbers_rise() {
    let seed = 950;
    // The fallback numbers far below the first one.
    let second = relay(seed, 0, |_| {}).await;
    second.pause();
    let first = relay(seed, OFFSET, for_a_client).await;
    second.resume();
    let logs = Logs::default();
    let running = Both::start(&logs, quick(&first, &second));
    wait_for_last(&*logs.raw, 500, seed).await;
    first.go_down();
    let renumbered = "fanjet_ingest_raw_wire_seqs_changed_total";
    running
        .until("frames of the second one are logged", |running| {
            running.counted(renumbered) >= 200
        })
        .await;
    first.go_up();
    running
        .until("the first one is read again", |running| {
            running.counted("fanjet_ingest_raw_upstream_switches_total{reason=\"preferred\"}") == 1
        })
        .await;
    let last = logs.raw.bounds().await.unwrap().last;
    wait_for_last(&*logs.raw, last + 300, seed).await;
    second.pause();
    first.pause();
    running.stop().await;

    let entries = whole(&*logs.raw).await;
    let numbers: Vec<u64> = entries.iter().map(wire_seq).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "they rise strictly");
    let mut commits = HashSet::new();
    for entry in &entries {
        let frame = decode_frame(&entry.body).unwrap();
        assert_eq!(frame.seq(), Some(wire_seq(entry)));
        if let Frame::Commit(commit) = frame {
            let is_new = commits.insert((commit.repo.to_owned(), commit.rev.to_owned()));
            assert!(is_new, "{} {} twice", commit.repo, commit.rev);
        }
    }
    // The world in one order: what the low relay sent, each frame once, and nothing missing between the first and the last.
    let produced = usize::try_from(second.produced()).unwrap();
    let low = sent(&second, produced).await;
    let plain = |bytes: &[u8]| with_seq(bytes, 0).unwrap();
    let low: Vec<_> = low.iter().map(|frame| plain(frame)).collect();
    let logged: Vec<_> = entries.iter().map(|entry| plain(&entry.body)).collect();
    let begin = low.iter().position(|frame| *frame == logged[0]).unwrap();
    let common = logged.len().min(low.len() - begin);
    assert!(common >= 900, "{common}");
    assert_eq!(logged[..common], low[begin..begin + common]);
}

/// While it was off the upstream dropped what followed: the gap is counted, and the numbers rise over it.
#[tokio::test(flavor = "multi_thread")]
async fn frames_that_the_upstream_no_longer_has_are_a_counted_gap() {
    let seed = 950;
    let simulator = Simulator::start(SimulatorConfig {
        source: Source::World(world(seed, &[])),
        is_paused: true,
        history_frames: 100,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap();
    let logs = Logs::default();
    let running = Both::reading(&logs, &simulator);
    simulator.wait_for_clients(2).await;
    simulator.publish(80).await;
    wait_for_last(&*logs.raw, 80, seed).await;
    running.stop().await;
    simulator.publish(400).await;
    let running = Both::reading(&logs, &simulator);
    running
        .until("the loss is counted", |it| {
            it.counted("fanjet_ingest_raw_upstream_losses_total") == 1
        })
        .await;
    simulator.publish(20).await;
    wait_for_last(&*logs.raw, 200, seed).await;
    running.stop().await;
    let entries = whole(&*logs.raw).await;
    let numbers: Vec<u64> = entries.iter().map(|entry| entry.origin.relay_seq).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next));
    let kept = sent(&simulator, 100).await;
    let tail = entries[entries.len() - 100..].iter();
    assert!(tail.map(|entry| &entry.body).eq(&kept));
}
