use fanjet_filter::Filter;
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
const DIDS: [&str; 4] = [
    "did:plc:a",
    "did:plc:b",
    "did:web:c.example",
    "did:plc:never",
];

#[derive(Debug, Clone)]
enum Act {
    /// Enters this filter under the lane, or takes the lane out.
    Lane(LaneId, Option<Filter>),
    Event(Event),
}

fn filter() -> impl Strategy<Value = Filter> {
    let some = |of: &'static [&'static str]| prop::collection::vec(prop::sample::select(of), 0..4);
    (
        some(&PATTERNS),
        some(&DIDS),
        prop_oneof![3 => Just(0), 1 => 180..260u32],
    )
        .prop_map(|(patterns, dids, max)| Filter::new(patterns, dids, max).unwrap())
}

fn any_event() -> impl Strategy<Value = Event> {
    let topic = prop_oneof![
        6 => prop::sample::select(&COLLECTIONS[..]).prop_map(|name| Topic::Commit(name.parse().unwrap())),
        1 => Just(Topic::Identity),
        1 => Just(Topic::Account),
        1 => Just(Topic::Sync),
    ];
    (topic, prop::sample::select(&DIDS[..]), 0..80usize)
        .prop_map(|(topic, did, padding)| event(topic, did).padded(padding))
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => (0..12u32, prop::option::weighted(0.7, filter())).prop_map(|(lane, filter)| Act::Lane(lane, filter)),
        3 => any_event().prop_map(Act::Event),
    ]
}

proptest! {
    /// Whatever came and went before, the index finds exactly the lanes whose filters match, each once, with
    /// numbered collections and with some that have no number.
    #[test]
    fn the_index_finds_what_looking_at_every_lane_finds(acts in prop::collection::vec(act(), 1..120), max_collections in 0..8usize) {
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
                        .filter(|(_, filter)| filter.as_ref().is_some_and(|filter| filter.matches(entry.topic(), entry.did(), entry.json_len())))
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
        // Nothing that a filter brought is left; what stays belongs to the numbered collections.
        prop_assert!(router.by_did.is_empty() && router.everything.is_empty() && router.by_collection.is_empty());
        let routed: std::collections::HashSet<_> = router.routes.iter().flatten().flatten().copied().collect();
        prop_assert_eq!(router.slot_of.len(), routed.len());
        prop_assert_eq!(router.slots.len(), routed.len() + router.free_slots.len());
    }
}

#[test]
fn the_parts_of_a_name() {
    let found: Vec<_> = parts("app.bsky.feed.post").collect();
    assert_eq!(
        found,
        ["app.bsky.feed.post", "app.", "app.bsky.", "app.bsky.feed."]
    );
}

/// Churn of filters that never match must not grow the index.
#[test]
fn patterns_of_the_departed_are_forgotten() {
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
    assert_eq!((router.slot_of.len(), router.slots.len()), (0, 2));
    let entry = Entry::new(
        &commit("x.y.n5", "did:plc:a").at(1),
        &mut Collections::new(1),
    )
    .unwrap();
    router.route(&entry, |lane| panic!("lane {lane} is gone"));
}
