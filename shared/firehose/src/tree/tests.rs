use super::*;
use crate::error::SignedError;
use crate::oracle::build::Node;
use crate::oracle::repo::{self, Block};
use crate::{Frame, decode_frame};

fn record(name: &str) -> Cid {
    Cid::of_dag_cbor(name.as_bytes())
}

fn path(number: usize) -> String {
    format!("a.b.c/{number:04}")
}

/// A repo of records under the even numbers below 2 * `count`.
fn records(count: usize) -> Vec<(String, Cid)> {
    let paths = (0..count).map(|number| path(2 * number));
    paths.map(|path| (path.clone(), record(&path))).collect()
}

/// The commit object and the nodes of a tree, the root node last.
fn blocks(records: &[(String, Cid)]) -> Vec<Block> {
    let nodes = repo::tree(records);
    let object = repo::commit_object(nodes.last().unwrap().0);
    std::iter::once(object).chain(nodes).collect()
}

fn prove(
    blocks: &[Block],
    claims: &[(&str, Option<Cid>)],
) -> Result<Vec<Result<(), OpError>>, SignedError> {
    let frame = repo::commit_frame(Vec::new(), blocks);
    let Ok(Frame::Commit(commit)) = decode_frame(&frame) else {
        panic!("the frame is sound");
    };
    let mut claims: Vec<_> = claims
        .iter()
        .map(|(path, record)| Claim::new(path, *record))
        .collect();
    commit.open().unwrap().prove(&mut claims)?;
    Ok(claims.iter().map(Claim::verdict).collect())
}

#[test]
fn the_whole_tree_proves_everything() {
    for count in [0, 1, 2, 20, 500] {
        let records = records(count);
        let blocks = blocks(&records);
        let paths: Vec<_> = (0..2 * count + 1).map(path).collect();
        let mut claims = Vec::new();
        let mut expected = Vec::new();
        for (number, path) in paths.iter().enumerate().rev() {
            let exists = number % 2 == 0 && number < 2 * count;
            let result = |is_true, otherwise| if is_true { Ok(()) } else { Err(otherwise) };
            claims.push((path.as_str(), Some(record(path))));
            expected.push(result(exists, OpError::NotInTree));
            claims.push((path.as_str(), Some(record("another"))));
            expected.push(Err(OpError::NotInTree));
            claims.push((path.as_str(), None));
            expected.push(result(!exists, OpError::StillInTree));
        }
        assert_eq!(prove(&blocks, &claims).unwrap(), expected, "{count}");
        // Checked alone, each has the same result.
        for (claim, expected) in claims.iter().zip(expected).take(30) {
            let alone = prove(&blocks, std::slice::from_ref(claim)).unwrap();
            assert_eq!(alone, [expected], "{claim:?}");
        }
    }
}

#[test]
fn a_missing_node_costs_what_lies_below_it_and_believes_deletes() {
    let records = records(500);
    let mut blocks = blocks(&records);
    blocks.pop();
    let path = path(0);
    let claims = [(path.as_str(), Some(record(&path))), (path.as_str(), None)];
    let expected = [Err(OpError::MissingNode), Ok(())];
    assert_eq!(prove(&blocks, &claims).unwrap(), expected);
}

#[test]
fn a_node_that_does_not_match_its_cid_or_is_none_proves_nothing() {
    let records = records(3);
    for damage in [
        |node: &mut Vec<u8>| *node.last_mut().unwrap() ^= 1,
        |node: &mut Vec<u8>| node.push(0),
        Vec::clear,
    ] {
        let nodes = repo::tree(&records);
        let (mut root, mut node) = nodes.last().unwrap().clone();
        damage(&mut node);
        for is_renamed in [false, true] {
            if is_renamed {
                root = Cid::of_dag_cbor(&node);
            }
            let blocks = [repo::commit_object(root), (root, node.clone())];
            let path = path(0);
            for claim in [Some(record(&path)), None] {
                assert_eq!(
                    prove(&blocks, &[(&path, claim)]).unwrap(),
                    [Err(OpError::InvalidNode)]
                );
            }
        }
    }
}

/// A node of hand-made entries: shared bytes, the rest of the key, the subtree behind it.
fn node(entries: &[(usize, &str, Option<Cid>)], left: Option<Cid>) -> Block {
    let link = |cid: Option<Cid>| cid.map_or(Node::Null, Node::link);
    let entries = entries.iter().map(|(shared, rest, right)| {
        Node::map([
            ("k", Node::Bytes(rest.as_bytes().to_vec())),
            ("p", Node::Unsigned(*shared as u64)),
            ("t", link(*right)),
            ("v", Node::link(record("r"))),
        ])
    });
    let node = Node::map([("e", Node::List(entries.collect())), ("l", link(left))]);
    let block = node.encode();
    (Cid::of_dag_cbor(&block), block)
}

#[test]
fn keys_must_rise_and_share_existing_bytes() {
    let long = "k".repeat(MAX_PATH + 1);
    for entries in [
        &[(0, "b/1", None), (0, "a/1", None)][..],
        &[(0, "a/1", None), (0, "a/1", None)],
        &[(0, "a/1", None), (2, "1", None)],
        &[(0, "a/1", None), (3, "", None)],
        &[(1, "a/1", None)],
        &[(0, "a/1", None), (4, "1", None)],
        &[(0, "a/1", None), (usize::MAX >> 1, "1", None)],
        &[(0, &long, None)],
    ] {
        let node = node(entries, None);
        let blocks = [repo::commit_object(node.0), node];
        let verdicts = prove(&blocks, &[("a/1", Some(record("r"))), ("z/1", None)]);
        assert_eq!(verdicts.unwrap(), [Err(OpError::InvalidNode); 2]);
    }
}

/// No tree contains a key twice; without this rule a frame of a few blocks would be walked forever.
#[test]
fn a_node_is_entered_once() {
    let leaf = node(&[(0, "b/1", None)], None);
    let root = node(
        &[(0, "c/1", Some(leaf.0)), (0, "e/1", Some(leaf.0))],
        Some(leaf.0),
    );
    let blocks = [repo::commit_object(root.0), root, leaf];
    let claims: Vec<_> = ["b/1", "d/1", "f/1"].map(|path| (path, None)).into();
    let verdicts = prove(&blocks, &claims).unwrap();
    let entered = verdicts
        .iter()
        .filter(|verdict| **verdict != Err(OpError::InvalidNode));
    assert_eq!(entered.count(), 1, "{verdicts:?}");
    // A second proof starts from the beginning.
    assert_eq!(prove(&blocks, &claims).unwrap(), verdicts);
}

#[test]
fn a_chain_of_nodes_as_deep_as_a_frame_can_hold_is_walked_without_recursion() {
    let mut blocks = vec![node(&[(0, "a/1", None)], None)];
    for _ in 0..50_000 {
        blocks.push(node(&[], Some(blocks.last().unwrap().0)));
    }
    blocks.push(repo::commit_object(blocks.last().unwrap().0));
    blocks.reverse();
    let verdicts = prove(&blocks, &[("a/1", Some(record("r")))]);
    assert_eq!(verdicts.unwrap(), [Ok(())]);
}

#[test]
fn the_signed_commit_must_be_the_one_that_the_frame_speaks_of() {
    let good = blocks(&records(1));
    let data = good.last().unwrap().0;
    let path = path(0);
    let claim = (path.as_str(), Some(record(&path)));
    assert_eq!(prove(&good, &[claim]), Ok(vec![Ok(())]));
    let object = |change: fn(&mut Vec<(String, Node)>)| {
        let mut entries = vec![
            ("did".to_owned(), Node::text(crate::oracle::build::REPO)),
            ("rev".to_owned(), Node::text(crate::oracle::build::REV)),
            ("data".to_owned(), Node::link(data)),
            ("version".to_owned(), Node::Unsigned(3)),
        ];
        change(&mut entries);
        let block = Node::Map(entries).encode();
        (Cid::of_dag_cbor(&block), block)
    };
    let proven = |block: Block| {
        let mut blocks = good.clone();
        blocks[0] = block;
        prove(&blocks, &[claim]).map(|verdicts| verdicts == [Ok(())])
    };
    assert_eq!(
        proven(object(|_| ())),
        Ok(true),
        "unsigned, as far as is looked"
    );
    assert_eq!(
        proven(object(|entries| entries[3].1 = Node::Unsigned(2))),
        Ok(true)
    );
    let version_2_without_rev = object(|entries| {
        entries[3].1 = Node::Unsigned(2);
        entries.remove(1);
    });
    assert_eq!(proven(version_2_without_rev), Ok(true));
    for (change, error) in [
        (
            (|entries| entries[0].1 = Node::text("did:plc:x")) as fn(&mut Vec<(String, Node)>),
            SignedError::WrongDid,
        ),
        (
            |entries| entries[1].1 = Node::text("3mptbypluud2b"),
            SignedError::WrongRev,
        ),
        (
            |entries| entries[3].1 = Node::Unsigned(4),
            SignedError::MalformedCommit,
        ),
        (
            |entries| drop(entries.remove(1)),
            SignedError::MalformedCommit,
        ),
        (
            |entries| drop(entries.remove(2)),
            SignedError::MalformedCommit,
        ),
        (
            |entries| entries.push(entries[0].clone()),
            SignedError::MalformedCommit,
        ),
    ] {
        assert_eq!(proven(object(change)), Err(error));
    }
    let (cid, mut block) = good[0].clone();
    *block.last_mut().unwrap() ^= 1;
    assert_eq!(proven((cid, block)), Err(SignedError::CommitMismatch));
    let frame = crate::oracle::repo::creating_frame(&[]);
    let Ok(Frame::Commit(mut commit)) = decode_frame(&frame) else {
        panic!("the frame is sound");
    };
    commit.commit = Some(data);
    let proof = commit.open().unwrap().prove(&mut []);
    assert_eq!(proof, Err(SignedError::WrongRoot));
    commit.commit = None;
    assert_eq!(commit.open().unwrap().prove(&mut []), Ok(()));
    let without = repo::commit_frame(Vec::new(), &[]);
    let Ok(Frame::Commit(commit)) = decode_frame(&without) else {
        panic!("the frame is sound");
    };
    let proof = commit.open().unwrap().prove(&mut []);
    assert_eq!(proof, Err(SignedError::MissingCommit));
}
