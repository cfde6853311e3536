//! Decoding speed: frames, CARs and records, and the oracle on the same frames for comparison.
//!
//! Frames are the captured ones when `FANJET_CORPUS` is set, else made here. One "item" is one frame (or one record);
//! allocations are counted per sample.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark may stop at the first error"
)]

#[path = "../tests/support/corpus.rs"]
mod corpus;

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher, black_box};
use fanjet_firehose::{Frame, decode_frame, oracle, write_record_json};

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
    let commits: Vec<_> = frames
        .iter()
        .filter_map(|frame| match decode_frame(frame) {
            Ok(Frame::Commit(commit)) => Some(commit),
            _ => None,
        })
        .collect();
    bencher
        .counter(ItemsCount::new(commits.len()))
        .bench_local(|| {
            for commit in &commits {
                black_box(commit.operations().unwrap().count());
            }
        });
}

/// The commits' CARs read through, nothing looked up.
#[divan::bench]
fn car_slice(bencher: Bencher<'_, '_>) {
    let frames = frames();
    let commits: Vec<_> = frames
        .iter()
        .filter_map(|frame| match decode_frame(frame) {
            Ok(Frame::Commit(commit)) => Some(commit),
            _ => None,
        })
        .collect();
    bencher
        .counter(ItemsCount::new(commits.len()))
        .bench_local(|| {
            for commit in &commits {
                let _unread = black_box(commit.operations().unwrap());
            }
        });
}

/// Records to JSON.
#[divan::bench]
fn record_json(bencher: Bencher<'_, '_>) {
    let frames = frames();
    let records: Vec<_> = frames
        .iter()
        .filter_map(|frame| match decode_frame(frame) {
            Ok(Frame::Commit(commit)) => Some(commit),
            _ => None,
        })
        .flat_map(|commit| commit.operations().unwrap())
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
        for (_, operation) in commit.operations().unwrap() {
            if let Some(content) = operation.unwrap().content {
                write_record_json(content.record, out).unwrap();
            }
        }
    }
}

fn frames() -> Vec<Vec<u8>> {
    corpus::Corpus::load().unwrap().frames
}
