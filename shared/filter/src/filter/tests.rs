use std::hash::{BuildHasher, RandomState};

use proptest::prelude::*;

use super::*;

const COLLECTIONS: [&str; 7] = [
    "app.bsky.feed.post",
    "app.bsky.feed.like",
    "app.bsky.feedback.post",
    "app.bsky.graph.follow",
    "app.bskyx.feed.post",
    "com.example.thing",
    "app.bsky.feed",
];
const PATTERNS: [&str; 11] = [
    "app.bsky.feed.post",
    "app.bsky.feed.like",
    "app.bsky.feed",
    "com.example.thing",
    "app.bsky.feed.*",
    "app.bsky.*",
    "app.*",
    ".*",
    "not valid.*",
    "com.example.thing.*",
    "app.bsky.feed.post.*",
];
const DIDS: [&str; 4] = ["did:plc:a", "did:plc:b", "did:web:a.example", "did:plc:aa"];

/// The contract's words, one by one, without any of the filter's own data structures.
fn wants(patterns: &[&str], dids: &[&str], max: u32, topic: &Topic, did: &str, len: usize) -> bool {
    let collection_passes = match topic {
        Topic::Sync => return false,
        Topic::Identity | Topic::Account => true,
        Topic::Commit(collection) => {
            patterns.is_empty()
                || patterns
                    .iter()
                    .any(|pattern| match pattern.strip_suffix(".*") {
                        Some(head) => collection.as_str().starts_with(&format!("{head}.")),
                        None => *pattern == collection.as_str(),
                    })
        }
    };
    collection_passes
        && (dids.is_empty() || dids.contains(&did))
        && (max == 0 || len <= max as usize)
}

fn topic() -> impl Strategy<Value = Topic> {
    prop_oneof![
        4 => prop::sample::select(&COLLECTIONS[..]).prop_map(|name| Topic::Commit(name.parse().unwrap())),
        1 => Just(Topic::Identity),
        1 => Just(Topic::Account),
        1 => Just(Topic::Sync),
    ]
}

fn some(of: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(of), 0..5)
}

proptest! {
    #[test]
    fn matches_as_the_contract_says(
        patterns in some(&PATTERNS), dids in some(&DIDS), max in prop_oneof![Just(0), 1..4u32],
        topic in topic(), did in prop::sample::select(&DIDS[..]), len in 0..5usize,
    ) {
        let filter = Filter::new(patterns.iter().copied(), dids.iter().copied(), max).unwrap();
        prop_assert_eq!(filter.matches(&topic, did, len), wants(&patterns, &dids, max, &topic, did, len));
    }

    #[test]
    fn order_and_repetition_do_not_matter(patterns in some(&PATTERNS), dids in some(&DIDS), repeated in any::<bool>()) {
        let filter = Filter::new(patterns.iter().copied(), dids.iter().copied(), 0).unwrap();
        let times = if repeated { 2 } else { 1 };
        let shuffled = Filter::new(
            patterns.iter().rev().copied().cycle().take(patterns.len() * times),
            dids.iter().rev().copied().cycle().take(dids.len() * times),
            0,
        ).unwrap();
        prop_assert_eq!(&filter, &shuffled);
        let hasher = RandomState::new();
        prop_assert_eq!(hasher.hash_one(&filter), hasher.hash_one(&shuffled));
    }
}

#[test]
fn the_size_limit_is_inclusive() {
    let filter = Filter::new([], [], 10).unwrap();
    assert!(filter.wants_size(10) && !filter.wants_size(11));
}
