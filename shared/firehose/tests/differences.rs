//! Each deliberate difference from the oracle, pinned. The list is in the crate's documentation.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests"
)]

use fanjet_event::Cid;
use fanjet_firehose::oracle::build::{self, Node, section};
use fanjet_firehose::oracle::{
    Refusal, compare_car, compare_frame, compare_record, read_car, record_json,
};
use fanjet_firehose::{CarError, Frame, decode_frame, write_record_json};

/// What the decoder makes of a CAR when one operation needs `record` out of it.
fn fast(car: &[u8], record: &[u8]) -> Result<bool, CarError> {
    let op = build::op("create", "a.b.c/self", Some(Cid::of_dag_cbor(record)));
    let frame = build::frame("#commit", &build::commit_body(vec![op], car.to_vec()));
    compare_frame(&frame).unwrap();
    compare_car(car).unwrap();
    let Ok(Frame::Commit(commit)) = decode_frame(&frame) else {
        panic!("the frame is sound")
    };
    let found = commit
        .open()?
        .operations()
        .all(|(_, operation)| operation.is_ok());
    Ok(found)
}

fn one_block() -> Vec<u8> {
    let cid = Cid::of_dag_cbor(b"one").to_bytes();
    build::car([(&cid[..], &b"one"[..])])
}

#[test]
fn texts_that_are_not_utf8_are_repaired() {
    let record = Node::map([("text", Node::Raw(b"\x64a\xff\xc3b".to_vec()))]).encode();
    let mut out = Vec::new();
    write_record_json(&record, &mut out).unwrap();
    assert_eq!(out, br#"{"text":"a\ufffd\ufffdb"}"#);
    assert_eq!(record_json(&record), Err(Refusal::NotUtf8));
    compare_record(&record).unwrap();
}

/// Not differences: found by fuzzing where the oracle was too lenient.
#[test]
fn indefinite_lengths_are_refused_by_both() {
    let mut link = b"\xa1\x61a\xd8\x2a\x5f\x58\x25\x00".to_vec();
    link.extend_from_slice(&Cid::of_raw(b"x").to_bytes());
    link.push(0xff);
    let key = b"\xa1\x7f\xff\x41\x94".to_vec();
    let key_in_pieces = b"\xa1\x7f\x61a\xff\x01".to_vec();
    for record in [key, key_in_pieces, link] {
        compare_record(&record).unwrap();
        assert!(write_record_json(&record, &mut Vec::new()).is_err());
        assert!(record_json(&record).is_err(), "{record:02x?}");
    }
}

#[test]
fn a_car_must_not_end_inside_a_length() {
    let mut car = one_block();
    car.push(0x80);
    assert_eq!(fast(&car, b"one"), Err(CarError::Truncated));
    assert!(matches!(read_car(&car), Ok((blocks, None)) if blocks.len() == 1));
}

#[test]
fn lengths_beyond_64_bits_are_refused() {
    let mut car = one_block();
    let cid = Cid::of_dag_cbor(b"two").to_bytes();
    car.extend_from_slice(&[
        0x80 | 39,
        0x80,
        0x80,
        0x80,
        0x80,
        0x80,
        0x80,
        0x80,
        0x80,
        0x02,
    ]);
    car.extend_from_slice(&cid);
    car.extend_from_slice(b"two");
    assert_eq!(fast(&car, b"one"), Err(CarError::InvalidLength));
    assert!(matches!(read_car(&car), Ok((blocks, None)) if blocks.len() == 2));
}

#[test]
fn a_section_without_a_blessed_cid_is_skipped() {
    let mut car = build::car([]);
    section(&mut car, &[b"no CID at all"]);
    let cid = Cid::of_dag_cbor(b"one").to_bytes();
    section(&mut car, &[&cid, b"one"]);
    assert_eq!(fast(&car, b"one"), Ok(true));
    assert!(matches!(read_car(&car), Ok((blocks, Some(_))) if blocks.is_empty()));
}

#[test]
fn a_block_may_be_larger_than_4_mib() {
    let block = vec![0; 5 << 20];
    let cid = Cid::of_dag_cbor(&block).to_bytes();
    let car = build::car([(&cid[..], &block[..])]);
    assert_eq!(fast(&car, &block), Ok(true));
    assert!(matches!(read_car(&car), Ok((blocks, Some(_))) if blocks.is_empty()));
}

#[test]
fn a_car_header_is_strict_dag_cbor() {
    let root = Node::link(Cid::of_dag_cbor(b""));
    let header = Node::map([
        ("roots", Node::List(vec![root])),
        // 1, but not in its shortest form.
        ("version", Node::Raw(vec![0x18, 1])),
    ]);
    let mut car = Vec::new();
    section(&mut car, &[&header.encode()]);
    assert_eq!(fast(&car, b"one"), Err(CarError::InvalidHeader));
    assert!(matches!(read_car(&car), Ok((_, None))));
}
