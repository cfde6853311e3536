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
fn page_requests() -> PageRequests {
    let ring = Arc::new(Ring::new(1 << 20));
    ring.restart(1000, 1000);
    PageRequests::new(ring, 1 << 20)
}

fn wait(answer: PageResponse) -> oneshot::Receiver<Loaded> {
    match answer {
        PageResponse::Wait(wait) => wait,
        PageResponse::Page(page) => panic!("the page was cached: {page:?}"),
    }
}

fn only() -> Selection {
    Selection::only([fanjet_log::TopicFilter::Identity])
}

#[test]
fn readers_that_are_near_share_a_load_and_its_page() {
    let page_requests = page_requests();
    let mut first = wait(page_requests.page(100, Selection::All));
    let mut second = wait(page_requests.page(100, Selection::All));
    let mut near = wait(page_requests.page(100 + NEAR, Selection::All));
    let _far = wait(page_requests.page(101 + NEAR, Selection::All));
    let load = page_requests.next_load().unwrap();
    assert_eq!(load.from, 100);
    page_requests.loaded(load, page(100, 110));
    for waiting in [&mut first, &mut second, &mut near] {
        assert_eq!(waiting.try_recv().unwrap().unwrap().next, 110);
    }
    assert_eq!(page_requests.next_load().unwrap().from, 101 + NEAR);
    assert!(matches!(
        page_requests.page(105, Selection::All),
        PageResponse::Page(_)
    ));
    assert!(page_requests.next_load().is_some(), "read-ahead");
    assert!(page_requests.next_load().is_none());
}

#[test]
fn a_load_stops_where_a_page_begins() {
    let page_requests = page_requests();
    let load = {
        let _reader = wait(page_requests.page(300, Selection::All));
        page_requests.next_load().unwrap()
    };
    assert_eq!(load.until, None);
    page_requests.loaded(load, page(300, 310));
    let _reader = wait(page_requests.page(200, Selection::All));
    let loads: Vec<_> = std::iter::from_fn(|| page_requests.next_load()).collect();
    let found: Vec<_> = loads.iter().map(|load| (load.from, load.until)).collect();
    assert_eq!(found, [(200, Some(300))]);
}

#[test]
fn read_ahead_stops_at_the_ring_and_yields_to_requests() {
    let page_requests = page_requests();
    let _reader = wait(page_requests.page(980, Selection::All));
    let load = page_requests.next_load().unwrap();
    page_requests.loaded(load, page(980, 990));
    let ahead = page_requests.next_load().unwrap();
    assert_eq!(ahead.from, 990);
    page_requests.loaded(ahead, page(990, 1000));
    assert!(matches!(
        page_requests.page(995, Selection::All),
        PageResponse::Page(_)
    ));
    assert!(page_requests.next_load().is_none(), "the ring has the rest");

    let _waiting = wait(page_requests.page(10, Selection::All));
    assert!(matches!(
        page_requests.page(980, Selection::All),
        PageResponse::Page(_)
    ));
    assert_eq!(page_requests.next_load().unwrap().from, 10);
    assert!(page_requests.next_load().is_none());
}

#[test]
fn readers_with_equal_selections_share_a_load() {
    let page_requests = page_requests();
    let mut mine = wait(page_requests.page(100, only()));
    let mut theirs = wait(page_requests.page(100 + NEAR_SELECTED, only()));
    let _everything = wait(page_requests.page(100, Selection::All));
    let load = page_requests.next_load().unwrap();
    assert_eq!((load.from, &load.selection), (100, &only()));
    page_requests.loaded(load, page(100, 500));
    for waiting in [&mut mine, &mut theirs] {
        assert_eq!(waiting.try_recv().unwrap().unwrap().next, 500);
    }
    assert!(matches!(
        page_requests.page(300, only()),
        PageResponse::Page(_)
    ));
    let load = page_requests.next_load().unwrap();
    assert_eq!((load.from, &load.selection), (100, &Selection::All));
    assert_eq!(
        load.until, None,
        "a selected page does not bound a full load"
    );
    assert!(
        page_requests.next_load().is_none(),
        "no read-ahead for selections"
    );
}

#[test]
fn abandoned_requests_are_not_loaded() {
    let page_requests = page_requests();
    drop(page_requests.page(100, Selection::All));
    drop(page_requests.page(200, only()));
    let _stays = wait(page_requests.page(500, Selection::All));
    assert_eq!(page_requests.next_load().unwrap().from, 500);
    assert!(page_requests.next_load().is_none());
    // It can be requested again.
    let _again = wait(page_requests.page(100, Selection::All));
    assert_eq!(page_requests.next_load().unwrap().from, 100);
}

/// While the log is unavailable no load is taken from the queue, and clients come and go.
#[test]
fn abandoned_readers_are_bounded() {
    let page_requests = page_requests();
    let held = |page_requests: &PageRequests| {
        let state = page_requests.state.lock();
        let readers = state.waiting.values().map(Vec::len).sum::<usize>();
        assert_eq!(readers, state.readers);
        (state.queue.len().max(state.waiting.len()), readers)
    };
    let mut stay: Vec<_> = (0..10)
        .map(|nth| wait(page_requests.page(nth * 2 * NEAR, Selection::All)))
        .collect();
    // The running loads are stuck.
    let running = page_requests.next_load().unwrap();
    for nth in 0..20_000 {
        drop(page_requests.page(nth % 900, Selection::All));
        drop(page_requests.page(nth * 2 * NEAR_SELECTED, only()));
        let (places, readers) = held(&page_requests);
        assert!(
            places <= MIN_SWEEP && readers <= MIN_SWEEP,
            "{places} {readers}"
        );
    }
    // Many that stay allow as many abandoned ones.
    let more: Vec<_> = (0..200).map(|_| page_requests.page(500, only())).collect();
    for _ in 0..20_000 {
        drop(page_requests.page(700, only()));
        assert!(held(&page_requests).1 <= 2 * (more.len() + stay.len()));
    }
    // No waiting reader is dropped.
    let loads = std::iter::once(running).chain(std::iter::from_fn(|| page_requests.next_load()));
    for load in loads.take(100).collect::<Vec<_>>() {
        let from = load.from;
        page_requests.loaded(load, page(from, from + 1000));
    }
    for waiting in &mut stay {
        assert!(waiting.try_recv().is_ok());
    }
    for waiting in more {
        assert!(wait(waiting).try_recv().is_ok());
    }
}

/// A reader that joined a load further on may not need the damaged seq.
#[test]
fn damage_fails_only_readers_at_its_seq() {
    let page_requests = page_requests();
    let mut first = wait(page_requests.page(100, Selection::All));
    let mut second = wait(page_requests.page(100, Selection::All));
    let mut near = wait(page_requests.page(110, Selection::All));
    let mut other = wait(page_requests.page(100, only()));
    let load = page_requests.next_load().unwrap();
    assert_eq!((load.from, &load.selection), (100, &Selection::All));
    page_requests.failed(load, Damage { seq: 100 });
    for waiting in [&mut first, &mut second] {
        assert_eq!(
            waiting.try_recv().unwrap().unwrap_err(),
            Damage { seq: 100 }
        );
    }
    near.try_recv().unwrap_err();

    let load = page_requests.next_load().unwrap();
    assert_eq!((load.from, &load.selection), (100, &only()));
    page_requests.loaded(load, page(100, 120));
    assert_eq!(other.try_recv().unwrap().unwrap().next, 120);
    // New readers do not make it wait for the damaged seq again.
    let mut third = wait(page_requests.page(100, Selection::All));
    let load = page_requests.next_load().unwrap();
    assert_eq!((load.from, &load.selection), (110, &Selection::All));
    page_requests.loaded(load, page(110, 120));
    assert_eq!(near.try_recv().unwrap().unwrap().next, 120);
    let load = page_requests.next_load().unwrap();
    assert_eq!(load.from, 100);
    page_requests.failed(load, Damage { seq: 100 });
    third.try_recv().unwrap().unwrap_err();
    assert_eq!(page_requests.state.lock().readers, 0);
}
