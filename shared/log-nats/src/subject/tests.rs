use fanjet_event::NsidPrefix;
use proptest::prelude::*;

use super::*;

fn subjects() -> Subjects {
    Subjects::new("atp").unwrap()
}

fn nsid() -> impl Strategy<Value = Nsid> {
    // Few letters, so that names and prefixes collide.
    "[ab](\\.[ab]){1,3}\\.[abAB]".prop_map(|text| text.parse().unwrap())
}

fn topic() -> impl Strategy<Value = Topic> {
    prop_oneof![
        5 => nsid().prop_map(Topic::Commit),
        1 => Just(Topic::Identity),
        1 => Just(Topic::Account),
        1 => Just(Topic::Sync),
    ]
}

fn filter() -> impl Strategy<Value = TopicFilter> {
    let prefix = "[ab](\\.[ab]){0,3}".prop_map(|text| text.parse::<NsidPrefix>().unwrap());
    prop_oneof![
        4 => nsid().prop_map(TopicFilter::Collection),
        4 => prefix.prop_map(TopicFilter::CollectionsUnder),
        1 => Just(TopicFilter::Commits),
        1 => Just(TopicFilter::Identity),
        1 => Just(TopicFilter::Account),
        1 => Just(TopicFilter::Sync),
    ]
}

/// Whether a NATS filter matches a subject, by the server's rules.
fn nats_matches(filter: &str, subject: &str) -> bool {
    let (mut filter, mut subject) = (filter.split('.'), subject.split('.'));
    loop {
        match (filter.next(), subject.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some(wanted), Some(token)) if wanted == "*" || wanted == token => {}
            _ => return false,
        }
    }
}

/// Whether some subject can match both, by the server's rules.
fn nats_overlap(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        match (a.next(), b.next()) {
            (Some(">"), Some(_)) | (Some(_), Some(">")) | (None, None) => return true,
            (Some(x), Some(y)) if x == y || x == "*" || y == "*" => {}
            _ => return false,
        }
    }
}

/// Other programs rely on these numbers, and so do existing streams.
#[test]
fn the_number_of_an_authority_is_for_ever() {
    let of = |text: &str| subjects().shared(&text.parse().unwrap());
    assert_eq!(of("app.bsky.feed.post"), of("app.bsky.graph.follow"));
    assert_eq!(of("app.bsky.feed.post"), "atp.commit._.49");
    assert_eq!(of("com.example.thing"), "atp.commit._.14");
    for wrong in ["x", "app.bsky", "com.example.thing"] {
        let mut reader = TopicReader::new(subjects());
        assert_eq!(reader.topic(&of("app.bsky.feed.post"), Some(wrong)), None);
    }
}

#[test]
fn subjects_are_spelled_as_plain_clients_expect() {
    let subjects = subjects();
    let post = Topic::Commit("app.bsky.feed.post".parse().unwrap());
    assert_eq!(subjects.of(&post), "atp.commit.app.bsky.feed.post");
    assert_eq!(subjects.of(&Topic::Identity), "atp.identity");
    assert_eq!(subjects.of(&Topic::Account), "atp.account");
    assert_eq!(subjects.of(&Topic::Sync), "atp.sync");
    assert_eq!(subjects.stream(), "atp.>");
}

#[test]
fn foreign_subjects_are_no_topics() {
    for subject in [
        "",
        "atp",
        "atp.",
        "atp.commit",
        "atp.commit.",
        "atp.commit.a.b",
        "atp.commit.a.b.1",
        "atp.commit.a.b.*",
        "atp.identity.x",
        "atpx.identity",
        "other.identity",
        "atp.commitment.a.b.c",
        "atp.nothing",
    ] {
        assert_eq!(subjects().topic(subject), None, "{subject}");
    }
}

#[test]
fn roots_are_plain_tokens() {
    for root in ["atp", "a.b", "A-1_x"] {
        assert!(Subjects::new(root).is_some(), "{root}");
    }
    for root in [
        "", ".", "a.", ".a", "a..b", "*", "a.>", "a b", "a\r\nPUB", "é", "$JS",
    ] {
        assert!(Subjects::new(root).is_none(), "{root}");
    }
}

#[test]
fn wanting_nothing_is_a_filter_that_nothing_matches() {
    let filters = subjects().filters(&Selection::only([]));
    let nothing = Wanted {
        own: vec!["atp.nothing".to_owned()],
        shared: Vec::new(),
    };
    assert_eq!(filters, Filters::Only(nothing));
}

proptest! {
    #[test]
    fn topics_are_read_as_written(topic in topic(), root in "[a-z]{1,3}(\\.[a-z]{1,3})?") {
        let subjects = Subjects::new(&root).unwrap();
        let subject = subjects.of(&topic);
        prop_assert!(nats_matches(&subjects.stream(), &subject));
        prop_assert_eq!(subjects.topic(&subject), Some(topic.clone()));
        let mut reader = TopicReader::new(subjects);
        prop_assert_eq!(reader.topic(&subject, None), Some(topic.clone()));
        prop_assert_eq!(reader.topic(&subject, None), Some(topic.clone()));
        if let Topic::Commit(collection) = &topic {
            let shared = reader.subjects.shared(collection);
            prop_assert!(reader.subjects.is_shared(&shared) && !reader.subjects.is_shared(&subject));
            prop_assert_eq!(reader.subjects.topic(&shared), None);
            prop_assert_eq!(reader.topic(&shared, None), None);
            for _ in 0..2 {
                let named = Some(collection.as_str());
                prop_assert_eq!(reader.topic(&shared, named), Some(topic.clone()));
            }
        }
    }

    /// A reader finds a collection in either place.
    #[test]
    fn what_is_wanted_is_asked_for_on_shared_subjects_too(
        filters in prop::collection::vec(filter(), 0..8),
        topics in prop::collection::vec(topic(), 1..20),
    ) {
        let selection = Selection::Only(filters.into());
        let Filters::Only(wanted) = subjects().filters(&selection) else {
            return Err(TestCaseError::fail("no filters"));
        };
        for topic in topics.iter().filter(|topic| selection.matches(topic)) {
            let Topic::Commit(collection) = topic else {
                continue;
            };
            let shared = subjects().shared(collection);
            let is_sent = wanted.all().iter().any(|filter| nats_matches(filter, &shared));
            prop_assert!(is_sent, "{} on {}", collection, shared);
        }
    }

    #[test]
    fn reduced_filters_mean_the_same_and_never_overlap(
        filters in prop::collection::vec(filter(), 0..8),
        topics in prop::collection::vec(topic(), 1..20),
    ) {
        // In any order and with repetitions.
        let selection = Selection::Only(filters.into());
        let Filters::Only(reduced) = subjects().filters(&selection) else {
            return Err(TestCaseError::fail("no filters"));
        };
        for topic in &topics {
            let subject = subjects().of(topic);
            let is_sent = reduced.own.iter().any(|filter| nats_matches(filter, &subject));
            prop_assert_eq!(is_sent, selection.matches(topic), "{}", subject);
        }
        let reduced = reduced.all();
        for (at, filter) in reduced.iter().enumerate() {
            for other in &reduced[..at] {
                prop_assert!(!nats_overlap(filter, other), "{} and {}", filter, other);
            }
        }
    }
}
