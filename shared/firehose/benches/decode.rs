//! Decoding speed: frames, CARs and records, and the oracle on the same frames for comparison.
//!
//! Frames are the captured ones if `FANJET_CORPUS` is set, otherwise generated. One "item" is one frame (or one
//! record); allocations are counted per sample.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark may stop at the first error"
)]

#[path = "../tests/support/corpus.rs"]
mod corpus;

use corpus::Corpus;
use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher, black_box};
use fanjet_event::Cid;
use fanjet_firehose::oracle::build::Node;
use fanjet_firehose::oracle::repo;
use fanjet_firehose::{Claim, Commit, Frame, OpenCommit, decode_frame, oracle, write_record_json};
use smallvec::SmallVec;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// Everything ingest does to a frame except the signature.
#[divan::bench]
fn full(bencher: Bencher<'_, '_>) {
    let frames = frames();
    let mut out = Vec::with_capacity(1 << 20);
    bencher
        .counter(ItemsCount::new(frames.len()))
        .bench_local(|| {
            for frame in &frames {
                out.clear();
                decode(frame, &mut out);
                black_box(&out);
            }
        });
}

/// Header and body only.
#[divan::bench]
fn header_and_body(bencher: Bencher<'_, '_>) {
    let frames = frames();
    bencher
        .counter(ItemsCount::new(frames.len()))
        .bench_local(|| {
            for frame in &frames {
                black_box(decode_frame(frame).unwrap());
            }
        });
}

/// The commits' CARs, with the operations' blocks looked up and hashed.
#[divan::bench]
fn car_and_cids(bencher: Bencher<'_, '_>) {
    let frames = frames();
    let commits = commits(&frames);
    bencher
        .counter(ItemsCount::new(commits.len()))
        .bench_local(|| {
            for commit in &commits {
                black_box(commit.open().unwrap().operations().count());
            }
        });
}

/// As above, with every operation proven by the tree.
#[divan::bench]
fn car_cids_and_proof(bencher: Bencher<'_, '_>) {
    let frames = frames();
    let commits = commits(&frames);
    bencher
        .counter(ItemsCount::new(commits.len()))
        .bench_local(|| {
            for commit in &commits {
                black_box(prove(&commit.open().unwrap()));
            }
        });
}

/// Reads the commits' CARs, without lookups.
#[divan::bench]
fn car_slice(bencher: Bencher<'_, '_>) {
    let frames = frames();
    let commits = commits(&frames);
    bencher
        .counter(ItemsCount::new(commits.len()))
        .bench_local(|| {
            for commit in &commits {
                let _unread = black_box(commit.open().unwrap());
            }
        });
}

/// Records to JSON.
#[divan::bench]
fn record_json(bencher: Bencher<'_, '_>) {
    let frames = frames();
    let commits = commits(&frames);
    let open: Vec<_> = commits
        .iter()
        .map(|commit| commit.open().unwrap())
        .collect();
    let records: Vec<_> = open
        .iter()
        .flat_map(OpenCommit::operations)
        .filter_map(|(_, operation)| operation.unwrap().content)
        .map(|content| content.record)
        .collect();
    let mut out = Vec::with_capacity(1 << 20);
    bencher
        .counter(ItemsCount::new(records.len()))
        .bench_local(|| {
            for record in &records {
                out.clear();
                write_record_json(record, &mut out).unwrap();
                black_box(&out);
            }
        });
}

/// The largest record of nested maps with the maximum depth: the worst case of a single record.
#[divan::bench]
fn hostile_record(bencher: Bencher<'_, '_>) {
    let mut value = Node::List(vec![
        Node::map([("b", Node::Null), ("a", Node::Null)]);
        145_000 / 2
    ]);
    for _ in 0..125 {
        value = Node::map([("b", value), ("a", Node::Null)]);
    }
    let record = value.encode();
    let mut out = Vec::with_capacity(8 << 20);
    bencher
        .counter(BytesCount::new(record.len()))
        .bench_local(|| {
            out.clear();
            write_record_json(&record, &mut out).unwrap();
            black_box(&out);
        });
}

/// As many operations, each with its block, as fit in 5 MB.
#[divan::bench]
fn hostile_commit(bencher: Bencher<'_, '_>) {
    let records: Vec<_> = (0..40_000u32)
        .map(|number| Node::Unsigned(number.into()).encode())
        .collect();
    let frame = repo::creating_frame(&records);
    bencher
        .counter(BytesCount::new(frame.len()))
        .bench_local(|| {
            for commit in commits(std::slice::from_ref(&frame)) {
                black_box(prove(&commit.open().unwrap()));
            }
        });
}

/// The oracle: serde_ipld_dagcbor, iroh-car, serde_json.
#[divan::bench]
fn full_oracle(bencher: Bencher<'_, '_>) {
    let frames = frames();
    bencher
        .counter(ItemsCount::new(frames.len()))
        .bench_local(|| {
            for frame in &frames {
                black_box(oracle::read_frame(frame).unwrap().operations().ok());
            }
        });
}

fn decode(frame: &[u8], out: &mut Vec<u8>) {
    if let Frame::Commit(commit) = decode_frame(frame).unwrap() {
        let open = commit.open().unwrap();
        prove(&open);
        for (_, operation) in open.operations() {
            if let Some(content) = operation.unwrap().content {
                write_record_json(content.record, out).unwrap();
            }
        }
    }
}

/// All operations, each of them true.
fn prove(open: &OpenCommit<'_>) -> usize {
    let operations = open.operations().map(|(_, operation)| operation.unwrap());
    let mut claims: SmallVec<[Claim<'_>; 4]> = operations
        .map(|operation| Claim::new(operation.path, operation.content.map(|content| content.cid)))
        .collect();
    open.prove(&mut claims).unwrap();
    claims.iter().for_each(|claim| claim.verdict().unwrap());
    claims.len()
}

fn commits(frames: &[Vec<u8>]) -> Vec<Commit<'_>> {
    frames
        .iter()
        .filter_map(|frame| match decode_frame(frame) {
            Ok(Frame::Commit(commit)) => Some(commit),
            _ => None,
        })
        .collect()
}

fn frames() -> Vec<Vec<u8>> {
    match Corpus::load() {
        Some(corpus) => corpus.frames,
        None => made_frames(),
    }
}

/// Commits of one record, like most.
fn made_frames() -> Vec<Vec<u8>> {
    let subject = || {
        Node::map([
            ("cid", Node::text(Cid::of_dag_cbor(b"liked").to_string())),
            (
                "uri",
                Node::text(
                    "at://did:plc:r2zybk6op3ymzpz6jhqpkoy5/app.bsky.feed.post/3mpsjbtci2c2o",
                ),
            ),
        ])
    };
    let created = || ("createdAt", Node::text("2026-07-04T14:38:08.999Z"));
    let like = Node::map([
        ("$type", Node::text("app.bsky.feed.like")),
        ("subject", subject()),
        created(),
    ]);
    let follow = Node::map([
        ("$type", Node::text("app.bsky.graph.follow")),
        ("subject", Node::text("did:plc:r2zybk6op3ymzpz6jhqpkoy5")),
        created(),
    ]);
    let post = Node::map([
        (
            "text",
            Node::text("What does the anniversary mean? \u{1f600} ".repeat(4)),
        ),
        ("$type", Node::text("app.bsky.feed.post")),
        ("langs", Node::List(vec![Node::text("en")])),
        (
            "reply",
            Node::map([("root", subject()), ("parent", subject())]),
        ),
        created(),
    ]);
    [like.clone(), follow, post, like]
        .iter()
        .cycle()
        .take(92)
        .map(|record| repo::creating_frame(&[record.clone().canonical().encode()]))
        .collect()
}
