//! The expected events are what an independent consumer derives from the bytes, with and without faults.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers included"
)]

mod client;
mod consumer;
mod verify;

use std::collections::BTreeMap;
use std::time::Duration;

use client::{Client, config, get, world};
use consumer::{Consumer, Event};
use fanjet_simulator::{
    ExpectedEvent, ExpectedKind, FaultKind, ProducedFrame, Simulator, SimulatorConfig, Source,
    World, WorldConfig,
};

fn promised(event: &ExpectedEvent) -> Event {
    let json = match (&event.kind, event.v1_json(0)) {
        (ExpectedKind::Sync { rev, .. }, None) => rev.clone(),
        (_, json) => json.unwrap(),
    };
    Event {
        relay_seq: event.relay_seq,
        place: (event.op_index, event.op_count),
        json,
    }
}

fn frames(config: &WorldConfig, count: usize) -> Vec<ProducedFrame> {
    let mut world = World::new(config).unwrap();
    (0..count).map(|_| world.next_frame()).collect()
}

fn compare(frames: &[ProducedFrame]) -> usize {
    let mut consumer = Consumer::default();
    let mut events = 0;
    for frame in frames {
        let promised: Vec<Event> = frame.expected.iter().map(promised).collect();
        assert_eq!(consumer.frame(&frame.bytes), promised, "{:?}", frame.fault);
        events += promised.len();
    }
    events
}

#[test]
fn good_frames_give_what_is_promised() {
    let mut everything = String::new();
    for seed in 2..6 {
        let config = WorldConfig {
            seed,
            accounts: 40,
            multi_op_commits: 0.3,
            ..WorldConfig::default()
        };
        let frames = frames(&config, 1_000);
        assert!(compare(&frames) > 1_500);
        for event in frames.iter().flat_map(|frame| &frame.expected) {
            everything.extend(event.v1_json(0));
        }
    }
    // The sample must contain everything that is hard.
    for hard in [
        "$bytes",
        "$link",
        "blob",
        "\\u0026",
        "\\u003c",
        "\\u2028",
        "\\n",
        "\\t",
        "\\\\",
        "\\\"",
        "null",
        "e+",
        "e-",
        "123,",
        "9223372036854775807",
        "-9223372036854775808",
        "byteStart",
        "今日は",
        "👩‍🚀",
        "recordWithMedia",
        "\"reply\"",
        "\"näme\"",
        "[[",
        "\"operation\":\"update\"",
        "\"operation\":\"delete\"",
        "\"handle\":",
        "\"status\":\"takendown\"",
        "did:web:",
    ] {
        assert!(everything.contains(hard), "no {hard}");
    }
}

#[test]
fn every_fault_of_bytes_strikes_and_loses_what_is_promised() {
    for kind in FaultKind::ALL {
        if kind.is_of_connection() {
            continue;
        }
        let rule = format!("{kind}=every:10");
        let config = WorldConfig {
            faults: vec![rule.parse().unwrap()],
            multi_op_commits: 0.5,
            ..world()
        };
        // These take a plain consumer some seconds each.
        let (count, least) = match kind {
            FaultKind::Inflated => (60, 5),
            _ => (600, 50),
        };
        let frames = frames(&config, count);
        compare(&frames);
        let struck = frames.iter().filter(|frame| frame.fault == Some(kind));
        assert!(struck.clone().count() >= least, "{kind}");
        let lost = struck
            .clone()
            .filter(|frame| frame.expected.is_empty())
            .count();
        let spared = struck.filter(|frame| !frame.expected.is_empty()).count();
        match kind {
            FaultKind::SeqGap => assert_eq!(lost, 0),
            FaultKind::BadCid
            | FaultKind::MissingBlock
            | FaultKind::InvalidCollection
            | FaultKind::InvalidRkey
            | FaultKind::MalformedOp
            | FaultKind::UnknownAction
            | FaultKind::InvalidPath
            | FaultKind::MissingCid
            | FaultKind::InvalidRecord
            | FaultKind::TooLarge
            | FaultKind::NotInTree
            | FaultKind::StillInTree
            | FaultKind::MissingNode => assert!(lost > 0 && spared > 0, "{kind} {lost} {spared}"),
            _ => assert_eq!(spared, 0, "{kind}"),
        }
        if kind == FaultKind::SeqGap {
            let gaps = frames
                .windows(2)
                .filter(|pair| pair[1].seq > pair[0].seq + 1)
                .count();
            assert!(gaps >= 50, "{gaps} gaps");
        }
    }
}

/// A world with all byte faults at once, served: the received frames are the generated ones, and each fault is counted.
#[tokio::test]
async fn faults_are_served_and_counted() {
    let of_bytes = FaultKind::ALL
        .into_iter()
        .filter(|kind| !kind.is_of_connection());
    let world = WorldConfig {
        faults: of_bytes
            .map(|kind| format!("{kind}=0.02").parse().unwrap())
            .collect(),
        ..world()
    };
    let frames = frames(&world, 1_500);
    let simulator = Simulator::start(SimulatorConfig {
        source: Source::World(world),
        limit: Some(1_500),
        ..config()
    })
    .await
    .unwrap();
    let mut client = Client::connect(&simulator, "?cursor=0").await;
    for frame in &frames {
        assert_eq!(client.next().await.unwrap(), frame.bytes);
    }
    let mut struck: BTreeMap<&str, u64> = BTreeMap::new();
    for fault in frames.iter().filter_map(|frame| frame.fault) {
        *struck.entry(fault.as_str()).or_default() += 1;
    }
    assert_eq!(struck.len(), FaultKind::ALL.len() - 3);
    let counted = simulator.stats().faults;
    for (kind, count) in &counted {
        assert_eq!(*count, struck.get(kind).copied().unwrap_or(0), "{kind}");
    }
    let (_, stats) = get(&simulator, "/stats").await;
    let stats: serde_json::Value = serde_json::from_str(&stats).unwrap();
    assert_eq!(stats["faults"], serde_json::json!(counted));
    let all: Vec<ExpectedEvent> = frames
        .into_iter()
        .flat_map(|frame| frame.expected)
        .collect();
    assert_eq!(simulator.expected(), all);
    simulator.shutdown().await.unwrap();
}

#[tokio::test]
async fn cut_connections_lose_nothing_after_a_reconnect() {
    let simulator = Simulator::start(SimulatorConfig {
        source: Source::World(WorldConfig {
            faults: ["disconnect=every:50", "stall=every:75", "too-slow=every:90"]
                .map(|rule| rule.parse().unwrap())
                .to_vec(),
            ..world()
        }),
        limit: Some(310),
        backlog: 310,
        stall: Duration::from_millis(5),
        ..config()
    })
    .await
    .unwrap();
    let mut consumer = Consumer::default();
    let mut events = Vec::new();
    let (mut cursor, mut received, mut connections) = (0, 0, 0);
    while received < 310 {
        connections += 1;
        let mut client = Client::connect(&simulator, &format!("?cursor={cursor}")).await;
        while received < 310
            && let Some(frame) = client.next().await
        {
            // The error frame of a client that is too slow has none.
            let Some(seq) = verify::Frame::decode(&frame).unwrap().seq() else {
                continue;
            };
            cursor = seq;
            received += 1;
            events.extend(consumer.frame(&frame));
        }
    }
    let stats = simulator.stats();
    assert_eq!(stats.fault(FaultKind::Disconnect), 6);
    assert_eq!(stats.fault(FaultKind::Stall), 4);
    assert_eq!(stats.fault(FaultKind::TooSlow), 3);
    assert_eq!(connections, 10);
    let promised: Vec<Event> = simulator.expected().iter().map(promised).collect();
    assert_eq!(events, promised);
    simulator.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_file_of_expected_events_has_one_line_each() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("expected.jsonl");
    let simulator = Simulator::start(SimulatorConfig {
        expect_out: Some(path.clone()),
        backlog: 80,
        limit: Some(80),
        ..config()
    })
    .await
    .unwrap();
    let events = simulator.expected();
    simulator.shutdown().await.unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), events.len());
    for (line, event) in std::iter::zip(lines, &events) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["relay_seq"], event.relay_seq);
        assert_eq!(line["did"], event.did.as_str());
        assert_eq!(line["v1"], serde_json::json!(event.v1_json(0)));
    }
}
