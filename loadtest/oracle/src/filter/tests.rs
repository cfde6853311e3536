use super::*;

fn filter(collections: &[&str], dids: &[&str]) -> Filter {
    Filter {
        dids: dids.iter().map(ToString::to_string).collect(),
        ..Filter::of_collections(collections)
    }
}

#[test]
fn a_filter_is_spelled_as_a_query_and_as_an_update() {
    let mut filter = filter(&["a.b.c", "a.b.*"], &["did:web:a%3A1"]);
    let query = "wantedCollections=a.b.c&wantedCollections=a.b.*&wantedDids=did:web:a%253A1";
    assert_eq!(filter.query(), query);
    filter.max_bytes = 7;
    assert_eq!(filter.query(), format!("{query}&maxMessageSizeBytes=7"));
    let update: serde_json::Value = serde_json::from_str(&filter.update()).unwrap();
    let expected = serde_json::json!({"type": "options_update", "payload": {
        "wantedCollections": ["a.b.c", "a.b.*"],
        "wantedDids": ["did:web:a%3A1"],
        "maxMessageSizeBytes": 7,
    }});
    assert_eq!(update, expected);
    assert_eq!(Filter::default().query(), "");
}

#[test]
fn collections_limit_commits_and_dids_everything() {
    let both = Matcher::new(&filter(&["a.b.c"], &["did:plc:x"]));
    assert!(both.matches("did:plc:x", Some("a.b.c")));
    assert!(both.matches("did:plc:x", None));
    assert!(!both.matches("did:plc:x", Some("a.b.d")));
    assert!(!both.matches("did:plc:y", None));
    assert!(Matcher::default().matches("did:plc:y", Some("a.b.d")));
}

#[test]
fn a_star_wants_all_that_begin_alike() {
    let prefix = Matcher::new(&filter(&["a.b.*", "c.d.e"], &[]));
    assert!(prefix.wants_collection("a.b.c") && prefix.wants_collection("c.d.e"));
    assert!(!prefix.wants_collection("a.bc.d") && !prefix.wants_collection("c.d.ef"));
}
