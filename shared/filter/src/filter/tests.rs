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
const DIDS: [&str; 9] = [
    "did:plc:a",
    "did:plc:b",
    "did:web:a.example",
    "did:plc:aa",
    // In the usual form, and nearly.
    "did:plc:44ybard66vv44zksje25o7dz",
    "did:plc:44ybard66vv44zksje25o7da",
    "did:plc:44ybard66vv44zksje25o7dZ",
    "did:plc:44ybard66vv44zksje25o7d",
    "did:plc:44ybard66vv44zksje25o7d1",
];

const KINDS: [&str; 3] = ["commit", "identity", "account"];
const OPERATIONS: [&str; 3] = ["create", "update", "delete"];

/// A client's values.
#[derive(Debug, Clone, Default)]
struct Named {
    patterns: Vec<&'static str>,
    dids: Vec<&'static str>,
    unwanted: Vec<&'static str>,
    unwanted_dids: Vec<&'static str>,
    kinds: Vec<&'static str>,
    operations: Vec<&'static str>,
    max: u32,
}

impl Named {
    fn lists(&self) -> [(List, &[&'static str]); 6] {
        [
            (List::WantedCollections, &self.patterns),
            (List::WantedDids, &self.dids),
            (List::UnwantedCollections, &self.unwanted),
            (List::UnwantedDids, &self.unwanted_dids),
            (List::WantedKinds, &self.kinds),
            (List::WantedOperations, &self.operations),
        ]
    }

    fn filter(&self) -> Filter {
        let mut request = FilterRequest::up_to(self.max);
        for (list, values) in self.lists() {
            for value in values {
                request.add(list, *value);
            }
        }
        Filter::from_request(&request).unwrap()
    }

    /// The rules of the protocol, one by one, without any of the filter's own data structures.
    fn wants(&self, topic: &Topic, action: Option<Action>, did: &str, len: usize) -> bool {
        let is_in = |patterns: &[&str], collection: &str| {
            patterns
                .iter()
                .any(|pattern| match pattern.strip_suffix(".*") {
                    Some(head) => collection.starts_with(&format!("{head}.")),
                    None => *pattern == collection,
                })
        };
        let kind = match topic {
            Topic::Sync | Topic::Frame(_) | Topic::Labels(_) => return false,
            Topic::Identity => "identity",
            Topic::Account => "account",
            Topic::Commit(collection) => {
                let collection = collection.as_str();
                let operation = action.unwrap().as_str();
                let passes = (self.patterns.is_empty() || is_in(&self.patterns, collection))
                    && !is_in(&self.unwanted, collection)
                    && (self.operations.is_empty() || self.operations.contains(&operation));
                if !passes {
                    return false;
                }
                "commit"
            }
        };
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && (self.dids.is_empty() || self.dids.contains(&did))
            && !self.unwanted_dids.contains(&did)
            && (self.max == 0 || len <= self.max as usize)
    }
}

fn named() -> impl Strategy<Value = Named> {
    let max = prop_oneof![Just(0), 1..4u32];
    let v1 = (some(&PATTERNS, 5), some(&DIDS, 5), max);
    let extensions = (
        some(&PATTERNS, 3),
        some(&DIDS, 3),
        some(&KINDS, 3),
        some(&OPERATIONS, 3),
    );
    (v1, extensions).prop_map(
        |((patterns, dids, max), (unwanted, unwanted_dids, kinds, operations))| Named {
            patterns,
            dids,
            unwanted,
            unwanted_dids,
            kinds,
            operations,
            max,
        },
    )
}

fn action() -> impl Strategy<Value = Action> {
    prop::sample::select(&[Action::Create, Action::Update, Action::Delete][..])
}

fn topic() -> impl Strategy<Value = Topic> {
    prop_oneof![
        4 => prop::sample::select(&COLLECTIONS[..]).prop_map(|name| Topic::Commit(name.parse().unwrap())),
        1 => Just(Topic::Identity),
        1 => Just(Topic::Account),
        1 => Just(Topic::Sync),
    ]
}

fn some(of: &'static [&'static str], below: usize) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(of), 0..below)
}

proptest! {
    #[test]
    fn matches_as_the_rules_say(
        named in named(), topic in topic(), action in action(), did in prop::sample::select(&DIDS[..]), len in 0..5usize,
    ) {
        let action = matches!(topic, Topic::Commit(_)).then_some(action);
        prop_assert_eq!(named.filter().matches(&topic, action, did, len), named.wants(&topic, action, did, len));
    }

    #[test]
    fn order_and_repetition_do_not_matter(named in named(), times in 1..3usize) {
        let repeat = |list: &[&'static str]| {
            let count = list.len() * times;
            list.iter().rev().copied().cycle().take(count).collect::<Vec<_>>()
        };
        let shuffled = Named {
            patterns: repeat(&named.patterns),
            dids: repeat(&named.dids),
            unwanted: repeat(&named.unwanted),
            unwanted_dids: repeat(&named.unwanted_dids),
            kinds: repeat(&named.kinds),
            operations: repeat(&named.operations),
            max: named.max,
        };
        let (filter, shuffled) = (named.filter(), shuffled.filter());
        prop_assert_eq!(&filter, &shuffled);
        let hasher = RandomState::new();
        prop_assert_eq!(hasher.hash_one(&filter), hasher.hash_one(&shuffled));
    }

    /// Whatever forms the DIDs have, in whatever order and however often they are given.
    #[test]
    fn the_text_of_a_filter_names_its_dids_in_the_order_of_texts(
        dids in prop::collection::vec("did:(plc|web):[a2Z1]{2}|did:plc:4{22}[a2Z1]{2}", 1..60),
    ) {
        let filter = Filter::new([], dids.iter().map(String::as_str), 0).unwrap();
        let sorted: std::collections::BTreeSet<_> = dids.iter().map(String::as_str).collect();
        let request = filter.to_request();
        prop_assert!(request.values(List::WantedDids).iter().eq(sorted.iter()));
        for did in sorted {
            prop_assert!(filter.wants_did(did));
            let others = [did.to_uppercase(), did.to_lowercase(), format!("{did}a"), did[..did.len() - 1].to_owned()];
            for other in others {
                prop_assert_eq!(filter.wants_did(&other), dids.contains(&other));
            }
        }
    }

    #[test]
    fn a_filter_says_what_it_was_asked_for(named in named()) {
        let filter = named.filter();
        prop_assert_eq!(Filter::from_request(&filter.to_request()), Ok(filter));
    }
}

#[test]
fn the_size_limit_is_inclusive() {
    let filter = Filter::new([], [], 10).unwrap();
    assert!(filter.wants_size(10) && !filter.wants_size(11));
}

#[test]
fn what_excludes_nothing_is_nothing() {
    let everything = Named {
        kinds: KINDS.to_vec(),
        operations: OPERATIONS.to_vec(),
        ..Named::default()
    };
    assert_eq!(everything.filter(), Filter::default());
    assert!(everything.filter().extensions.is_none());
}

/// The common kind of filter must not pay for the rare one.
#[test]
fn a_filter_without_extensions_is_small() {
    assert!(size_of::<Filter>() <= 64);
}

#[test]
fn a_set_of_dids_holds_exactly_its_own() {
    for count in [0, 1, 2, 5, 300] {
        let named: Vec<_> = (0..count)
            .map(|n| format!("did:plc:{:04}", n * 2))
            .collect();
        let sorted: Vec<_> = named.iter().map(String::as_str).collect();
        let set = did_set::DidSet::new(&sorted);
        assert!(set.iter().eq(sorted.iter().copied()));
        for n in 0..2 * count + 2 {
            let did = format!("did:plc:{n:04}");
            assert_eq!(set.contains(&did), sorted.contains(&did.as_str()), "{did}");
        }
    }
}

/// None of it could ever match, and the subscriber would keep all of it.
#[test]
fn a_prefix_is_shorter_than_a_collection() {
    let read = |head: usize| {
        let prefix = format!("{}.*", "a".repeat(head));
        Filter::new([prefix.as_str()], [], 0)
    };
    assert!(read(315).is_ok());
    let refused = read(316).unwrap_err().answer();
    assert!(
        refused.starts_with("invalid subscriber options: invalid collection: aaa"),
        "{refused}"
    );
    assert!(refused.contains("of at most 317 bytes"), "{refused}");
    assert!(read(100_000).is_err());
}

#[test]
fn all_values_together_are_bounded() {
    let did = |n: usize, bytes: usize| format!("did:web:{n:0>width$}", width = bytes - 8);
    let request = |wanted: usize, unwanted: usize, bytes: usize| {
        let mut request = FilterRequest::default();
        for (list, count) in [(List::WantedDids, wanted), (List::UnwantedDids, unwanted)] {
            for n in 0..count {
                // Twice: equal values count once.
                request.add(list, did(n, bytes));
                request.add(list, did(n, bytes));
            }
        }
        Filter::from_request(&request)
    };
    assert!(request(1024, 0, 1024).is_ok());
    assert!(request(512, 512, 1024).is_ok());
    assert_eq!(
        request(1025, 0, 1024),
        Err(OptionsError::TooLong(1025 * 1024))
    );
    assert_eq!(
        request(512, 513, 1024),
        Err(OptionsError::TooLong(1025 * 1024))
    );
    // As many as are allowed.
    assert!(request(10_000, 10_000, 52).is_ok());
    let plc = format!("did:plc:{}", "a".repeat(24));
    let filter = Filter::new([], [plc.as_str()], 0).unwrap();
    assert_eq!(filter.bytes(), plc.len());
}
