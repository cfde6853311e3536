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

fn wait(answer: Answer) -> oneshot::Receiver<Loaded> {
    match answer {
        Answer::Wait(wait) => wait,
        Answer::Page(page) => panic!("nothing was loaded: {page:?}"),
    }
}

fn only() -> Selection {
    Selection::only([fanjet_log::TopicFilter::Identity])
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
    desk.loaded(load, page(100, 110));
    for waiting in [&mut first, &mut second, &mut near] {
        assert_eq!(waiting.try_recv().unwrap().unwrap().next, 110);
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
    desk.loaded(load, page(300, 310));
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
    desk.loaded(load, page(980, 990));
    let ahead = desk.next_load().unwrap();
    assert_eq!(ahead.from, 990);
    desk.loaded(ahead, page(990, 1000));
    assert!(matches!(desk.page(995, Selection::All), Answer::Page(_)));
    assert!(desk.next_load().is_none(), "the ring has the rest");

    let _waiting = wait(desk.page(10, Selection::All));
    assert!(matches!(desk.page(980, Selection::All), Answer::Page(_)));
    assert_eq!(desk.next_load().unwrap().from, 10);
    assert!(desk.next_load().is_none());
}

#[test]
fn readers_that_select_the_same_share_a_search_and_what_it_found() {
    let desk = desk();
    let mut mine = wait(desk.page(100, only()));
    let mut theirs = wait(desk.page(100 + NEAR_SELECTED, only()));
    let _everything = wait(desk.page(100, Selection::All));
    let load = desk.next_load().unwrap();
    assert_eq!((load.from, &load.selection), (100, &only()));
    desk.loaded(load, page(100, 500));
    for waiting in [&mut mine, &mut theirs] {
        assert_eq!(waiting.try_recv().unwrap().unwrap().next, 500);
    }
    assert!(matches!(desk.page(300, only()), Answer::Page(_)));
    let load = desk.next_load().unwrap();
    assert_eq!((load.from, &load.selection), (100, &Selection::All));
    assert_eq!(load.until, None, "what was selected is not everything");
    assert!(desk.next_load().is_none(), "nothing is searched for ahead");
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

/// While the log is away nothing is taken from the queue, and clients come and go.
#[test]
fn readers_that_left_are_not_remembered_for_ever() {
    let desk = desk();
    let held = |desk: &Desk| {
        let state = desk.state.lock();
        let readers = state.waiting.values().map(Vec::len).sum::<usize>();
        assert_eq!(readers, state.readers);
        (state.queue.len().max(state.waiting.len()), readers)
    };
    let mut stay: Vec<_> = (0..10)
        .map(|nth| wait(desk.page(nth * 2 * NEAR, Selection::All)))
        .collect();
    // The loads that run are stuck.
    let running = desk.next_load().unwrap();
    for nth in 0..20_000 {
        drop(desk.page(nth % 900, Selection::All));
        drop(desk.page(nth * 2 * NEAR_SELECTED, only()));
        let (places, readers) = held(&desk);
        assert!(
            places <= MIN_SWEEP && readers <= MIN_SWEEP,
            "{places} {readers}"
        );
    }
    // Many that stay make room for as many that left.
    let more: Vec<_> = (0..200).map(|_| desk.page(500, only())).collect();
    for _ in 0..20_000 {
        drop(desk.page(700, only()));
        assert!(held(&desk).1 <= 2 * (more.len() + stay.len()));
    }
    // And nobody who stays is forgotten.
    let loads = std::iter::once(running).chain(std::iter::from_fn(|| desk.next_load()));
    for load in loads.take(100).collect::<Vec<_>>() {
        let from = load.from;
        desk.loaded(load, page(from, from + 1000));
    }
    for waiting in &mut stay {
        assert!(waiting.try_recv().is_ok());
    }
    for waiting in more {
        assert!(wait(waiting).try_recv().is_ok());
    }
}

/// Who joined a load from further on may need nothing of what is damaged.
#[test]
fn damage_fails_those_who_asked_for_its_place_and_nobody_else() {
    let desk = desk();
    let mut first = wait(desk.page(100, Selection::All));
    let mut second = wait(desk.page(100, Selection::All));
    let mut near = wait(desk.page(110, Selection::All));
    let mut other = wait(desk.page(100, only()));
    let load = desk.next_load().unwrap();
    assert_eq!((load.from, &load.selection), (100, &Selection::All));
    desk.failed(load, Damage { seq: 100 });
    for waiting in [&mut first, &mut second] {
        assert_eq!(
            waiting.try_recv().unwrap().unwrap_err(),
            Damage { seq: 100 }
        );
    }
    near.try_recv().unwrap_err();

    let load = desk.next_load().unwrap();
    assert_eq!((load.from, &load.selection), (100, &only()));
    desk.loaded(load, page(100, 120));
    assert_eq!(other.try_recv().unwrap().unwrap().next, 120);
    // Others who come meanwhile do not make it wait for the damaged place again.
    let mut third = wait(desk.page(100, Selection::All));
    let load = desk.next_load().unwrap();
    assert_eq!((load.from, &load.selection), (110, &Selection::All));
    desk.loaded(load, page(110, 120));
    assert_eq!(near.try_recv().unwrap().unwrap().next, 120);
    let load = desk.next_load().unwrap();
    assert_eq!(load.from, 100);
    desk.failed(load, Damage { seq: 100 });
    third.try_recv().unwrap().unwrap_err();
    assert_eq!(desk.state.lock().readers, 0);
}
