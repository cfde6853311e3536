use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::SubscriberOptions;

fn filter(query: &str) -> Filter {
    SubscriberOptions::parse(query).unwrap().filter
}

/// Ids are promises to clients: they must not change with a release.
#[test]
fn the_text_and_the_id_of_a_filter_are_fixed() {
    for (query, json, id) in [
        ("", "{}", "iqjw7i2vwntyuekgvulpp2det2kpwt6c"),
        (
            "wantedOperations=delete&wantedCollections=app.*&wantedCollections=a.b.c&wantedDids=did:plc:b&wantedDids=did:plc:a\
             &unwantedDids=did:plc:c&unwantedCollections=x.y.z&unwantedCollections=x.*&wantedKinds=commit&maxMessageSizeBytes=5",
            r#"{"wantedCollections":["a.b.c","app.*"],"wantedDids":["did:plc:a","did:plc:b"],"unwantedCollections":["x.y.z","x.*"],"unwantedDids":["did:plc:c"],"wantedKinds":["commit"],"wantedOperations":["delete"],"maxMessageSizeBytes":5}"#,
            "zwgzv2n6maudaj6ybdbkzsksqjizdxbf",
        ),
    ] {
        let filter = filter(query);
        assert_eq!(filter.to_json(), json);
        assert_eq!(FilterId::of(&filter).to_string(), id);
        assert_eq!(FilterId::parse(id), Some(FilterId::of(&filter)));
    }
}

#[test]
fn what_is_no_id() {
    let id = FilterId::of(&Filter::default()).to_string();
    assert_eq!(id.len(), FilterId::LEN);
    for text in [
        "",
        &id[1..],
        &format!("{id}a"),
        &id.to_uppercase(),
        &id.replacen(&id[..1], "1", 1),
        &id.replacen(&id[..1], "\u{e9}", 1),
    ] {
        assert_eq!(FilterId::parse(text), None, "{text}");
    }
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let parameter = prop::sample::select(
        &[
            "wantedCollections=a.b.c",
            "wantedCollections=.*",
            "unwantedCollections=a.b.c",
            "unwantedCollections=a%22b.*",
            "wantedDids=did:plc:a",
            "wantedDids=did:plc:44ybard66vv44zksje25o7dz",
            "wantedDids=did:web:a.example",
            "unwantedDids=did:plc:a",
            "wantedKinds=commit",
            "wantedKinds=identity",
            "wantedKinds=account",
            "wantedOperations=create",
            "wantedOperations=delete",
            "wantedOperations=update",
            "maxMessageSizeBytes=7",
        ][..],
    );
    prop::collection::vec(parameter, 0..8).prop_map(|parameters| filter(&parameters.join("&")))
}

proptest! {
    #[test]
    fn a_filter_comes_back_from_its_text(filter in any_filter()) {
        prop_assert_eq!(Filter::from_json(&filter.to_json()), Ok(filter));
    }

    #[test]
    fn equal_filters_and_only_they_have_equal_ids(filters in prop::collection::vec(any_filter(), 1..20)) {
        let mut known = HashMap::new();
        for filter in filters {
            let id = FilterId::of(&filter);
            prop_assert_eq!(FilterId::parse(&id.to_string()), Some(id));
            let first = known.entry(id).or_insert_with(|| filter.clone());
            prop_assert_eq!(&*first, &filter);
        }
    }
}
