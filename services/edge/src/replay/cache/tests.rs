use super::*;
use parking_lot::Mutex;

use crate::events::commit;
use crate::tail::Collections;

fn page(from: Seq, next: Seq) -> Arc<Page> {
    let found: Vec<_> = (from..next)
        .map(|seq| commit("app.bsky.feed.post", "did:plc:a").at(seq))
        .collect();
    Arc::new(Page::new(&found, from, next, &Mutex::new(Collections::new(10))).unwrap())
}

#[test]
fn a_page_is_found_by_every_position_in_it() {
    let mut cache = Cache::new(1 << 20);
    cache.insert(page(10, 20));
    cache.insert(page(20, 25));
    for (seq, found) in [
        (9, None),
        (10, Some(10)),
        (19, Some(10)),
        (20, Some(20)),
        (25, None),
    ] {
        assert_eq!(
            cache.get(seq).map(|page| page.complete_from),
            found,
            "{seq}"
        );
        assert_eq!(cache.covers(seq), found.is_some());
    }
    assert_eq!(cache.next_start(9), Some(10));
    assert_eq!(cache.next_start(10), Some(20));
    assert_eq!(cache.next_start(20), None);
}

#[test]
fn the_least_lately_used_makes_room() {
    let weight = page(10, 20).weight();
    let mut cache = Cache::new(2 * weight + weight / 2);
    cache.insert(page(10, 20));
    cache.insert(page(20, 30));
    assert!(cache.get(15).is_some());
    cache.insert(page(30, 40));
    assert!(cache.get(15).is_some() && cache.get(25).is_none() && cache.get(35).is_some());
    assert_eq!(cache.bytes(), 2 * weight);
    // The same again is not counted twice.
    cache.insert(page(30, 40));
    assert_eq!(cache.bytes(), 2 * weight);
}

#[test]
fn what_cannot_be_kept_harms_nothing() {
    let mut cache = Cache::new(page(10, 20).weight());
    cache.insert(page(10, 20));
    cache.insert(page(30, 50));
    cache.insert(page(60, 60));
    assert!(cache.get(15).is_some() && cache.get(35).is_none() && cache.get(60).is_none());
}
