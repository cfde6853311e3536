use fanjet_filter::Encoding;
use fanjet_log::Selection::All;
use fanjet_log::TopicFilter;
use parking_lot::Mutex;

use super::*;
use crate::events::commit;
use crate::tail::{Collections, Compression, EncodedBytes, Encoder};

fn page(from: Seq, next: Seq) -> Arc<Page> {
    let found: Vec<_> = (from..next)
        .map(|seq| commit("app.bsky.feed.post", "did:plc:a").at(seq))
        .collect();
    Arc::new(Page::new(&found, from, next, &Mutex::new(Collections::new(10))).unwrap())
}

#[test]
fn a_page_is_found_by_every_position_in_it() {
    let mut cache = Cache::new(1 << 20);
    cache.insert(All, page(10, 20));
    cache.insert(All, page(20, 25));
    for (seq, found) in [
        (9, None),
        (10, Some(10)),
        (19, Some(10)),
        (20, Some(20)),
        (25, None),
    ] {
        assert_eq!(
            cache.get(&All, seq).map(|page| page.complete_from),
            found,
            "{seq}"
        );
        assert_eq!(cache.covers(&All, seq), found.is_some());
    }
    assert_eq!(cache.next_start(&All, 9), Some(10));
    assert_eq!(cache.next_start(&All, 10), Some(20));
    assert_eq!(cache.next_start(&All, 20), None);
}

#[test]
fn the_least_lately_used_makes_room() {
    let weight = page(10, 20).weight() + PER_PAGE;
    let mut cache = Cache::new(2 * weight + weight / 2);
    cache.insert(All, page(10, 20));
    cache.insert(All, page(20, 30));
    assert!(cache.get(&All, 15).is_some());
    cache.insert(All, page(30, 40));
    assert!(
        cache.get(&All, 15).is_some()
            && cache.get(&All, 25).is_none()
            && cache.get(&All, 35).is_some()
    );
    assert_eq!(cache.bytes(), 2 * weight);
    // The same page is not counted twice.
    cache.insert(All, page(30, 40));
    assert_eq!(cache.bytes(), 2 * weight);
}

#[test]
fn pages_above_the_limit_are_not_cached() {
    let mut cache = Cache::new(page(10, 20).weight() + PER_PAGE);
    cache.insert(All, page(10, 20));
    cache.insert(All, page(30, 50));
    cache.insert(All, page(60, 60));
    assert!(
        cache.get(&All, 15).is_some()
            && cache.get(&All, 35).is_none()
            && cache.get(&All, 60).is_none()
    );
}

#[test]
fn pages_are_shared_by_equal_selections_only() {
    let identity = Selection::only([TopicFilter::Identity]);
    let both = Selection::only([TopicFilter::Identity, TopicFilter::Account]);
    let same = Selection::only([
        TopicFilter::Account,
        TopicFilter::Identity,
        TopicFilter::Account,
    ]);
    let mut cache = Cache::new(1 << 20);
    cache.insert(identity.clone(), page(10, 20));
    cache.insert(both.clone(), page(30, 40));
    assert!(cache.get(&identity, 15).is_some() && cache.get(&same, 35).is_some());
    for (selection, seq) in [(&All, 15), (&All, 35), (&both, 15), (&identity, 35)] {
        assert!(
            cache.get(selection, seq).is_none(),
            "{selection:?} at {seq}"
        );
        assert!(!cache.covers(selection, seq), "{selection:?} at {seq}");
    }
    assert_eq!(cache.next_start(&All, 0), None);
    assert_eq!(cache.next_start(&identity, 0), Some(10));
    assert_eq!(cache.next_start(&identity, 10), None);
}

#[test]
fn pages_without_events_are_bounded_too() {
    let mut cache = Cache::new(10 * PER_PAGE);
    for start in 0..100 {
        let empty = Page::new(
            &[],
            start * 10,
            start * 10 + 10,
            &Mutex::new(Collections::new(1)),
        );
        cache.insert(All, Arc::new(empty.unwrap()));
    }
    let held = (0..100).filter(|start| cache.covers(&All, start * 10));
    assert!(held.eq(90..100));
    assert_eq!(cache.bytes(), 10 * PER_PAGE);
}

/// One limit for pages and the frames encoded from them.
#[test]
fn frames_made_on_demand_take_the_place_of_pages() {
    let weight = page(10, 20).weight() + PER_PAGE;
    let bytes = Arc::<EncodedBytes>::default();
    let mut encoder =
        Encoder::new(Compression::default(), Arc::default()).counting_pages_in(Arc::clone(&bytes));
    let mut cache = Cache::new(4 * weight);
    for begin in [10, 20, 30, 40] {
        cache.insert(All, page(begin, begin + 10));
    }
    assert!(cache.trim(bytes.get()).is_empty());
    for seq in [10, 20, 30, 40] {
        for entry in &cache.get(&All, seq).unwrap().entries {
            entry.frame_in(Encoding::V0, &mut encoder);
        }
    }
    assert!(bytes.get() > weight);
    drop(cache.trim(bytes.get()));
    assert!(!cache.covers(&All, 10) && cache.covers(&All, 40));
    assert!(cache.bytes() + bytes.get() <= 4 * weight);
}
