//! The world as a whole: deterministic, in the network's proportions, with correct expected events.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers included"
)]

mod verify;

use std::collections::{BTreeMap, BTreeSet};

use fanjet_simulator::{ExpectedKind, ProducedFrame, World, WorldConfig};

fn frames(config: &WorldConfig, count: usize) -> Vec<ProducedFrame> {
    let mut world = World::new(config).unwrap();
    (0..count).map(|_| world.next_frame()).collect()
}

fn small(seed: u64) -> WorldConfig {
    WorldConfig {
        seed,
        accounts: 20,
        records_per_repo: 20,
        ..WorldConfig::default()
    }
}

#[test]
fn the_seed_decides_everything() {
    let config = WorldConfig {
        seq_holes: 0.1,
        faults: ["garbage=every:7", "bad-cid=0.1", "duplicate=0.05"]
            .map(|rule| rule.parse().unwrap())
            .to_vec(),
        ..small(5)
    };
    let once = frames(&config, 400);
    assert_eq!(once, frames(&config, 400));
    let other = frames(&WorldConfig { seed: 6, ..config }, 400);
    assert!(std::iter::zip(&once, &other).all(|(a, b)| a.bytes != b.bytes));
}

/// Faults must not change the world, or runs with and without them could not be compared.
#[test]
fn faults_do_not_change_the_world() {
    let faulty = WorldConfig {
        faults: vec!["bad-cid=0.2".parse().unwrap()],
        ..small(5)
    };
    let good = frames(&small(5), 300);
    let faulty = frames(&faulty, 300);
    assert!(faulty.iter().any(|frame| frame.fault.is_some()));
    for (good, faulty) in std::iter::zip(&good, &faulty) {
        assert_eq!(good.seq, faulty.seq);
        assert_eq!(faulty.fault.is_none(), good.bytes == faulty.bytes);
    }
}

#[test]
fn the_clock_and_the_seq_start_as_configured() {
    let config = WorldConfig {
        start_us: 1_900_000_000_000_000,
        step_us: 50,
        seq_base: 77,
        ..small(1)
    };
    let frames = frames(&config, 50);
    let seqs: Vec<u64> = frames.iter().map(|frame| frame.seq).collect();
    assert_eq!(seqs, (78..128).collect::<Vec<_>>());
    for event in frames.iter().flat_map(|frame| &frame.expected) {
        assert!(
            event.time.starts_with("2030-03-17T17:46:40.0"),
            "{}",
            event.time
        );
    }
}

#[test]
fn proportions_are_those_of_the_network() {
    let mut collections: BTreeMap<String, f64> = BTreeMap::new();
    let (mut operations, mut others, mut deletes, mut multi, mut bytes) = (0.0, 0.0, 0.0, 0.0, 0);
    let config = WorldConfig {
        accounts: 100,
        multi_op_commits: 0.2,
        ..WorldConfig::default()
    };
    let frames = frames(&config, 6_000);
    for frame in &frames {
        bytes += frame.bytes.len();
        multi += f64::from(u8::from(frame.expected.len() > 1));
        for event in &frame.expected {
            match &event.kind {
                ExpectedKind::Commit {
                    collection, cid, ..
                } => {
                    operations += 1.0;
                    deletes += f64::from(u8::from(cid.is_none()));
                    *collections.entry(collection.clone()).or_default() += 1.0;
                }
                _ => others += 1.0,
            }
        }
    }
    let share = |collection: &str| collections[collection] / operations;
    for (collection, wanted, tolerance) in [
        ("app.bsky.feed.like", 0.60, 0.03),
        ("app.bsky.feed.post", 0.13, 0.02),
        ("app.bsky.graph.follow", 0.10, 0.02),
        ("app.bsky.feed.repost", 0.08, 0.02),
        ("app.bsky.graph.block", 0.02, 0.01),
        ("app.bsky.actor.profile", 0.01, 0.005),
    ] {
        let got = share(collection);
        assert!((got - wanted).abs() < tolerance, "{collection}: {got}");
    }
    let close = |name: &str, got: f64, wanted: f64, tolerance: f64| {
        assert!((got - wanted).abs() < tolerance, "{name}: {got}");
    };
    close("deletes", deletes / operations, 0.05, 0.015);
    close("no commits", others / frames.len() as f64, 0.012, 0.008);
    close("multi-op commits", multi / frames.len() as f64, 0.2, 0.03);
    let average = bytes / frames.len();
    assert!(
        (2_500..8_000).contains(&average),
        "{average} bytes per frame"
    );
}

#[test]
fn the_long_tail_is_long() {
    let config = WorldConfig {
        multi_op_commits: 1.0,
        records_per_repo: 5,
        accounts: 40,
        ..WorldConfig::default()
    };
    let mut world = World::new(&config).unwrap();
    let mut foreign = BTreeSet::new();
    let mut frames = 0;
    while foreign.len() < 500 {
        frames += 1;
        assert!(
            frames < 60_000,
            "only {} foreign collections",
            foreign.len()
        );
        for event in world.next_frame().expected {
            if let ExpectedKind::Commit { collection, .. } = event.kind
                && !collection.contains(".bsky.")
            {
                fanjet_event::Nsid::parse(&*collection).unwrap();
                foreign.insert(collection);
            }
        }
    }
}

#[test]
fn impossible_worlds_are_refused() {
    for config in [
        WorldConfig {
            accounts: 0,
            ..WorldConfig::default()
        },
        WorldConfig {
            start_us: 5,
            ..WorldConfig::default()
        },
        WorldConfig {
            seq_holes: 1.5,
            ..WorldConfig::default()
        },
    ] {
        let error = World::new(&config).unwrap_err();
        assert!(!error.is_retryable(), "{error}");
    }
}
