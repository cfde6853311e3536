use super::*;
use crate::oracle::build::{self, Node, op};
use crate::{Frame, decode_frame};

type Outcome = Result<(String, Option<Vec<u8>>), OpError>;

fn outcomes(ops: Vec<Node>, car: Vec<u8>) -> Result<Vec<Outcome>, CarError> {
    let bytes = build::frame("#commit", &build::commit_body(ops, car));
    let Ok(Frame::Commit(commit)) = decode_frame(&bytes) else {
        panic!("the frame is sound")
    };
    let open = commit.open()?;
    let operations: Vec<_> = open.operations().collect();
    assert!(
        operations
            .iter()
            .map(|(index, _)| *index)
            .eq(0..commit.op_count())
    );
    let outcome = |operation: Operation<'_>| {
        let path = format!("{}|{}", operation.collection, operation.rkey);
        (
            path,
            operation.content.map(|content| content.record.to_vec()),
        )
    };
    Ok(operations
        .into_iter()
        .map(|(_, result)| result.map(outcome))
        .collect())
}

fn car(blocks: &[(Cid, &[u8])]) -> Vec<u8> {
    let blocks: Vec<_> = blocks
        .iter()
        .map(|(cid, block)| (cid.to_bytes(), *block))
        .collect();
    build::car(blocks.iter().map(|(cid, block)| (&cid[..], *block)))
}

#[test]
fn one_bad_operation_does_not_cost_its_siblings() {
    let cid = Cid::of_dag_cbor;
    let car = car(&[
        (cid(b"tree"), b"tree"),
        (cid(b"one"), b"one"),
        (cid(b"forged"), b"other"),
        (Cid::of_raw(b"raw"), b"raw"),
    ]);
    let foreign = Node::map([
        ("action", Node::text("create")),
        ("path", Node::text("a.b.c/k")),
        ("cid", Node::Link(vec![1, 0x70, 0x12, 1, 0])),
    ]);
    let ops = vec![
        op("create", "a.b.c/k", Some(cid(b"one"))),
        op("create", "a.b.c/k", Some(cid(b"absent"))),
        op("create", "a.b.c/k", Some(cid(b"forged"))),
        op("update", "a.b.c/k", Some(Cid::of_raw(b"raw"))),
        op("create", "a.b.c/k", None),
        foreign,
        op("move", "a.b.c/k", None),
        op("create", "a.b.c", Some(cid(b"one"))),
        op("create", "a.b.c/k/l", Some(cid(b"one"))),
        Node::Unsigned(1),
        Node::map([("action", Node::text("delete"))]),
        op("delete", "a.b.c/k", Some(cid(b"absent"))),
    ];
    let path = || "a.b.c|k".to_owned();
    let expected = vec![
        Ok((path(), Some(b"one".to_vec()))),
        Err(OpError::MissingBlock),
        Err(OpError::CidMismatch),
        Err(OpError::InvalidCid),
        Err(OpError::MissingCid),
        Err(OpError::InvalidCid),
        Err(OpError::UnknownAction),
        Err(OpError::InvalidPath),
        Err(OpError::InvalidPath),
        Err(OpError::Malformed),
        Err(OpError::Malformed),
        Ok((path(), None)),
    ];
    // Each alone must come out the same.
    for (op, expected) in ops.iter().zip(&expected) {
        let alone = outcomes(vec![op.clone()], car.clone()).unwrap();
        assert_eq!(alone, std::slice::from_ref(expected));
    }
    assert_eq!(outcomes(ops, car).unwrap(), expected);
}

#[test]
fn the_first_of_two_blocks_counts() {
    let cid = Cid::of_dag_cbor(b"right");
    for (blocks, expected) in [
        ([(cid, &b"right"[..]), (cid, b"wrong")], Ok(())),
        (
            [(cid, b"wrong"), (cid, b"right")],
            Err(OpError::CidMismatch),
        ),
    ] {
        for count in [1, 2, 20] {
            let ops = vec![op("create", "a.b.c/k", Some(cid)); count];
            for outcome in outcomes(ops, car(&blocks)).unwrap() {
                assert_eq!(outcome.map(|_| ()), expected);
            }
        }
    }
}

#[test]
fn an_unreadable_car_loses_the_commit_even_behind_the_block() {
    let cid = Cid::of_dag_cbor(b"one");
    let mut car = car(&[(cid, b"one")]);
    car.push(5);
    for count in [0, 1, 20] {
        let ops = vec![op("create", "a.b.c/k", Some(cid)); count];
        assert_eq!(outcomes(ops, car.clone()), Err(CarError::Truncated));
    }
}

#[test]
fn many_operations_find_their_blocks_among_many() {
    let records: Vec<_> = (0..20_000u32)
        .map(|number| number.to_be_bytes())
        .map(|record| (Cid::of_dag_cbor(&record), record))
        .collect();
    let blocks: Vec<_> = records
        .iter()
        .map(|(cid, record)| (*cid, &record[..]))
        .collect();
    let ops: Vec<_> = records
        .iter()
        .map(|(cid, _)| op("create", "a.b.c/k", Some(*cid)))
        .collect();
    let outcomes = outcomes(ops, car(&blocks)).unwrap();
    assert!(outcomes.iter().zip(&records).all(|(outcome, (_, record))| {
        outcome
            .as_ref()
            .is_ok_and(|(_, content)| content.as_deref() == Some(record))
    }));
}
