use fanjet_event::Cid;
use fanjet_filter::Filter;
use fanjet_firehose::decode_frame;
use fanjet_firehose::oracle::build::{Node, REPO, car, commit_body, frame, op};
use proptest::prelude::*;

use super::*;

const PATTERNS: [&str; 5] = [
    "app.bsky.feed.like",
    "app.bsky.feed.*",
    "app.*",
    "com.example.thing",
    "com.example.thing.*",
];
const DIDS: [&str; 3] = [
    REPO,
    "did:plc:44ybard66vv44zksje25o7dz",
    "did:web:a.example",
];
const COLLECTIONS: [&str; 6] = [
    "app.bsky.feed.like",
    "app.bsky.feed.post",
    "app.bsky.feedback.post",
    "com.example.thing",
    "com.example.thing.more",
    "no collection",
];

/// What a test puts into a commit.
#[derive(Debug, Clone)]
enum Listed {
    /// An operation in this collection.
    In(&'static str),
    /// An operation that cannot be read.
    Broken,
}

fn listed() -> impl Strategy<Value = Listed> {
    prop_oneof![
        20 => prop::sample::select(&COLLECTIONS[..5]).prop_map(Listed::In),
        1 => Just(Listed::In(COLLECTIONS[5])),
        1 => Just(Listed::Broken),
    ]
}

fn commit(ops: &[Listed], too_big: bool) -> Vec<u8> {
    let cid = Some(Cid::of_dag_cbor(b"record"));
    let nodes = ops.iter().map(|listed| match listed {
        Listed::In(collection) => op("create", &format!("{collection}/3jui7kd54zh2y"), cid),
        Listed::Broken => Node::map([("action", Node::text("create"))]),
    });
    let body = match commit_body(nodes.collect(), car([])) {
        Node::Map(entries) => Node::Map(
            entries
                .into_iter()
                .map(|(key, value)| match key.as_str() {
                    "tooBig" => (key, Node::Bool(too_big)),
                    _ => (key, value),
                })
                .collect(),
        ),
        other => other,
    };
    frame("#commit", &body)
}

fn matches(pattern: &str, collection: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(head) => collection.starts_with(head),
        None => pattern == collection,
    }
}

proptest! {
    /// The oracle knows what was put into the frame, and none of the code between.
    #[test]
    fn a_frame_passes_if_one_of_its_operations_does(
        ops in prop::collection::vec(listed(), 0..6),
        too_big in prop::bool::weighted(0.1),
        patterns in prop::sample::subsequence(&PATTERNS[..], 0..4),
        dids in prop::sample::subsequence(&DIDS[..], 0..3),
    ) {
        let pairs = patterns.iter().map(|value| format!("wantedCollections={value}"));
        let pairs = pairs.chain(dids.iter().map(|value| format!("wantedDids={value}")));
        let query = pairs.collect::<Vec<_>>().join("&");
        let bytes = commit(&ops, too_big);
        let topic = topic_of(&decode_frame(&bytes).unwrap());
        let passes = Filter::of_frames(&query).unwrap().is_none_or(|filter| {
            filter.wants_frame(topic.as_ref())
        });
        let is_known = !too_big && ops.iter().all(|listed| {
            matches!(listed, Listed::In(collection) if *collection != COLLECTIONS[5])
        });
        let is_wanted = ops.iter().any(|listed| match listed {
            Listed::In(collection) => patterns.iter().any(|pattern| matches(pattern, collection)),
            Listed::Broken => false,
        });
        let expected = (patterns.is_empty() || !is_known || is_wanted)
            && (dids.is_empty() || dids.contains(&REPO));
        prop_assert_eq!(passes, expected, "{:?}", topic);
    }
}

#[test]
fn a_commit_in_more_collections_than_have_room_is_in_all() {
    let few: Vec<_> = COLLECTIONS[..5]
        .iter()
        .map(|name| Listed::In(name))
        .collect();
    let of = |ops: &[Listed]| topic_of(&decode_frame(&commit(ops, false)).unwrap()).unwrap();
    assert_eq!(of(&few).collections().unwrap().len(), 5);
    let names: Vec<_> = (0..200).map(|n| format!("com.example.c{n}")).collect();
    let cid = Some(Cid::of_dag_cbor(b"record"));
    let ops = names
        .iter()
        .map(|name| op("create", &format!("{name}/a"), cid));
    let bytes = frame("#commit", &commit_body(ops.collect(), car([])));
    let topic = topic_of(&decode_frame(&bytes).unwrap()).unwrap();
    assert_eq!(topic.collections(), None);
    assert_eq!(topic.did().as_str(), REPO);
}

#[test]
fn other_kinds_are_about_a_repo_and_unknown_ones_about_nothing() {
    let body = Node::map([
        ("did", Node::text("did:plc:a")),
        ("seq", Node::Unsigned(7)),
        ("time", Node::text("2026-07-04T14:38:08.999Z")),
    ]);
    let of = |kind: &str| topic_of(&decode_frame(&frame(kind, &body)).unwrap());
    let identity = of("#identity").unwrap();
    assert_eq!(identity.to_string(), "did:plc:a");
    assert_eq!(of("#future"), None);
    let wrong = Node::map([
        ("did", Node::text("no did")),
        ("seq", Node::Unsigned(7)),
        ("time", Node::text("2026-07-04T14:38:08.999Z")),
    ]);
    let bytes = frame("#identity", &wrong);
    assert_eq!(topic_of(&decode_frame(&bytes).unwrap()), None);
}
