use super::*;

fn pool(collections: &[&str]) -> Pool {
    let collections: Vec<_> = collections.iter().map(|&name| name.to_owned()).collect();
    Pool::new(&collections).unwrap()
}

fn filter(collections: &[&str]) -> Filter {
    Filter::new(collections.iter().copied(), [], 0).unwrap()
}

#[test]
fn a_pool_serves_filters_within_it() {
    let feeds = pool(&["app.bsky.feed.*", "com.example.thing"]);
    for (wanted, is_served) in [
        (&["app.bsky.feed.post"][..], true),
        (&["app.bsky.feed.*"], true),
        (&["app.bsky.feed.deep.*", "com.example.thing"], true),
        (&["app.bsky.*"], false),
        (&["app.bsky.feed.post", "app.bsky.graph.follow"], false),
        (&["com.example.thing.*"], false),
        (&["com.example.other"], false),
        (&[], false),
    ] {
        assert_eq!(feeds.serves(&filter(wanted)), is_served, "{wanted:?}");
        assert!(pool(&[]).serves(&filter(wanted)));
    }
    assert_eq!(feeds.to_string(), "com.example.thing, app.bsky.feed.*");
}

#[test]
fn a_pools_selection_includes_all_kinds_but_other_commits() {
    assert_eq!(pool(&[]).selection(), Selection::All);
    let Selection::Only(topics) = pool(&["app.bsky.feed.*"]).selection() else {
        panic!("it is narrowed");
    };
    assert_eq!(topics.len(), 4);
    for topic in [
        TopicFilter::Identity,
        TopicFilter::Account,
        TopicFilter::Sync,
    ] {
        assert!(topics.contains(&topic));
    }
}

#[test]
fn collections_that_the_log_cannot_select_are_refused() {
    for bad in ["app.bsky", "not valid.*", ".*"] {
        let error = Pool::new(&[bad.to_owned()]).unwrap_err();
        assert!(error.answer().contains(bad), "{}", error.answer());
    }
}
