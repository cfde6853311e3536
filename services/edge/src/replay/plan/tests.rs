use fanjet_event::NsidPrefix;
use fanjet_log::TopicFilter;

use super::*;
use crate::events::commit;
use crate::tail::Collections;

const COMMON: &str = "app.bsky.feed.like";
const RARE_ONE: &str = "com.example.rare";

/// 2,000 events, `rare` of them in the rare collection.
fn sample(rare: u64) -> Vec<Arc<Entry>> {
    let mut collections = Collections::new(10);
    (1..=2000)
        .map(|seq| {
            let name = if seq <= rare { RARE_ONE } else { COMMON };
            let logged = commit(name, "did:plc:a").at(seq);
            Arc::new(Entry::new(&logged, &mut collections).unwrap())
        })
        .collect()
}

fn filter(collections: &[&str], dids: &[&str]) -> Filter {
    Filter::new(collections.iter().copied(), dids.iter().copied(), 0).unwrap()
}

#[test]
fn only_rare_collections_are_selected_by_the_log() {
    let rare = filter(&[RARE_ONE], &[]);
    for (count, is_selected) in [(0, true), (19, true), (20, false), (2000, false)] {
        let found = selection_for(&rare, || sample(count));
        assert_eq!(found != Selection::All, is_selected, "{count} of 2000");
    }
}

#[test]
fn a_selection_holds_everything_that_passes_the_collection_filter() {
    let wanted = filter(&[RARE_ONE, "org.example.*"], &["did:plc:a"]);
    let Selection::Only(topics) = selection_for(&wanted, || sample(1)) else {
        panic!("it is rare");
    };
    let prefix = NsidPrefix::parse("org.example").unwrap().shared();
    for topic in [
        TopicFilter::Collection(fanjet_event::Nsid::parse(RARE_ONE).unwrap().shared()),
        TopicFilter::CollectionsUnder(prefix),
        TopicFilter::Identity,
        TopicFilter::Account,
        TopicFilter::Sync,
    ] {
        assert!(topics.contains(&topic), "{topic:?}");
    }
    assert_eq!(topics.len(), 5);
}

#[test]
fn everything_is_read_without_a_certain_selection() {
    for (wanted, why) in [
        (filter(&[], &["did:plc:a"]), "no collection is named"),
        (filter(&["not valid.*"], &[]), "the log cannot select it"),
    ] {
        assert_eq!(
            selection_for(&wanted, || sample(0)),
            Selection::All,
            "{why}"
        );
    }
    let rare = filter(&[RARE_ONE], &[]);
    let little = || sample(0).split_off(1001);
    assert_eq!(
        selection_for(&rare, little),
        Selection::All,
        "too few events"
    );
}
