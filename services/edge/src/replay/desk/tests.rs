use std::sync::Arc;

use super::*;
use crate::events::commit;
use crate::tail::Collections;

fn page(from: Seq, next: Seq) -> Page {
    let found: Vec<_> = (from..next)
        .map(|seq| commit("app.bsky.feed.post", "did:plc:a").at(seq))
        .collect();
    Page::new(&found, from, next, &Mutex::new(Collections::new(10))).unwrap()
}

/// The ring begins at 1000.
fn desk() -> Desk {
    let ring = Arc::new(Ring::new(1 << 20));
    ring.restart(1000, 1000);
    Desk::new(ring, 1 << 20)
}

fn wait(answer: Answer) -> oneshot::Receiver<Arc<Page>> {
    match answer {
        Answer::Wait(wait) => wait,
        Answer::Page(page) => panic!("nothing was loaded: {page:?}"),
    }
}

fn only() -> Selection {
    Selection::Only(vec![fanjet_log::TopicFilter::Identity])
}

#[test]
fn readers_that_are_near_share_a_load_and_its_page() {
    let desk = desk();
    let mut first = wait(desk.page(100, Selection::All));
    let mut second = wait(desk.page(100, Selection::All));
    let mut near = wait(desk.page(100 + NEAR, Selection::All));
    let _far = wait(desk.page(101 + NEAR, Selection::All));
    let load = desk.next_load().unwrap();
    assert_eq!(load.from, 100);
    desk.loaded(load.from, load.kind, page(100, 110));
    for waiting in [&mut first, &mut second, &mut near] {
        assert_eq!(waiting.try_recv().unwrap().next, 110);
    }
    assert_eq!(desk.next_load().unwrap().from, 101 + NEAR);
    assert!(matches!(desk.page(105, Selection::All), Answer::Page(_)));
    assert!(
        desk.next_load().is_some(),
        "ahead of the one that was served"
    );
    assert!(desk.next_load().is_none());
}

#[test]
fn a_load_stops_where_a_page_begins() {
    let desk = desk();
    let load = {
        let _reader = wait(desk.page(300, Selection::All));
        desk.next_load().unwrap()
    };
    assert_eq!(load.until, None);
    desk.loaded(load.from, load.kind, page(300, 310));
    let _reader = wait(desk.page(200, Selection::All));
    let loads: Vec<_> = std::iter::from_fn(|| desk.next_load()).collect();
    let found: Vec<_> = loads.iter().map(|load| (load.from, load.until)).collect();
    assert_eq!(found, [(200, Some(300))]);
}

#[test]
fn what_comes_next_is_loaded_ahead_but_not_into_the_ring_and_not_before_others() {
    let desk = desk();
    let _reader = wait(desk.page(980, Selection::All));
    let load = desk.next_load().unwrap();
    desk.loaded(load.from, load.kind, page(980, 990));
    let ahead = desk.next_load().unwrap();
    assert_eq!(ahead.from, 990);
    desk.loaded(ahead.from, ahead.kind, page(990, 1000));
    assert!(matches!(desk.page(995, Selection::All), Answer::Page(_)));
    assert!(desk.next_load().is_none(), "the ring has the rest");

    let _waiting = wait(desk.page(10, Selection::All));
    assert!(matches!(desk.page(980, Selection::All), Answer::Page(_)));
    assert_eq!(desk.next_load().unwrap().from, 10);
    assert!(desk.next_load().is_none());
}

#[test]
fn a_selection_is_its_readers_own() {
    let desk = desk();
    let mut mine = wait(desk.page(100, only()));
    let mut theirs = wait(desk.page(100, only()));
    let load = desk.next_load().unwrap();
    desk.loaded(load.from, load.kind, page(100, 500));
    assert_eq!(mine.try_recv().unwrap().next, 500);
    assert!(theirs.try_recv().is_err());
    assert!(matches!(desk.page(100, Selection::All), Answer::Wait(_)));
    assert_eq!(desk.cached_bytes(), 0);
}

#[test]
fn what_nobody_waits_for_any_more_is_not_loaded() {
    let desk = desk();
    drop(desk.page(100, Selection::All));
    drop(desk.page(200, only()));
    let _stays = wait(desk.page(500, Selection::All));
    assert_eq!(desk.next_load().unwrap().from, 500);
    assert!(desk.next_load().is_none());
    // And can be asked for again.
    let _again = wait(desk.page(100, Selection::All));
    assert_eq!(desk.next_load().unwrap().from, 100);
}
