use super::*;
use crate::MAX_COLLECTIONS;

fn topic(text: &str) -> FrameTopic {
    FrameTopic::parse(text).unwrap()
}

fn filter(query: &str) -> Filter {
    Filter::of_frames(query).unwrap().unwrap()
}

#[test]
fn one_operation_is_enough_and_other_kinds_pass_collections() {
    let likes = filter("cursor=5&wantedCollections=app.bsky.feed.like");
    let feeds = filter("wantedCollections=app.bsky.feed.*");
    let of_a = filter("wantedDids=did%3Aplc%3Aa&wantedCollections=app.bsky.feed.*");
    for (text, expected) in [
        ("did:plc:a;app.bsky.feed.like", [true, true, true]),
        ("did:plc:b;app.bsky.feed.post", [false, true, false]),
        (
            "did:plc:a;app.bsky.feed.like,app.bsky.graph.follow",
            [true, true, true],
        ),
        ("did:plc:a;app.bsky.graph.follow", [false, false, false]),
        ("did:plc:a;app.bsky.feed", [false, false, false]),
        // A commit without operations.
        ("did:plc:a;", [false, false, false]),
        // An identity, or a commit that has too many collections to name.
        ("did:plc:a", [true, true, true]),
        ("did:plc:b", [true, true, false]),
    ] {
        let wants = [&likes, &feeds, &of_a].map(|filter| filter.wants_frame(Some(&topic(text))));
        assert_eq!(wants, expected, "{text}");
    }
    for filter in [likes, feeds, of_a] {
        assert!(filter.wants_frame(None));
    }
}

#[test]
fn values_and_limits_are_those_of_events() {
    for query in [
        "",
        "cursor=5",
        "wantedKinds=commit&unwantedDids=x",
        "wanteddids=did:plc:a",
    ] {
        assert_eq!(Filter::of_frames(query), Ok(None), "{query}");
    }
    for query in [
        "wantedCollections=",
        "wantedCollections=like",
        "wantedDids=alice.test",
        "wantedDids=did:plc:a&wantedDids=b",
    ] {
        let events = crate::SubscriberOptions::parse(query).unwrap_err();
        assert_eq!(Filter::of_frames(query), Err(events), "{query}");
    }
    let many = |count: usize| {
        let values = (0..count).map(|n| format!("wantedCollections=a.b.c{n}&"));
        values.collect::<String>()
    };
    assert!(Filter::of_frames(&many(MAX_COLLECTIONS)).is_ok());
    assert!(matches!(
        Filter::of_frames(&many(MAX_COLLECTIONS + 1)),
        Err(OptionsError::TooMany { count: 101, .. })
    ));
}
