//! Every frame without a fault passes a strict verifier.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers included"
)]

mod verify;

use std::collections::BTreeSet;

use fanjet_simulator::{World, WorldConfig};
use verify::{Verifier, signing_key};

fn verifier(world: &World, dids: impl IntoIterator<Item = String>) -> Verifier {
    let mut verifier = Verifier::default();
    for did in dids {
        let document = world.directory().get(&did).expect("a DID document");
        let document = serde_json::from_str(&document).expect("JSON");
        verifier
            .keys
            .insert(did, signing_key(&document).expect("a secp256k1 key"));
    }
    verifier
}

fn check(config: &WorldConfig, frames: usize) -> Verifier {
    let mut world = World::new(config).unwrap();
    let frames: Vec<_> = (0..frames).map(|_| world.next_frame()).collect();
    let dids: BTreeSet<String> = frames
        .iter()
        .flat_map(|frame| &frame.expected)
        .map(|event| event.did.to_string())
        .collect();
    let mut verifier = verifier(&world, dids);
    for frame in &frames {
        assert_eq!(frame.fault, None);
        verifier.frame(&frame.bytes);
    }
    verifier
}

#[test]
fn ordinary_worlds() {
    for seed in 0..4 {
        let config = WorldConfig {
            seed,
            accounts: 60,
            seq_holes: 0.05,
            ..WorldConfig::default()
        };
        let verifier = check(&config, 700);
        assert!(verifier.commits > 650, "{} commits", verifier.commits);
    }
}

/// Small repos and many operations per commit: trees grow, shrink, lose their top and start over.
#[test]
fn tiny_busy_repos() {
    let config = WorldConfig {
        seed: 99,
        accounts: 4,
        did_web_accounts: 1,
        records_per_repo: 1,
        multi_op_commits: 0.9,
        ..WorldConfig::default()
    };
    let verifier = check(&config, 1200);
    assert!(verifier.syncs > 5, "{} syncs", verifier.syncs);
}

/// A verifier that accepts damage proves nothing.
#[test]
fn the_verifier_refuses_damaged_frames() {
    for fault in [
        "garbage",
        "truncated",
        "bad-cid",
        "missing-block",
        "too-big",
        "unknown-type",
        "invalid-rev",
        "invalid-collection",
        "invalid-rkey",
        "duplicate",
        "seq-gap",
    ] {
        let config = WorldConfig {
            accounts: 2,
            did_web_accounts: 0,
            records_per_repo: 20,
            faults: vec![format!("{fault}=every:10").parse().unwrap()],
            ..WorldConfig::default()
        };
        let mut world = World::new(&config).unwrap();
        let mut verifier = Verifier::default();
        let frames: Vec<_> = (0..60).map(|_| world.next_frame()).collect();
        let refused = frames.iter().position(|frame| {
            let check = std::panic::AssertUnwindSafe(|| verifier.frame(&frame.bytes));
            std::panic::catch_unwind(check).is_err()
        });
        let refused = refused.unwrap_or_else(|| panic!("{fault} passes"));
        let struck = frames.iter().position(|frame| frame.fault.is_some());
        assert!(Some(refused) >= struck, "{fault}: a good frame was refused");
    }
}

/// The verifier itself against frames and keys captured from the network.
#[test]
fn the_verifier_accepts_the_real_network() {
    #[allow(
        clippy::disallowed_methods,
        reason = "the corpus lies outside the project; only a test may look for it"
    )]
    let Ok(corpus) = std::env::var("FANJET_CORPUS") else {
        println!("skipped: FANJET_CORPUS is not set");
        return;
    };
    let corpus = std::path::Path::new(&corpus);
    let read = |name: &str| {
        let file = std::fs::File::open(corpus.join(name)).unwrap();
        zstd::decode_all(file).unwrap()
    };
    let documents: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&read("did_docs.json.zst")).unwrap();
    let mut verifier = Verifier::default();
    for (did, document) in &documents {
        if let Some(key) = signing_key(document) {
            verifier.keys.insert(did.clone(), key);
        }
    }
    assert!(verifier.keys.len() > 10);
    let frames = read("frames.bin.zst");
    let mut rest = &frames[..];
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let (frame, behind) = behind.split_at(u32::from_le_bytes(*length) as usize);
        verifier.frame(frame);
        rest = behind;
    }
    assert_eq!(verifier.commits, 90);
}
