use fanjet_log::Seq;
use fanjet_log::contract::{event, sized_event, time_of};
use proptest::prelude::*;

use super::frame::{Found, PREFIX};
use super::*;
use crate::format::points::Points;

fn frame_of(seq: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let event = event(seq);
    record::write(&mut out, seq, time_of(seq), &event);
    assert_eq!(out.len(), record::len(&event));
    out
}

fn payload(bytes: &[u8]) -> Option<&[u8]> {
    match frame::read(bytes) {
        Found::Frame(frame) => Some(frame.payload),
        _ => None,
    }
}

fn a_footer(records: u64) -> Vec<u8> {
    let mut points = Points::default();
    for n in 0..records {
        points.add(32 + n * 50_000, n, 1_000 + n);
    }
    footer::write(32 + records * 50_000, records, &points)
}

#[test]
fn a_record_is_read_as_written() {
    for n in 0..20 {
        let event = event(n);
        let bytes = frame_of(n);
        let record = record::read(payload(&bytes).unwrap()).unwrap();
        assert_eq!((record.seq, record.time), (n, time_of(n).get()));
        assert_eq!(record.body, &event.body[..]);
        let collection = event.topic.collection().map_or("", |name| name.as_str());
        assert_eq!(record.collection, collection.as_bytes());
        assert_eq!(record.upstream, event.origin.upstream.as_str().as_bytes());
        assert_eq!(record.frame_time, event.origin.time.as_str().as_bytes());
        assert_eq!(record.relay_seq, event.origin.relay_seq);
        assert_eq!(record.op_index, event.origin.op_index);
        assert_eq!(record.op_count, event.origin.op_count);
    }
}

#[test]
fn the_largest_record_fits_into_a_frame() {
    let mut out = Vec::new();
    record::write(
        &mut out,
        1,
        time_of(1),
        &sized_event(1, fanjet_log::MAX_BODY),
    );
    assert!(out.len() - PREFIX + 317 + 255 + 64 < frame::MAX_PAYLOAD);
    assert!(payload(&out).is_some());
}

#[test]
fn every_flipped_bit_of_every_kind_of_frame_is_found() {
    let mut mark = Vec::new();
    mark::write(&mut mark, 77);
    for whole in [frame_of(3), frame_of(7), mark, a_footer(9)] {
        let kept = match frame::read(&whole) {
            Found::Frame(frame) => frame.len(),
            other => panic!("{other:?}"),
        };
        for bit in 0..kept * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(payload(&damaged).is_none(), "bit {bit} of {kept} bytes");
        }
    }
    let whole = a_footer(9);
    let at = 32 + 9 * 50_000;
    assert!(footer::read(&whole, at).is_some());
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(footer::read(&damaged, at), None, "bit {bit}");
    }
    let header = header::write(42);
    assert_eq!(header::read(&header), Ok(42));
    for bit in 0..header.len() * 8 {
        let mut damaged = header;
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(header::read(&damaged).is_err(), "bit {bit}");
    }
}

#[test]
fn a_footer_is_read_as_written_and_its_points_keep_their_invariant() {
    for records in [1, 2, 3, 100] {
        let bytes = a_footer(records);
        let footer = footer::read(&bytes, 32 + records * 50_000).unwrap();
        assert_eq!(footer.last, records);
        assert_eq!(footer.points.newest(), 1_000 + records - 1);
        // Not at its own offset.
        assert_eq!(footer::read(&bytes, 31 + records * 50_000), None);
    }
}

#[test]
fn a_mark_counts_only_where_it_was_written() {
    let mut bytes = frame_of(1);
    let at = 1_000 + bytes.len() as u64;
    mark::write(&mut bytes, at);
    bytes.extend(frame_of(2));
    assert_eq!(mark::find(&bytes, 1_000), Some(at));
    assert_eq!(mark::find(&bytes[1..], 1_001), Some(at));
    assert_eq!(mark::find(&bytes, 999), None);
    assert_eq!(mark::find(&frame_of(1), 0), None);
}

proptest! {
    #[test]
    fn any_bytes_are_taken_apart_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _: Option<_> = record::read(&bytes);
        prop_assert!(header::read(&bytes).is_err());
        let _: Option<_> = footer::read(&bytes, 32);
        prop_assert_eq!(mark::find(&bytes, 0), None);
        if let Found::Frame(frame) = frame::read_trusted(&bytes) {
            prop_assert!(frame.len() <= bytes.len());
            let _: Option<_> = record::read(frame.payload);
        }
        prop_assert!(payload(&bytes).is_none());
    }

    #[test]
    fn a_true_checksum_around_any_bytes_is_no_panic_either(
        payload in prop::collection::vec(any::<u8>(), 1..400),
        kind in prop::sample::select(vec![0, 1, 2, 3, mark::KIND, footer::KIND]),
    ) {
        let mut bytes = Vec::new();
        let begin = frame::begin(&mut bytes);
        bytes.push(kind);
        bytes.extend_from_slice(&payload);
        frame::end(&mut bytes, begin);
        let Found::Frame(frame) = frame::read(&bytes) else {
            panic!("it is whole");
        };
        prop_assert_eq!(frame.kind, kind);
        let _: Option<_> = record::read(frame.payload);
        let _: Option<_> = footer::read(&bytes, 32);
        drop(crate::block::check(&bytes, 0, 1));
    }

    #[test]
    fn a_cut_record_is_short_or_nothing(seq in 0..20_u64, cut in 0.0..1.0) {
        let whole = frame_of(seq);
        let cut = (whole.len() as f64 * cut) as usize;
        match frame::read(&whole[..cut]) {
            Found::Short(needed) => prop_assert!(needed > cut && needed <= whole.len()),
            other => prop_assert!(false, "{other:?}"),
        }
    }
}

#[test]
fn a_void_covers_the_seqs_it_was_written_for() {
    for (first, last) in [(1, 1), (7, 9_000), (5, Seq::MAX - 1)] {
        let mut out = Vec::new();
        void::write(&mut out, first, last);
        assert_eq!(out.len(), void::LEN);
        let Found::Frame(found) = frame::read(&out) else {
            panic!("{out:?}");
        };
        assert!(found.is_void() && !found.is_record() && !found.is_mark());
        let covered = covers::of(&found).unwrap();
        assert_eq!(
            (covered.first, covered.last, covered.time),
            (first, last, 0)
        );
    }
    for (first, last) in [(0, 4), (5, 4), (1, Seq::MAX)] {
        let mut out = Vec::new();
        void::write(&mut out, first, last);
        assert_eq!(void::read(payload(&out).unwrap()), None);
    }
}
