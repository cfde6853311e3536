//! The fast decoder against the oracle on generated and on damaged input.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests"
)]

#[path = "support/generate.rs"]
mod generate;

use std::collections::BTreeSet;

use fanjet_event::Cid;
use fanjet_firehose::oracle::build::{self, Node};
use fanjet_firehose::oracle::repo;
use fanjet_firehose::oracle::{compare_car, compare_frame, compare_record};
use fanjet_firehose::{MAX_RECORD_LEVELS, RecordError, decode_frame, write_record_json};
use generate::{any_cid, damage, damages, node, op_node, record};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn records_are_read_alike(record in record()) {
        compare_record(&record.encode()).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn any_value_as_a_record_is_read_alike(value in node()) {
        compare_record(&value.encode()).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn damaged_records_are_read_alike(record in record(), damages in damages()) {
        let damaged = damage(record.canonical().encode(), &damages);
        compare_record(&damaged).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn arbitrary_bytes_are_read_alike(bytes in vec(any::<u8>(), 0..64)) {
        compare_record(&bytes).map_err(TestCaseError::fail)?;
        compare_frame(&bytes).map_err(TestCaseError::fail)?;
        compare_car(&bytes).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn the_order_of_keys_does_not_matter(record in record()) {
        let (mut shuffled, mut sorted) = (Vec::new(), Vec::new());
        let first = write_record_json(&record.encode(), &mut shuffled).is_ok();
        let second = write_record_json(&record.canonical().encode(), &mut sorted).is_ok();
        prop_assert_eq!(first, second);
        prop_assert_eq!(shuffled, sorted);
    }

    #[test]
    fn each_bad_byte_of_a_text_becomes_a_replacement_character(bytes in vec(any::<u8>(), 0..40)) {
        let mut text = vec![0x78, 40];
        text.extend_from_slice(&bytes);
        text.resize(42, b' ');
        let record = Node::map([("text", Node::Raw(text.clone()))]).encode();
        let mut out = Vec::new();
        write_record_json(&record, &mut out).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(json["text"].as_str().unwrap(), lossy(&text[2..]));
    }

    #[test]
    fn cars_are_read_alike(
        blocks in vec((any_cid(), vec(any::<u8>(), 0..300)), 0..12),
        damages in damages(),
    ) {
        let car = build::car(blocks.iter().map(|(cid, block)| (&cid[..], &block[..])));
        compare_car(&car).map_err(TestCaseError::fail)?;
        compare_car(&damage(car, &damages)).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn commits_are_read_alike(
        records in vec(record(), 0..14),
        spare in vec(op_node(), 0..4),
        damages in damages(),
    ) {
        let records: Vec<_> = records.iter().map(Node::encode).collect();
        let frame = commit(&records, spare);
        compare_frame(&frame).map_err(TestCaseError::fail)?;
        compare_frame(&damage(frame, &damages)).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn trees_are_searched_alike(
        numbers in btree_set(0u16..400, 0..120),
        claims in vec((0u16..400, 0u8..4, "(create|update|delete)"), 1..30),
        missing in vec(any::<prop::sample::Index>(), 0..3),
        damaged in option::of((any::<prop::sample::Index>(), damages())),
        as_sent in damages(),
    ) {
        let frame = tree_frame(&numbers, &claims, &missing, damaged.as_ref());
        compare_frame(&frame).map_err(TestCaseError::fail)?;
        compare_frame(&damage(frame, &as_sent)).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn other_frames_are_read_alike(
        kind in "#(commit|identity|account|sync|info|other)|",
        op in prop_oneof![8 => Just(Node::Unsigned(1)), 4 => Just(Node::Negative(0)), 1 => node()],
        body in generate::body(),
        damages in damages(),
    ) {
        let header = Node::map([("op", op), ("t", Node::text(kind))]);
        let frame = [header.encode(), body.encode()].concat();
        compare_frame(&frame).map_err(TestCaseError::fail)?;
        compare_frame(&damage(frame, &damages)).map_err(TestCaseError::fail)?;
    }
}

/// Agreement on refusals alone would prove little.
#[test]
fn the_generators_make_good_and_bad_input() {
    let mut runner = TestRunner::deterministic();
    let mut accepted = [0; 3];
    for _ in 0..1_000 {
        let mut draw =
            |strategy: BoxedStrategy<Vec<u8>>| strategy.new_tree(&mut runner).unwrap().current();
        let sound = draw(record().prop_map(|record| record.encode()).boxed());
        let damaged = draw(
            (record(), damages())
                .prop_map(|(record, damages)| damage(record.encode(), &damages))
                .boxed(),
        );
        let commit = draw(
            (vec(record(), 1..3), damages())
                .prop_map(|(records, damages)| {
                    let records: Vec<_> = records.iter().map(Node::encode).collect();
                    damage(commit(&records, Vec::new()), &damages)
                })
                .boxed(),
        );
        accepted[0] += usize::from(write_record_json(&sound, &mut Vec::new()).is_ok());
        accepted[1] += usize::from(write_record_json(&damaged, &mut Vec::new()).is_ok());
        accepted[2] += usize::from(decode_frame(&commit).is_ok());
    }
    println!("accepted of 1,000: {accepted:?}");
    assert!(
        accepted.iter().all(|count| (50..950).contains(count)),
        "{accepted:?}"
    );
}

/// As many levels as the deepest envelope of ours has.
const WRAPPINGS: usize = 7;

/// 120 levels are the bound for both, whatever stands on the last one; and what is accepted can be read by others, with what is
/// wrapped around it.
#[test]
fn nesting_is_bounded_alike() {
    for levels in 112..=135 {
        let link = Node::link(Cid::of_dag_cbor(b"x"));
        for innermost in [
            Node::List(Vec::new()),
            Node::Unsigned(1),
            Node::text("x"),
            link,
        ] {
            let mut value = innermost;
            for level in (1..levels).rev() {
                value = if level == 1 || level % 3 == 0 {
                    Node::map([("k", value)])
                } else {
                    Node::List(vec![value])
                };
            }
            let record = value.encode();
            compare_record(&record).unwrap();
            let mut json = Vec::new();
            let result = write_record_json(&record, &mut json);
            assert_eq!(result.is_ok(), levels <= MAX_RECORD_LEVELS, "{levels}");
            if levels > MAX_RECORD_LEVELS {
                assert_eq!(result, Err(RecordError::TooDeep));
                continue;
            }
            let wrapped = [&[b'['; WRAPPINGS][..], &json, &[b']'; WRAPPINGS]].concat();
            serde_json::from_slice::<serde_json::Value>(&wrapped).unwrap();
        }
    }
}

/// Sizes on both sides of each bound.
#[test]
fn sizes_are_bounded_alike() {
    let key = |len: usize| Node::Map(vec![("k".repeat(len), Node::Null)]);
    let list = |len: usize| Node::map([("l", Node::List(vec![Node::Unsigned(0); len]))]);
    let map = |len: usize| {
        let entries = (0..len).map(|number| (format!("{number:x}"), Node::Null));
        Node::map([("m", Node::Map(entries.collect()).canonical())])
    };
    let bytes = |len: usize| Node::map([("b", Node::Bytes(vec![7; len]))]);
    for (record, fits) in [
        (key(8_192), true),
        (key(8_193), false),
        (list(131_072), true),
        (list(131_073), false),
        (map(131_072), true),
        (map(131_073), false),
        (bytes((1 << 20) - 8), true),
        (bytes((1 << 20) - 7), false),
    ] {
        let record = record.encode();
        compare_record(&record).unwrap();
        let result = write_record_json(&record, &mut Vec::new());
        assert_eq!(
            result,
            if fits {
                Ok(())
            } else {
                Err(RecordError::TooLarge)
            }
        );
    }
}

/// A commit that creates `records` and has some more operations, good or bad.
fn commit(records: &[Vec<u8>], spare: Vec<Node>) -> Vec<u8> {
    let blocks: Vec<_> = records
        .iter()
        .map(|record| (Cid::of_dag_cbor(record).to_bytes(), record.as_slice()))
        .collect();
    let mut ops: Vec<_> = records
        .iter()
        .map(|record| build::op("update", "a.b.c/self", Some(Cid::of_dag_cbor(record))))
        .collect();
    let middle = ops.len() / 2;
    ops.splice(middle..middle, spare);
    let car = build::car(blocks.iter().map(|(cid, block)| (&cid[..], *block)));
    build::frame("#commit", &build::commit_body(ops, car))
}

/// A repo with records under `numbers`, less some nodes, and with one of them damaged under a CID of its own; and
/// operations on paths that may be in it.
fn tree_frame(
    numbers: &BTreeSet<u16>,
    claims: &[(u16, u8, String)],
    missing: &[prop::sample::Index],
    damaged: Option<&(prop::sample::Index, Vec<generate::Damage>)>,
) -> Vec<u8> {
    let path = |number: u16| format!("a.b.c/{number:03}");
    let record = |number: u16| Node::map([("n", Node::Unsigned(number.into()))]).encode();
    let cid = |number: u16| Cid::of_dag_cbor(&record(number));
    let records: Vec<_> = numbers.iter().map(|n| (path(*n), cid(*n))).collect();
    let mut nodes = repo::tree(&records);
    let mut root = nodes.last().unwrap().0;
    for at in missing {
        if nodes.len() > 1 {
            nodes.remove(at.index(nodes.len() - 1));
        }
    }
    if let Some((at, damages)) = damaged {
        let at = at.index(nodes.len());
        let (old, block) = nodes[at].clone();
        let block = damage(block, damages);
        let new = Cid::of_dag_cbor(&block);
        nodes[at] = (new, block);
        // What names it names the new one, up to the root.
        let mut renamed = vec![(old, new)];
        while let Some((old, new)) = renamed.pop() {
            if old == root {
                root = new;
            }
            for (cid, block) in &mut nodes {
                let old = old.to_bytes();
                if let Some(at) = block.windows(old.len()).position(|bytes| bytes == old) {
                    block[at..at + old.len()].copy_from_slice(&new.to_bytes());
                    let before = std::mem::replace(cid, Cid::of_dag_cbor(block));
                    renamed.push((before, *cid));
                }
            }
        }
    }
    let ops = claims.iter().map(|(number, other, action)| {
        let named = if *other == 0 { number ^ 1 } else { *number };
        build::op(
            action,
            &path(*number),
            (action != "delete").then(|| cid(named)),
        )
    });
    let contents = (0..400).map(|number| (cid(number), record(number)));
    let blocks: Vec<_> = std::iter::once(repo::commit_object(root))
        .chain(nodes)
        .chain(contents)
        .collect();
    repo::commit_frame(ops.collect(), &blocks)
}

fn lossy(mut bytes: &[u8]) -> String {
    let mut text = String::new();
    loop {
        match std::str::from_utf8(bytes) {
            Ok(rest) => return text + rest,
            Err(error) => {
                let (good, bad) = bytes.split_at(error.valid_up_to());
                text.push_str(std::str::from_utf8(good).unwrap());
                text.push('\u{fffd}');
                bytes = &bad[1..];
            }
        }
    }
}
