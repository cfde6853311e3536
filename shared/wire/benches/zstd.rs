//! Compression speed and ratio: one item is one event, one thread.
//!
//! Events are the lines of `expected_v1.jsonl` if `FANJET_CORPUS` is set, otherwise generated.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may stop at the first error"
)]

use std::fs;
use std::path::Path;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use fanjet_wire::websocket::text_frame;
use fanjet_wire::zstd::Compressor;

fn main() {
    report_ratios();
    divan::main();
}

/// The work of an edge for the first zstd subscriber that wants an event.
#[divan::bench(args = [-5, 1, 3, 6])]
fn binary_message(bencher: Bencher<'_, '_>, level: i32) {
    let mut compressor = compressor(level);
    per_event(bencher, |event| {
        black_box(compressor.binary_message(event).unwrap());
    });
}

/// The zstd frame alone.
#[divan::bench(args = [1, 3])]
fn compress(bencher: Bencher<'_, '_>, level: i32) {
    let mut compressor = compressor(level);
    per_event(bencher, |event| {
        black_box(compressor.compress(event).unwrap());
    });
}

/// The same with the dictionary loaded for every event.
#[divan::bench(args = [1, 3])]
fn dictionary_loaded_per_event(bencher: Bencher<'_, '_>, level: i32) {
    let mut context = zstd::zstd_safe::CCtx::create();
    let mut out = Vec::with_capacity(1 << 20);
    per_event(bencher, |event| {
        out.clear();
        context
            .compress_using_dict(&mut out, event, dictionary(), level)
            .unwrap();
        black_box(&out);
    });
}

/// The work of an edge for the other subscribers.
#[divan::bench]
fn text_message(bencher: Bencher<'_, '_>) {
    per_event(bencher, |event| {
        black_box(text_frame(event));
    });
}

fn per_event(bencher: Bencher<'_, '_>, mut act: impl FnMut(&[u8])) {
    let events = events();
    bencher
        .counter(ItemsCount::new(events.len()))
        .counter(BytesCount::new(bytes(&events)))
        .bench_local(|| {
            for event in &events {
                act(event);
            }
        });
}

fn report_ratios() {
    let events = events();
    println!(
        "{} events, {} bytes on average",
        events.len(),
        bytes(&events) / events.len()
    );
    for level in [-5, 1, 3, 6] {
        let mut compressor = compressor(level);
        let frames: usize = events
            .iter()
            .map(|event| compressor.compress(event).unwrap().len())
            .sum();
        println!(
            "level {level}: ratio {:.2}",
            bytes(&events) as f64 / frames as f64
        );
    }
}

fn compressor(level: i32) -> Compressor {
    Compressor::new(dictionary(), level).unwrap()
}

fn dictionary() -> &'static [u8] {
    fanjet_dictionaries::v1().bytes()
}

fn bytes(events: &[Vec<u8>]) -> usize {
    events.iter().map(Vec::len).sum()
}

fn events() -> Vec<Vec<u8>> {
    #[allow(
        clippy::disallowed_methods,
        reason = "the captured data lies outside the repository"
    )]
    let folder = std::env::var("FANJET_CORPUS");
    match folder {
        Ok(folder) => {
            let lines = fs::read_to_string(Path::new(&folder).join("expected_v1.jsonl")).unwrap();
            lines.lines().map(|line| line.as_bytes().to_vec()).collect()
        }
        Err(_) => (0..200).map(like).collect(),
    }
}

fn like(number: u64) -> Vec<u8> {
    // Letters and digits of a key: they must not repeat from event to event.
    let key = |salt: u64, len: usize| -> String {
        let digit = |at: usize| {
            let mixed = (number * 64 + salt * 8 + at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            char::from(b"abcdefghijklmnopqrstuvwxyz234567"[(mixed >> 59) as usize])
        };
        (0..len).map(digit).collect()
    };
    let (did, subject, cid) = (key(1, 24), key(2, 24), key(3, 52));
    let (rev, rkey, post) = (key(4, 12), key(5, 12), key(6, 12));
    format!(
        r#"{{"did":"did:plc:{did}","time_us":{time_us},"kind":"commit","commit":{{"rev":"3{rev}","operation":"create","collection":"app.bsky.feed.like","rkey":"3{rkey}","record":{{"$type":"app.bsky.feed.like","createdAt":"2026-05-25T14:23:29.950Z","subject":{{"cid":"bafyrei{cid}","uri":"at://did:plc:{subject}/app.bsky.feed.post/3{post}"}}}},"cid":"bafyrei{cid}"}}}}"#,
        time_us = 1_779_719_010_267_528 + number * 997,
    )
    .into_bytes()
}
