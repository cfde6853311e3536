use fanjet_event::Action;
use fanjet_filter::{Filter, FilterRequest, List};
use proptest::prelude::*;

use super::*;
use crate::events::{Event, commit, event};
use crate::tail::Collections;

const COLLECTIONS: [&str; 7] = [
    "app.bsky.feed.post",
    "app.bsky.feed.like",
    "app.bsky.graph.follow",
    "app.bskyx.feed.post",
    "com.example.thing",
    "com.example.deep.er.thing",
    "com.example.thing.er",
];
const PATTERNS: [&str; 13] = [
    "app.bsky.feed.post",
    "app.bsky.feed.like",
    "com.example.thing",
    "never.seen.collection",
    "app.bsky.feed.*",
    "app.bsky.feed.post.*",
    "app.bsky.*",
    "app.*",
    "com.example.*",
    "com.example.deep.*",
    "com.example.thing.*",
    ".*",
    "never seen.*",
];
const DIDS: [&str; 9] = [
    "did:plc:a",
    "did:plc:b",
    "did:web:c.example",
    "did:plc:never",
    // The usual form, and near misses.
    "did:plc:44ybard66vv44zksje25o7dz",
    "did:plc:44ybard66vv44zksje25o7da",
    "did:plc:44ybard66vv44zksje25o7dZ",
    "did:plc:44ybard66vv44zksje25o7d",
    "did:plc:44ybard66vv44zksje25o7d1",
];

#[derive(Debug, Clone)]
enum Act {
    /// Enters this filter under the lane, or removes the lane.
    Lane(LaneId, Option<Filter>),
    Event(Event),
}

fn filter() -> impl Strategy<Value = Filter> {
    let some = |of: &'static [&'static str], below: usize| {
        prop::collection::vec(prop::sample::select(of), 0..below)
    };
    let lists = (
        some(&PATTERNS, 4),
        some(&DIDS, 4),
        some(&PATTERNS, 2),
        some(&DIDS, 2),
        some(&["commit", "identity", "account"], 2),
        some(&["create", "update", "delete"], 2),
    );
    let max = prop_oneof![3 => Just(0), 1 => 180..260u32];
    (lists, max, any::<bool>()).prop_map(|(lists, max, is_extended)| {
        let mut request = FilterRequest::up_to(max);
        let lists = [lists.0, lists.1, lists.2, lists.3, lists.4, lists.5];
        // Half of the filters use only v1's options.
        let count = if is_extended { lists.len() } else { 2 };
        for (list, values) in List::ALL.into_iter().zip(lists).take(count) {
            for value in values {
                request.add(list, value);
            }
        }
        Filter::from_request(&request).unwrap()
    })
}

fn any_event() -> impl Strategy<Value = Event> {
    let topic = prop_oneof![
        6 => prop::sample::select(&COLLECTIONS[..]).prop_map(|name| Topic::Commit(name.parse().unwrap())),
        1 => Just(Topic::Identity),
        1 => Just(Topic::Account),
        1 => Just(Topic::Sync),
    ];
    let action = prop::sample::select(&[Action::Create, Action::Update, Action::Delete][..]);
    (topic, action, prop::sample::select(&DIDS[..]), 0..80usize)
        .prop_map(|(topic, action, did, padding)| event(topic, did).doing(action).padded(padding))
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => (0..12u32, prop::option::weighted(0.7, filter())).prop_map(|(lane, filter)| Act::Lane(lane, filter)),
        3 => any_event().prop_map(Act::Event),
    ]
}

proptest! {
    /// After any sequence of changes the index finds exactly the matching lanes, each once, with numbered and unnumbered
    /// collections.
    #[test]
    fn the_index_equals_a_scan_of_all_lanes(acts in prop::collection::vec(act(), 1..120), max_collections in 0..8usize) {
        let mut collections = Collections::new(max_collections);
        let mut router = Router::default();
        let mut lanes: Vec<Option<Arc<Filter>>> = vec![None; 12];
        for (seq, act) in (1..).zip(acts) {
            match act {
                Act::Lane(lane, filter) => {
                    if lanes[lane as usize].take().is_some() {
                        router.remove(lane);
                    }
                    if let Some(filter) = filter.map(Arc::new) {
                        router.enter(lane, &filter);
                        lanes[lane as usize] = Some(filter);
                    }
                }
                Act::Event(event) => {
                    let entry = Entry::new(&event.at(seq), &mut collections).unwrap();
                    let mut found = Vec::new();
                    router.route(&entry, |lane| found.push(lane));
                    found.sort_unstable();
                    let naive: Vec<_> = (0..).zip(&lanes)
                        .filter(|(_, filter)| filter.as_ref().is_some_and(|filter| filter.matches(entry.topic(), entry.action(), entry.did(), entry.json_len())))
                        .map(|(lane, _)| lane)
                        .collect();
                    prop_assert_eq!(found, naive);
                }
            }
        }
        for (lane, filter) in (0..).zip(&lanes) {
            if filter.is_some() {
                router.remove(lane);
            }
        }
        // Nothing of a filter remains, only the numbered collections.
        prop_assert!(router.by_did.is_empty() && router.by_kind.iter().all(Vec::is_empty));
        let routed: std::collections::HashSet<_> = router.routes.iter().flatten().flatten().copied().collect();
        prop_assert_eq!(router.slot_of.len(), routed.len());
        prop_assert_eq!(router.slots.len(), routed.len());
    }
}

/// The `n`th DID, in one of three forms.
fn wide_did(n: u32) -> String {
    match n % 8 {
        0 => format!("did:web:n{n}.example"),
        1 => format!("did:plc:{n:A>24}"),
        _ => format!("did:plc:{n:a>24o}")
            .replace('0', "x")
            .replace('1', "y"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Wide filters with overlapping DIDs come and go: an event finds exactly those that name its DID, and removing all of
    /// them frees everything.
    #[test]
    fn wide_filters_share_dids_and_are_freed(
        acts in prop::collection::vec((0..16u32, 0..20_000u32, 1..3000u32, 1..5u32), 1..40),
    ) {
        let mut collections = Collections::new(1);
        let mut router = Router::default();
        let mut lanes: Vec<Option<Arc<Filter>>> = vec![None; 16];
        for (seq, (lane, first, count, step)) in (1..).zip(acts) {
            if lanes[lane as usize].take().is_some() {
                router.remove(lane);
            }
            // Half of them are named twice.
            let dids: Vec<_> = (0..count).chain(0..count / 2).map(|n| wide_did(first + n * step)).collect();
            let filter = Arc::new(Filter::new([], dids.iter().map(String::as_str), 0).unwrap());
            router.enter(lane, &filter);
            lanes[lane as usize] = Some(filter);
            for n in (0..64).map(|n| first + n * count / 32) {
                let did = wide_did(n);
                let entry = Entry::new(&commit("app.bsky.feed.post", &did).at(seq), &mut collections).unwrap();
                let mut found = Vec::new();
                router.route(&entry, |lane| found.push(lane));
                found.sort_unstable();
                let naive: Vec<_> = (0..).zip(&lanes)
                    .filter(|(_, filter)| filter.as_ref().is_some_and(|filter| filter.wants_did(&did)))
                    .map(|(lane, _)| lane)
                    .collect();
                prop_assert_eq!(found, naive, "{}", did);
            }
        }
        for lane in 0..16 {
            router.remove(lane);
        }
        prop_assert!(router.by_did.is_empty());
    }
}

/// A burst of wide filters must not keep its memory.
#[test]
fn the_memory_of_removed_dids_is_freed() {
    let mut router = Router::default();
    for lane in 0..100 {
        let dids: Vec<_> = (0..10_000).map(|n| wide_did(lane * 10_000 + n)).collect();
        let filter = Filter::new([], dids.iter().map(String::as_str), 0).unwrap();
        router.enter(lane, &Arc::new(filter));
    }
    assert!(router.by_did.room() >= 750_000);
    for lane in 0..100 {
        router.remove(lane);
    }
    assert!(router.by_did.is_empty());
    assert!(router.by_did.room() < 50_000, "{}", router.by_did.room());
}

#[test]
fn a_name_is_split_into_its_prefixes() {
    let found: Vec<_> = parts("app.bsky.feed.post").collect();
    assert_eq!(
        found,
        ["app.bsky.feed.post", "app.", "app.bsky.", "app.bsky.feed."]
    );
}

/// Lanes that do not want an event's kind are not visited, however many there are.
#[test]
fn the_index_separates_event_kinds() {
    let mut router = Router::default();
    let queries = [
        "",
        "wantedKinds=identity",
        "wantedOperations=delete",
        "wantedKinds=commit&wantedOperations=create",
        "wantedKinds=account&wantedCollections=app.bsky.feed.post",
    ];
    for (lane, query) in (0..).zip(queries) {
        let filter = fanjet_filter::SubscriberOptions::parse(query)
            .unwrap()
            .filter;
        router.enter(lane, &Arc::new(filter));
    }
    assert_eq!(router.by_kind[EventKind::Create.index()], [0, 3]);
    assert_eq!(router.by_kind[EventKind::Update.index()], [0]);
    assert_eq!(router.by_kind[EventKind::Delete.index()], [0, 2]);
    assert_eq!(router.by_kind[EventKind::Identity.index()], [0, 1, 2]);
    assert_eq!(router.by_kind[EventKind::Account.index()], [0, 2, 4]);
    assert_eq!(router.slot_of.len(), 0, "lane 4 wants no commits");
}

/// Churn of filters that never match must not grow the index.
#[test]
fn patterns_of_removed_lanes_are_freed() {
    let mut router = Router::default();
    for n in 0..1000 {
        let filter = Filter::new(
            [format!("x.y.n{n}").as_str(), format!("p{n}.*").as_str()],
            [],
            0,
        )
        .unwrap();
        router.enter(0, &Arc::new(filter));
        router.remove(0);
    }
    assert_eq!((router.slot_of.len(), router.slots.len()), (0, 0));
    assert!(router.slots.vacant_key() < 2, "numbers are reused");
    let entry = Entry::new(
        &commit("x.y.n5", "did:plc:a").at(1),
        &mut Collections::new(1),
    )
    .unwrap();
    router.route(&entry, |lane| panic!("lane {lane} is gone"));
}
