use fanjet_event::Cid;

use super::*;
use crate::cbor::CborError;
use crate::oracle::build::{Node, commit_body, frame, op};

const TIME: &str = "2026-07-04T14:38:08.999Z";

fn decode_error(bytes: &[u8]) -> FrameError {
    decode_frame(bytes).unwrap_err()
}

#[test]
fn reads_a_commit() {
    let bytes = frame(
        "#commit",
        &commit_body(vec![op("delete", "a.b.c/x", None)], b"car".to_vec()),
    );
    let decoded = decode_frame(&bytes).unwrap();
    let Frame::Commit(commit) = decoded else {
        panic!("{decoded:?}")
    };
    assert_eq!(decoded.seq(), Some(30_340_180_350));
    assert_eq!(commit.repo, "did:plc:wq4aajammjtxdomz3e23667t");
    assert_eq!(commit.rev, "3mptbypluud2a");
    assert_eq!(commit.since, Some("3mptbyjx2pd2a"));
    assert_eq!(commit.time, TIME);
    assert!(!commit.too_big);
    assert_eq!(commit.commit, Some(Cid::of_dag_cbor(b"commit")));
    assert_eq!(commit.prev_data, Some(Cid::of_dag_cbor(b"before")));
    assert_eq!(commit.blocks, b"car");
    assert_eq!(commit.op_count(), 1);
}

#[test]
fn reads_the_other_messages() {
    let seq = || Node::Unsigned(7);
    let identity = Node::map([
        ("did", Node::text("did:plc:x")),
        ("seq", seq()),
        ("time", Node::text(TIME)),
        ("handle", Node::Null),
    ]);
    let account = Node::map([
        ("active", Node::Bool(false)),
        ("status", Node::text("takendown")),
        ("did", Node::text("did:plc:x")),
        ("seq", seq()),
        ("time", Node::text(TIME)),
    ]);
    let sync = Node::map([
        ("rev", Node::text("r")),
        ("blocks", Node::Bytes(vec![1])),
        ("did", Node::text("did:plc:x")),
        ("seq", seq()),
        ("time", Node::text(TIME)),
    ]);
    let info = Node::map([("name", Node::text("OutdatedCursor"))]);
    let cases = [
        (
            frame("#identity", &identity),
            Frame::Identity(Identity {
                seq: 7,
                did: "did:plc:x",
                time: TIME,
                handle: None,
            }),
        ),
        (
            frame("#account", &account),
            Frame::Account(Account {
                seq: 7,
                did: "did:plc:x",
                time: TIME,
                active: false,
                status: Some("takendown"),
            }),
        ),
        (
            frame("#sync", &sync),
            Frame::Sync(Sync {
                seq: 7,
                did: "did:plc:x",
                rev: "r",
                time: TIME,
                blocks: &[1],
            }),
        ),
        (
            frame("#info", &info),
            Frame::Info(Info {
                name: "OutdatedCursor",
                message: None,
            }),
        ),
    ];
    for (bytes, expected) in &cases {
        assert_eq!(decode_frame(bytes), Ok(*expected));
        let has_seq = !matches!(expected, Frame::Info(_));
        assert_eq!(expected.seq(), has_seq.then_some(7));
    }
}

#[test]
fn an_error_frame_has_op_minus_one_and_no_type() {
    let header = Node::map([("op", Node::Negative(0))]).encode();
    let body = Node::map([
        ("error", Node::text("FutureCursor")),
        ("message", Node::text("no")),
    ]);
    let bytes = [header, body.encode()].concat();
    let expected = ErrorFrame {
        error: "FutureCursor",
        message: Some("no"),
    };
    assert_eq!(decode_frame(&bytes), Ok(Frame::Error(expected)));
    assert_eq!(Frame::Error(expected).seq(), None);
}

#[test]
fn unknown_messages_keep_their_seq() {
    for (body, seq) in [
        (
            Node::map([("x", Node::Null), ("seq", Node::Unsigned(9))]),
            Some(9),
        ),
        (Node::map([("seq", Node::text("9"))]), None),
        (Node::map([]), None),
        (Node::List(vec![Node::Unsigned(9)]), None),
    ] {
        let bytes = frame("#later", &body);
        let kind = "#later";
        assert_eq!(
            decode_frame(&bytes),
            Ok(Frame::Unknown(Unknown { kind, seq }))
        );
    }
}

#[test]
fn other_ops_are_refused() {
    for op in [Node::Unsigned(0), Node::Unsigned(2), Node::Negative(1)] {
        let header = Node::map([("op", op), ("t", Node::text("#info"))]);
        let bytes = [header.encode(), Node::map([]).encode()].concat();
        assert_eq!(decode_error(&bytes), FrameError::UnknownOp);
    }
    let huge = Node::map([("op", Node::Unsigned(u64::MAX))]).encode();
    assert_eq!(decode_error(&huge), FrameError::Invalid("op"));
}

#[test]
fn each_required_key_is_named_when_it_is_missing_or_wrong_or_double() {
    let Node::Map(entries) = commit_body(Vec::new(), Vec::new()) else {
        panic!("a body is a map")
    };
    for key in ["seq", "repo", "rev", "time", "blocks", "ops"] {
        let at = entries.iter().position(|(have, _)| have == key).unwrap();
        let mut missing = entries.clone();
        missing.remove(at);
        let bytes = frame("#commit", &Node::Map(missing));
        assert_eq!(decode_error(&bytes), FrameError::Missing(key));
        for value in [Node::Null, Node::Negative(0), Node::map([])] {
            let mut wrong = entries.clone();
            wrong[at].1 = value;
            let bytes = frame("#commit", &Node::Map(wrong));
            assert_eq!(decode_error(&bytes), FrameError::Invalid(key));
        }
        let mut double = entries.clone();
        double.push(entries[at].clone());
        let bytes = frame("#commit", &Node::Map(double));
        assert_eq!(decode_error(&bytes), FrameError::Duplicate(key));
    }
}

#[test]
fn the_whole_frame_must_be_used_and_no_more() {
    let bytes = frame("#info", &Node::map([("name", Node::text("x"))]));
    for len in 0..bytes.len() {
        assert!(decode_frame(&bytes[..len]).is_err(), "{len}");
    }
    let longer = [bytes, vec![0]].concat();
    assert_eq!(decode_error(&longer), FrameError::TrailingBytes);
}

#[test]
fn nesting_in_unknown_keys_is_bounded() {
    let deep = Node::Raw([vec![0x81; 100_000], vec![0x80]].concat());
    let body = Node::map([("later", deep), ("name", Node::text("x"))]);
    assert_eq!(
        decode_error(&frame("#info", &body)),
        FrameError::InvalidCbor(CborError::TooDeep)
    );
}

#[test]
fn the_seq_is_found_in_front_of_what_is_missing() {
    let body = Node::map([
        ("ops", Node::List(vec![Node::map([("cid", Node::Null)])])),
        ("seq", Node::Unsigned(4711)),
        ("blocks", Node::Bytes(vec![0; 10_000])),
    ]);
    let bytes = frame("#commit", &body);
    assert_eq!(seq_at_beginning(&bytes), Some(4711));
    assert_eq!(seq_at_beginning(&bytes[..100]), Some(4711));
    for len in 0..20 {
        assert_eq!(seq_at_beginning(&bytes[..len]), None, "{len}");
    }
    let late = Node::map([
        ("blocks", Node::Bytes(vec![0; 10_000])),
        ("seq", Node::Unsigned(4711)),
    ]);
    let bytes = frame("#commit", &late);
    assert_eq!(seq_at_beginning(&bytes), Some(4711));
    assert_eq!(seq_at_beginning(&bytes[..5_000]), None);
    assert_eq!(seq_at_beginning(b"no frame at all"), None);
}
