use std::time::Instant;

use fanjet_event::Cid;
use fanjet_firehose::oracle::build::{self, Node};
use fanjet_firehose::oracle::repo::{self, Block};

use super::*;

fn upstream() -> UpstreamId {
    UpstreamId::new("relay").unwrap()
}

#[test]
fn garbage_is_counted_and_leaves_nothing_behind() {
    let mut drafts = Drafts::default();
    let (upstream, filter) = (upstream(), IngestFilter::default());
    let admission = Admission {
        upstream: &upstream,
        filter: &filter,
    };
    drafts.admit(b"", admission);
    drafts.admit(b"not a frame", admission);
    assert_eq!(
        drafts.drops.iter().collect::<Vec<_>>(),
        [(DropReason::Undecodable, 2)]
    );
    assert!(drafts.events.is_empty() && drafts.text.is_empty());
}

#[test]
fn labels_are_distinct() {
    let mut labels: Vec<_> = DropReason::ALL
        .iter()
        .map(|reason| reason.label())
        .collect();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), DropReason::ALL.len());
}

/// What a frame makes.
fn admitted(frame: &[u8]) -> Drafts {
    let (upstream, filter) = (upstream(), IngestFilter::default());
    let admission = Admission {
        upstream: &upstream,
        filter: &filter,
    };
    let mut drafts = Drafts::default();
    drafts.admit(frame, admission);
    drafts
}

fn drops(drafts: &Drafts) -> Vec<(DropReason, u64)> {
    drafts.drops.iter().collect()
}

fn texts(drafts: &Drafts) -> Vec<&[u8]> {
    let spans = drafts.events.iter().map(|draft| draft.span.clone());
    spans.map(|span| &drafts.text[span]).collect()
}

fn record(text: &str) -> Block {
    let block = Node::map([("text", Node::text(text))]).encode();
    (Cid::of_dag_cbor(&block), block)
}

fn path(number: usize) -> String {
    format!("app.bsky.feed.post/{number:06}")
}

/// A commit that creates these records, in a tree that has them.
fn creating(records: &[Block]) -> Vec<u8> {
    let paths = (0..records.len()).map(path);
    let tree: Vec<_> = paths.zip(records.iter().map(|(cid, _)| *cid)).collect();
    let ops = tree
        .iter()
        .map(|(path, cid)| build::op("create", path, Some(*cid)))
        .collect();
    let nodes = repo::tree(&tree);
    let object = repo::commit_object(nodes.last().unwrap().0);
    let mut contents = records.to_vec();
    contents.dedup();
    let blocks: Vec<_> = std::iter::once(object)
        .chain(nodes)
        .chain(contents)
        .collect();
    repo::commit_frame(ops, &blocks)
}

#[test]
fn a_record_that_many_operations_name_is_the_same_in_each() {
    let drafts = admitted(&creating(&vec![record("<&>"); 200]));
    assert_eq!(drops(&drafts), []);
    let expected = r#""record":{"text":"\u003c\u0026\u003e"}"#;
    let texts = texts(&drafts);
    assert_eq!(texts.len(), 200);
    for (number, text) in texts.iter().enumerate() {
        let text = std::str::from_utf8(text).unwrap();
        assert!(text.contains(expected), "{text}");
        assert!(text.contains(&format!(r#""rkey":"{number:06}""#)), "{text}");
    }
}

#[test]
fn a_small_frame_that_would_become_large_is_dropped_whole_and_becomes_nothing() {
    for (bytes, count, is_kept) in [
        (348_000, 200, false),
        (348_000, 4, false),
        (348_000, 3, true),
        (6_000, 200, true),
        (7_000, 200, false),
    ] {
        let frame = creating(&vec![record(&"&".repeat(bytes)); count]);
        let drafts = admitted(&frame);
        let size = frame.len();
        if is_kept {
            assert_eq!((drafts.events.len(), drops(&drafts)), (count, vec![]));
        } else {
            assert_eq!(drops(&drafts), [(DropReason::Inflated, 1)], "{size} bytes");
            assert!(drafts.events.is_empty() && drafts.text.is_empty());
        }
        let most = MAX_FRAME_JSON + fanjet_log::MAX_BODY;
        assert!(
            drafts.text.capacity() <= 2 * most,
            "{}",
            drafts.text.capacity()
        );
    }
}

#[test]
fn a_record_whose_json_is_too_large_costs_its_operations_and_no_siblings() {
    // One byte of it becomes fourteen.
    let empties = Node::map([("a", Node::List(vec![Node::Bytes(Vec::new()); 131_072]))]);
    let lists = Node::map([("a", Node::List(vec![empties; 7]))]).encode();
    let large = (Cid::of_dag_cbor(&lists), lists);
    let drafts = admitted(&creating(&[record("a"), large.clone(), large, record("b")]));
    assert_eq!(drops(&drafts), [(DropReason::TooLarge, 2)]);
    assert_eq!(drafts.events.len(), 2);
    assert!(drafts.text.capacity() < 2 * fanjet_log::MAX_BODY);
}

#[test]
fn a_commit_has_so_many_operations_and_no_more() {
    for (count, is_kept) in [(MAX_OPS, true), (MAX_OPS + 1, false)] {
        let drafts = admitted(&creating(&vec![record("a"); count as usize]));
        if is_kept {
            assert_eq!((drafts.events.len(), drops(&drafts)), (200, vec![]));
        } else {
            assert_eq!(drops(&drafts), [(DropReason::TooManyOps, 1)]);
        }
    }
}

#[test]
fn what_the_tree_does_not_say_is_dropped_and_its_siblings_are_kept() {
    let (there, absent) = (record("there"), record("absent"));
    let tree = [(path(1), there.0), (path(3), there.0)];
    let nodes = repo::tree(&tree);
    let object = repo::commit_object(nodes.last().unwrap().0);
    let ops = vec![
        build::op("create", &path(1), Some(there.0)),
        build::op("create", &path(2), Some(there.0)),
        build::op("update", &path(3), Some(absent.0)),
        build::op("delete", &path(3), None),
        build::op("delete", &path(4), None),
    ];
    let all = [vec![object], nodes, vec![there, absent]].concat();
    let drafts = admitted(&repo::commit_frame(ops.clone(), &all));
    let expected = [(DropReason::NotInTree, 2), (DropReason::StillInTree, 1)];
    assert_eq!(drops(&drafts), expected);
    let kept: Vec<_> = drafts
        .events
        .iter()
        .map(|draft| draft.origin.op_index)
        .collect();
    assert_eq!(kept, [0, 4]);

    let rootless: Vec<_> = all
        .iter()
        .filter(|block| block.0 != all[1].0)
        .cloned()
        .collect();
    let drafts = admitted(&repo::commit_frame(ops.clone(), &rootless));
    assert_eq!(drops(&drafts), [(DropReason::MissingNode, 3)]);
    assert_eq!(drafts.events.len(), 2, "deletes that nothing contradicts");

    // The first block is what the frame calls its commit.
    let drafts = admitted(&repo::commit_frame(ops, &all[1..]));
    assert_eq!(drops(&drafts), [(DropReason::BadCommit, 1)]);
    assert!(drafts.events.is_empty());
}

/// The largest of frames with the largest of records under as many names as there may be: hashed once, written once.
#[test]
fn the_time_of_a_frame_depends_on_its_bytes_and_not_on_what_they_name() {
    let once = [record(&"x".repeat(1_000_000))];
    let many = vec![record(&"&".repeat(1_000_000)); 200];
    let time = |frame: &[u8]| {
        let timed = (0..3).map(|_| {
            let began = Instant::now();
            admitted(frame);
            began.elapsed()
        });
        timed.min().unwrap()
    };
    let (once, many) = (time(&creating(&once)), time(&creating(&many)));
    // Ten times, without optimization and alone on the machine; a thousand, were each name written for itself.
    assert!(many < 100 * once, "{many:?} beside {once:?}");
}
