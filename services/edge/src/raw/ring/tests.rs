use std::sync::Arc;

use fanjet_event::{FrameStamp, TimeUs};

use super::*;

fn frame(seq: Seq) -> RawFrame {
    RawFrame {
        seq,
        wire_seq: seq,
        topic: Topic::Frame(Arc::new(FrameStamp {
            wire_seq: seq,
            time: TimeUs::new(1_783_175_887_000_000).unwrap(),
            topic: None,
        })),
        head: Bytes::from_static(b"head"),
        body: Bytes::from(vec![0; 96]),
    }
}

fn ring_of(frames: u64) -> Ring {
    let ring = Ring::new(1 << 30);
    ring.restart(1, false);
    ring.push((1..=frames).map(frame));
    ring
}

fn taken(found: Found) -> (Vec<Seq>, Seq) {
    match found {
        Found::Frames(frames, next) => (frames.iter().map(|frame| frame.seq).collect(), next),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_wanted_is_examined_and_not_cloned() {
    let ring = ring_of(200);
    let found = ring.take(1, 1 << 20, |frame| frame.seq.is_multiple_of(50));
    {
        let state = ring.state.lock();
        let shared = state.frames.iter().filter(|frame| match &frame.topic {
            Topic::Frame(stamp) => Arc::strong_count(stamp) > 1,
            _ => false,
        });
        assert_eq!(shared.count(), 4);
    }
    assert_eq!(taken(found), (vec![50, 100, 150, 200], 201));
    assert!(matches!(ring.take(201, 1 << 20, |_| true), Found::End));
}

#[test]
fn bytes_bound_what_is_taken_and_not_what_is_skipped() {
    let ring = ring_of(200);
    // Each has 100 bytes.
    assert_eq!(taken(ring.take(1, 250, |_| true)), (vec![1, 2], 3));
    assert_eq!(taken(ring.take(1, 1, |_| true)), (vec![1], 2));
    let every_tenth = |frame: &RawFrame| frame.seq.is_multiple_of(10);
    assert_eq!(taken(ring.take(1, 250, every_tenth)), (vec![10, 20], 30));
}

#[test]
fn a_long_stretch_without_a_wanted_frame_is_examined_in_pieces() {
    let ring = ring_of(2_500);
    let (mut from, mut pieces, mut got) = (1, 0, Vec::new());
    while let Found::Frames(frames, next) = ring.take(from, 1 << 20, |frame| frame.seq > 2_400) {
        got.extend(frames.iter().map(|frame| frame.seq));
        (from, pieces) = (next, pieces + 1);
    }
    assert_eq!(pieces, 3);
    assert_eq!(got, (2_401..=2_500).collect::<Vec<_>>());
}
