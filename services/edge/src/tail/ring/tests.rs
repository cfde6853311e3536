use fanjet_filter::Encoding;
use proptest::prelude::*;

use super::*;
use crate::events::{commit, time_of};
use crate::tail::{Collections, Compression, Encoder};

fn entry(seq: Seq, padding: usize) -> Arc<Entry> {
    let logged = commit("app.bsky.feed.post", "did:plc:a")
        .padded(padding)
        .at(seq);
    Arc::new(Entry::new(&logged, &mut Collections::new(1)).unwrap())
}

const ALL: ReadLimit = ReadLimit {
    entries: usize::MAX,
    bytes: usize::MAX,
};

fn seqs(ring: &Ring, seq: Seq, until: Seq, limit: ReadLimit) -> Result<Vec<Seq>, Seq> {
    match ring.read_from(seq, until, limit) {
        Read::Hot(found) => Ok(found.iter().map(|entry| entry.seq()).collect()),
        Read::CaughtUp => Ok(vec![]),
        Read::Behind { oldest } => Err(oldest),
    }
}

proptest! {
    /// Compares with the whole history: reads return its next part, and refused reads are not held.
    #[test]
    fn reads_are_unbroken_parts_of_the_history(
        start in 1..50u64,
        batches in prop::collection::vec(prop::collection::vec(1..2000usize, 1..8), 1..10),
        max_bytes in 0..20_000usize,
        reads in prop::collection::vec((0..100u64, 0..100u64, 1..10usize, 0..4000usize), 1..20),
    ) {
        let ring = Ring::new(max_bytes);
        ring.restart(start, start);
        let mut next = start;
        let mut history = Vec::new();
        for batch in batches {
            let entries: Vec<_> = batch.into_iter().map(|padding| { next += 1; entry(next - 1, padding) }).collect();
            history.extend(entries.iter().cloned());
            ring.extend(entries);
            let held: usize = history.iter().filter(|entry| entry.seq() >= ring.start()).map(|entry| entry.weight()).sum();
            prop_assert_eq!(ring.bytes(), held);
            prop_assert!(held <= max_bytes || ring.start() == next - 1);
            prop_assert_eq!(ring.head(), Head { end: Some(next), time: history.last().map(|entry| entry.time()), live: next, ..Head::default() });
        }
        for (from, until, entries, bytes) in reads {
            let found = seqs(&ring, from, until, ReadLimit { entries, bytes });
            if from < ring.start() {
                prop_assert_eq!(found, Err(ring.start()));
                continue;
            }
            let mut taken = 0;
            let expected: Vec<_> = history.iter()
                .filter(|entry| entry.seq() >= from && entry.seq() < until)
                .take(entries)
                .enumerate()
                .take_while(|(nth, entry)| { taken += entry.frame().len(); *nth == 0 || taken <= bytes })
                .map(|(_, entry)| entry.seq())
                .collect();
            prop_assert_eq!(found, Ok(expected));
        }
    }
}

#[test]
fn a_new_subscriber_starts_after_the_warmed_events() {
    let ring = Ring::new(1 << 20);
    assert_eq!(ring.head(), Head::default());
    ring.restart(5, 8);
    assert_eq!((ring.head().end, ring.head().live), (Some(5), 8));
    ring.extend(vec![entry(5, 0), entry(6, 0)]);
    assert_eq!((ring.head().end, ring.head().live), (Some(7), 8));
    assert_eq!(seqs(&ring, 8, Seq::MAX, ALL), Ok(vec![]));
    ring.extend((7..10).map(|seq| entry(seq, 0)).collect());
    assert_eq!(ring.head().live, 10);
    assert_eq!(seqs(&ring, 8, Seq::MAX, ALL), Ok(vec![8, 9]));
}

/// A narrowed pool does not hold every seq.
#[test]
fn positions_between_entries_can_be_read_from() {
    let ring = Ring::new(1 << 20);
    ring.restart(10, 10);
    ring.extend(vec![entry(12, 0), entry(20, 0), entry(21, 0)]);
    assert_eq!(seqs(&ring, 10, Seq::MAX, ALL), Ok(vec![12, 20, 21]));
    assert_eq!(seqs(&ring, 13, 21, ALL), Ok(vec![20]));
    assert_eq!(seqs(&ring, 13, 20, ALL), Ok(vec![]));
}

#[test]
fn a_restart_forgets_everything() {
    let ring = Ring::new(1 << 20);
    ring.restart(1, 1);
    ring.extend(vec![entry(1, 0)]);
    ring.restart(7, 7);
    assert_eq!(seqs(&ring, 1, Seq::MAX, ALL), Err(7));
    assert_eq!(
        (ring.bytes(), seqs(&ring, 7, Seq::MAX, ALL)),
        (0, Ok(vec![]))
    );
}

/// The limit always holds for events and their encoded frames together.
#[test]
fn frames_made_on_demand_take_the_place_of_the_oldest() {
    const BOUND: usize = 30_000;
    let ring = Ring::new(BOUND);
    ring.restart(1, 1);
    let mut encoder = Encoder::new(Compression::default(), Arc::clone(ring.encoded()));
    let held = |ring: &Ring| match ring.read_from(ring.start(), Seq::MAX, ALL) {
        Read::Hot(held) => held,
        other => panic!("{other:?}"),
    };
    ring.extend((1..=20).map(|seq| entry(seq, 1_000)).collect());
    assert_eq!(ring.start(), 1);
    for (encoding, next) in [(Encoding::Zstd, 21), (Encoding::V0, 31)] {
        for entry in held(&ring) {
            entry.frame_in(encoding, &mut encoder);
        }
        assert!(ring.bytes() > BOUND, "the frames are counted");
        let before = ring.start();
        ring.trim();
        assert!(ring.start() > before && ring.bytes() <= BOUND);
        let entries: Vec<_> = (next..next + 10).map(|seq| entry(seq, 1_000)).collect();
        for entry in &entries {
            entry.frame_in(encoding, &mut encoder);
        }
        ring.extend(entries);
        assert!(ring.bytes() <= BOUND);
        let sum: usize = held(&ring)
            .iter()
            .map(|entry| entry.weight() + entry.encoded_weight())
            .sum();
        assert_eq!(ring.bytes(), sum);
    }
}

#[test]
fn a_ring_after_a_replaced_log_is_empty() {
    let ring = Ring::new(1 << 20);
    ring.restart(1, 1);
    ring.extend((1..9).map(|seq| entry(seq, 0)).collect());
    let before = ring.head();
    let mut was_known = 0;
    ring.unless_replaced(before.generation, || was_known += 1);
    ring.forget_log();
    assert_ne!(ring.head().generation, before.generation);
    assert_eq!((ring.head().end, ring.head().time), (None, None));
    assert_eq!((ring.bytes(), ring.seq_at(time_of(5).get())), (0, None));
    ring.unless_replaced(before.generation, || was_known += 1);
    assert_eq!(was_known, 1);
    // Another log may start at any seq.
    ring.restart(3, 3);
    assert_eq!(seqs(&ring, 1, Seq::MAX, ALL), Err(3));
    ring.unless_replaced(ring.head().generation, || was_known += 1);
    assert_eq!(was_known, 2);
}
