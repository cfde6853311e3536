use super::*;
use crate::oracle::build::{self, Node, section};
use crate::oracle::compare_car;

fn blocks(car: &[u8]) -> Result<usize, CarError> {
    let (mut sections, _root) = Sections::open(car)?;
    let mut count = 0;
    while sections.next_block()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// The result that both decoders agree on.
fn check(car: &[u8], expected: Result<usize, CarError>) {
    assert_eq!(blocks(car), expected, "{car:02x?}");
    compare_car(car).unwrap();
}

fn with_header(header: &Node) -> Vec<u8> {
    let mut car = Vec::new();
    section(&mut car, &[&header.encode()]);
    car
}

#[test]
fn reads_blocks_and_skips_foreign_ones() {
    let sound = Cid::of_dag_cbor(b"x").to_bytes();
    let foreign = [1, 0x70, 0x12, 1, 0];
    let car = build::car([(&sound[..], &b"x"[..]), (&foreign, b"y"), (&sound, b"")]);
    check(&car, Ok(2));
    check(&build::car([]), Ok(0));
}

#[test]
fn the_header_must_be_of_version_1_with_a_root() {
    let root = || Node::link(Cid::of_dag_cbor(b""));
    let roots = || Node::List(vec![root()]);
    let one = || Node::Unsigned(1);
    for (header, expected) in [
        (Node::map([("version", one()), ("roots", roots())]), Ok(0)),
        (
            Node::map([("x", root()), ("version", one()), ("roots", roots())]),
            Ok(0),
        ),
        (
            Node::map([("version", Node::Unsigned(2)), ("roots", roots())]),
            Err(CarError::UnsupportedVersion),
        ),
        (
            Node::map([("roots", roots())]),
            Err(CarError::InvalidHeader),
        ),
        (
            Node::map([("version", one())]),
            Err(CarError::InvalidHeader),
        ),
        (
            Node::map([("version", one()), ("roots", Node::List(Vec::new()))]),
            Err(CarError::InvalidHeader),
        ),
        (
            Node::map([("version", one()), ("roots", Node::List(vec![one()]))]),
            Err(CarError::InvalidHeader),
        ),
        (
            Node::map([
                ("version", one()),
                ("roots", Node::List(vec![Node::Link(vec![9])])),
            ]),
            Err(CarError::InvalidHeader),
        ),
        (
            Node::map([("version", one()), ("roots", roots()), ("version", one())]),
            Err(CarError::InvalidHeader),
        ),
        (roots(), Err(CarError::InvalidHeader)),
    ] {
        check(&with_header(&header), expected);
    }
    check(b"", Err(CarError::Truncated));
    check(b"\x00", Err(CarError::InvalidHeader));
}

#[test]
fn sections_must_be_whole() {
    let mut car = build::car([]);
    let sound = car.len();
    section(&mut car, &[&Cid::of_dag_cbor(b"x").to_bytes(), b"x"]);
    for len in sound + 1..car.len() {
        check(&car[..len], Err(CarError::Truncated));
    }
    for (tail, error) in [
        (&b"\x00"[..], CarError::EmptySection),
        (b"\x85\x00aaaaa", CarError::InvalidLength),
        (
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            CarError::Truncated,
        ),
        (
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            CarError::InvalidLength,
        ),
    ] {
        check(&[build::car([]), tail.to_vec()].concat(), Err(error));
    }
}
