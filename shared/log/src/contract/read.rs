//! Pages.

use fanjet_event::{NsidPrefix, Topic};

use super::samples::{
    NO_LIMIT, append_all, assert_entries, assert_same, check_page, entry, events, new_event,
    read_all, sized_event,
};
use super::{Opened, within};
use crate::{Entry, NewEvent, ReadLimit, Selection, TopicFilter};

/// Every kind of selection a reader may use.
pub(super) fn selections() -> Vec<Selection> {
    let collection = |name: &str| TopicFilter::Collection(name.parse().unwrap());
    let under = |prefix: &str| TopicFilter::CollectionsUnder(prefix.parse::<NsidPrefix>().unwrap());
    // In any order and with repetitions, unlike the result of `Selection::only`.
    let only = |filters: Vec<TopicFilter>| Selection::Only(filters.into());
    vec![
        Selection::All,
        only(vec![]),
        only(vec![collection("app.bsky.feed.post")]),
        only(vec![under("app.bsky.graph")]),
        only(vec![under("app.bsky.feed.post")]),
        only(vec![TopicFilter::Commits]),
        only(vec![TopicFilter::Identity]),
        only(vec![TopicFilter::Account, TopicFilter::Sync]),
        only(vec![
            collection("app.bsky.feed.like"),
            TopicFilter::Identity,
        ]),
        only(vec![
            under("app.bsky"),
            under("app"),
            collection("app.bsky.feed.post"),
            collection("app.bsky.feed.post"),
            TopicFilter::Sync,
        ]),
        only(vec![
            TopicFilter::Commits,
            under("app.bsky.graph"),
            TopicFilter::Commits,
        ]),
        only(vec![collection("com.example.never")]),
        only(vec![under("com.example"), collection("net.example.never")]),
    ]
}

/// The part of `written` that `selection` matches; it starts at seq 1.
pub(super) fn matching(written: &[NewEvent], selection: &Selection) -> Vec<Entry> {
    written
        .iter()
        .zip(1..)
        .filter(|(event, _)| selection.matches(&event.topic))
        .map(|(event, seq)| entry(event, seq))
        .collect()
}

/// Entries and bytes both end a page, and neither prevents a page with one entry.
pub async fn pages_respect_their_limits(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let written: Vec<_> = (0..300).map(|n| sized_event(n, 400)).collect();
    append_all(&*log, 0, &written).await;
    let cases = [
        (1, usize::MAX, 1),
        (7, usize::MAX, 7),
        (usize::MAX, 4_000, 10),
        (usize::MAX, 4_399, 10),
        (usize::MAX, 0, 1),
        (5, 4_000, 5),
    ];
    for (entries, bytes, most) in cases {
        let limit = ReadLimit { entries, bytes };
        let page = log.read(11, &Selection::All, limit).await.unwrap();
        check_page(&page, 11);
        let got = page.entries.len();
        assert!((1..=most).contains(&got), "{got} entries with {limit:?}");
        assert_entries(&page.entries, &written[10..10 + got], 11);
        assert_eq!(page.next, 11 + got as u64);
        assert!(!page.at_end);
    }
    drop(keep);
}

/// Otherwise a reader would never get beyond it.
pub async fn the_first_entry_of_a_page_may_exceed_the_bytes(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let written = [
        sized_event(0, 500),
        sized_event(1, 300_000),
        sized_event(2, 1_200_000),
        sized_event(3, 500),
        sized_event(4, 500),
    ];
    append_all(&*log, 0, &written).await;
    let limit = ReadLimit {
        entries: 10,
        bytes: 1_000,
    };
    let page = log.read(2, &Selection::All, limit).await.unwrap();
    assert_entries(&page.entries, &written[1..2], 2);
    let page = log.read(3, &Selection::All, limit).await.unwrap();
    assert_entries(&page.entries, &written[2..3], 3);
    let all = read_all(&*log, 1, &Selection::All, limit).await;
    assert_entries(&all, &written, 1);
    drop(keep);
}

/// Continuing at `next` reads the whole log, for any page size and any start.
pub async fn pages_join_without_gap_or_overlap(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let written = events(0, 2_500);
    append_all(&*log, 0, &written).await;
    for entries in [997, 1000, 2_499, 2_500, 2_501, usize::MAX] {
        for from in [0, 1, 2, 1_250, 2_500] {
            let limit = ReadLimit {
                entries,
                bytes: usize::MAX,
            };
            let read = read_all(&*log, from, &Selection::All, limit).await;
            let first = from.max(1);
            assert_entries(&read, &written[first as usize - 1..], first);
        }
    }
    drop(keep);
}

/// Exact, prefix, several, overlapping, none: exactly the matching entries, each once, from any start, in pages of any
/// size.
pub async fn selections_read_exactly_what_they_match(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let written = events(0, 600);
    append_all(&*log, 0, &written).await;
    for selection in selections() {
        let expected = matching(&written, &selection);
        for entries in [50, usize::MAX] {
            let limit = ReadLimit {
                entries,
                bytes: usize::MAX,
            };
            for from in [1, 300] {
                let read = read_all(&*log, from, &selection, limit).await;
                let skipped = expected.partition_point(|entry| entry.seq < from);
                assert_same(&read, &expected[skipped..]);
            }
        }
    }
    drop(keep);
}

/// `next` moves to the end even without a match, and one distant match is found.
pub async fn a_selection_without_a_match_still_reaches_the_end(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let mut written: Vec<_> = (0..10_000)
        .map(|n| new_event(n, Topic::Identity, 0))
        .collect();
    written.push(new_event(10_000, Topic::Sync, 0));
    append_all(&*log, 0, &written).await;
    let cases = [
        (vec![TopicFilter::Account], 0),
        (vec![TopicFilter::Account, TopicFilter::Commits], 0),
        (vec![TopicFilter::Sync], 1),
        (vec![TopicFilter::Sync, TopicFilter::Account], 1),
    ];
    for (filters, count) in cases {
        let selection = Selection::Only(filters.into());
        let (entries, next) = within("reach the end", async {
            let (mut entries, mut next) = (Vec::new(), 1);
            loop {
                let page = log.read(next, &selection, NO_LIMIT).await.unwrap();
                check_page(&page, next);
                assert!(page.at_end || page.next > next);
                entries.extend(page.entries);
                next = page.next;
                if page.at_end {
                    return (entries, next);
                }
            }
        })
        .await;
        assert_eq!(entries.len(), count, "{selection:?}");
        assert_eq!(next, 10_002);
    }
    drop(keep);
}

/// Waiting for new entries is the job of follow.
pub async fn reading_beyond_the_end_is_empty(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    append_all(&*log, 0, &events(0, 5)).await;
    for selection in selections() {
        let page = log.read(6, &selection, NO_LIMIT).await.unwrap();
        assert_eq!((page.entries, page.next, page.at_end), (vec![], 6, true));
        let page = log.read(100, &selection, NO_LIMIT).await.unwrap();
        assert!(page.entries.is_empty() && page.at_end && page.next >= 100);
    }
    drop(keep);
}
