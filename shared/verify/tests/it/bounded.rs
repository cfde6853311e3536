//! A hostile CAR costs no more than the limits say.

use fanjet_event::Cid;
use fanjet_firehose::{Frame, decode_frame};
use fanjet_verify::{Opened, Refusal};
use ipld_core::ipld::Ipld;
use k256::ecdsa::SigningKey;
use std::collections::BTreeMap;

use crate::editable::{Editable, link};
use crate::support::world;

fn some_commit() -> Editable {
    let mut world = world(7);
    std::iter::repeat_with(|| world.next_frame())
        .find_map(|frame| Editable::take_apart(&frame.bytes))
        .unwrap()
}

fn undo(frame: &Editable) -> Refusal {
    let bytes = frame.put_together();
    let Frame::Commit(commit) = decode_frame(&bytes).unwrap() else {
        panic!()
    };
    let opened = match Opened::commit(&commit) {
        Ok(opened) => opened,
        Err(refusal) => return refusal,
    };
    opened.undo(&commit).unwrap_err()
}

fn node(entries: Vec<(u64, Vec<u8>, Option<Cid>)>) -> Ipld {
    let entries = entries.into_iter().map(|(shared, rest, right)| {
        Ipld::Map(BTreeMap::from([
            ("p".to_owned(), Ipld::Integer(i128::from(shared))),
            ("k".to_owned(), Ipld::Bytes(rest)),
            ("v".to_owned(), link(Cid::of_dag_cbor(b"v"))),
            ("t".to_owned(), right.map_or(Ipld::Null, link)),
        ]))
    });
    Ipld::Map(BTreeMap::from([
        ("e".to_owned(), Ipld::List(entries.collect())),
        ("l".to_owned(), Ipld::Null),
    ]))
}

fn key() -> SigningKey {
    SigningKey::from_slice(&[9; 32]).unwrap()
}

#[test]
fn more_operations_than_the_lexicon_allows_are_refused() {
    let mut frame = some_commit();
    let op = frame.ops()[0].clone();
    while frame.ops().len() <= 200 {
        frame.ops().push(op.clone());
    }
    assert_eq!(undo(&frame), Refusal::TooLarge);
}

#[test]
fn a_larger_car_than_the_lexicon_allows_is_refused() {
    let mut frame = some_commit();
    let block = vec![0; 2_000_000];
    frame.blocks.push((Cid::of_dag_cbor(&block), block));
    assert_eq!(undo(&frame), Refusal::TooLarge);
}

#[test]
fn long_keys_are_refused_however_short_they_are_written() {
    let mut frame = some_commit();
    let long = vec![b'a'; 1_025];
    frame.set_root_node(&key(), &node(vec![(0, long, None)]));
    assert_eq!(undo(&frame), Refusal::TooLarge);
}

#[test]
fn a_subtree_that_occurs_twice_is_refused_and_not_entered_twice() {
    // Two keys of layer 1 or more, found by trying, with the same child behind both.
    let on_layer = |layer: u32| {
        (0..)
            .map(|n: u32| format!("a.b.c/{n:08}").into_bytes())
            .filter(move |key| {
                let digest = Cid::of_raw(key).to_bytes();
                let zeros =
                    u32::from_be_bytes(digest[4..8].try_into().unwrap()).leading_zeros() / 2;
                zeros == layer
            })
    };
    let mut frame = some_commit();
    let mut above = on_layer(1);
    let (first, second) = (above.next().unwrap(), above.next().unwrap());
    let between = on_layer(0).find(|key| *key > first).unwrap();
    let child = node(vec![(0, between, None)]);
    let block = crate::editable::encode(&child);
    let child = Cid::of_dag_cbor(&block);
    frame.blocks.push((child, block));
    let shared = std::iter::zip(&first, &second)
        .take_while(|(a, b)| a == b)
        .count();
    let rest = second[shared..].to_vec();
    let root = node(vec![
        (0, first, Some(child)),
        (shared as u64, rest, Some(child)),
    ]);
    frame.set_root_node(&key(), &root);
    // The frame's own operations are not in this tree: keep one that stands behind everything.
    frame.ops().truncate(1);
    let op = frame.op(0);
    op.insert("path".to_owned(), Ipld::String("z.z.z/zz".to_owned()));
    op.insert("action".to_owned(), Ipld::String("delete".to_owned()));
    op.insert("cid".to_owned(), Ipld::Null);
    op.insert("prev".to_owned(), link(Cid::of_dag_cbor(b"before")));
    assert_eq!(undo(&frame), Refusal::KeyOrder);
}
