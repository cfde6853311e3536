//! Following the log as it grows.

use futures::StreamExt;
use futures::future::join_all;

use super::read::{matching, selections};
use super::samples::{append_all, assert_entries, assert_same, events};
use super::{Opened, within};
use crate::{Entry, EventLog, Follow, NewEvent, Selection};

/// A follower from the middle gets the half of `written` that exists and the half that is appended, in order.
pub(super) async fn assert_followed(log: &dyn EventLog, written: &[NewEvent]) {
    let (existing, appended) = written.split_at(written.len() / 2);
    let end = append_all(log, 0, existing).await;
    let mut follow = log.follow(11, &Selection::All).await.unwrap();
    append_all(log, end, appended).await;
    let read = take(&mut follow, written.len() - 10).await;
    assert_entries(&read, &written[10..], 11);
}

/// The next `count` entries, without heartbeats.
async fn take(follow: &mut Follow, count: usize) -> Vec<Entry> {
    within("follow", async {
        let mut entries: Vec<Entry> = Vec::new();
        while entries.len() < count {
            let batch = follow.next().await.expect("a follow does not just end");
            entries.extend(batch.unwrap());
        }
        entries
    })
    .await
}

/// Waits for a heartbeat and accepts nothing else.
async fn idle(follow: &mut Follow) {
    let batch = within("heartbeat", follow.next()).await;
    assert_eq!(batch.unwrap().unwrap(), vec![]);
}

/// One stream delivers history and new entries.
pub async fn follow_starts_at_the_beginning_the_middle_and_the_future(
    open: impl AsyncFn() -> Opened,
) {
    let Opened { log, keep, .. } = open().await;
    let written = events(0, 1_200);
    append_all(&*log, 0, &written[..1_000]).await;
    let mut follows = Vec::new();
    for from in [0, 1, 2, 500, 1_000, 1_001] {
        let follow = log.follow(from, &Selection::All).await.unwrap();
        follows.push((from.max(1), follow));
    }
    append_all(&*log, 1_000, &written[1_000..]).await;
    for (first, follow) in &mut follows {
        let expected = &written[*first as usize - 1..];
        let got = take(follow, expected.len()).await;
        assert_entries(&got, expected, *first);
    }
    drop(keep);
}

/// From an empty log on, event by event and in bursts.
pub async fn follow_sees_live_appends_in_order(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let mut follow = log.follow(1, &Selection::All).await.unwrap();
    let mut appender = log.appender(0).await.unwrap();
    let mut at = 0;
    for burst in [1, 1, 1, 2, 50, 3_000, 1] {
        let written = events(at, at + burst);
        within("append", async {
            appender.append(&written).await.unwrap();
            appender.flush().await.unwrap();
        })
        .await;
        let got = take(&mut follow, burst as usize).await;
        assert_entries(&got, &written, at + 1);
        at += burst;
    }
    drop(keep);
}

/// Exactly the matching entries, old and new, with heartbeats between them.
pub async fn follow_with_a_selection_sees_only_its_matches(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let written = events(0, 400);
    append_all(&*log, 0, &written[..200]).await;
    let mut follows = Vec::new();
    for selection in selections() {
        let follow = log.follow(1, &selection).await.unwrap();
        follows.push((selection, follow));
    }
    append_all(&*log, 200, &written[200..]).await;
    for (selection, follow) in &mut follows {
        let expected = matching(&written, selection);
        assert_same(&take(follow, expected.len()).await, &expected);
    }
    // Nothing more follows, not even for a selection that matches nothing.
    join_all(follows.iter_mut().map(|(_, follow)| idle(follow))).await;
    drop(keep);
}

/// Readers are independent.
pub async fn many_followers_see_the_same(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let written = events(0, 3_000);
    let mut follows = Vec::new();
    for _ in 0..20 {
        follows.push(log.follow(1, &Selection::All).await.unwrap());
    }
    append_all(&*log, 0, &written).await;
    let all = join_all(follows.iter_mut().map(|follow| take(follow, written.len()))).await;
    for got in &all {
        assert_entries(got, &written, 1);
    }
    drop(keep);
}

/// Without heartbeats an idle log looks like a dead connection.
pub async fn an_idle_follow_is_alive(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let mut follow = log.follow(1, &Selection::All).await.unwrap();
    idle(&mut follow).await;
    idle(&mut follow).await;
    append_all(&*log, 0, &events(0, 2)).await;
    assert_entries(&take(&mut follow, 2).await, &events(0, 2), 1);
    idle(&mut follow).await;
    idle(&mut follow).await;
    drop(keep);
}

/// Readers start and stop.
pub async fn a_dropped_follow_affects_no_other_reader(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let written = events(0, 500);
    append_all(&*log, 0, &written).await;
    let mut stays = log.follow(1, &Selection::All).await.unwrap();
    for from in 1..10 {
        let mut goes = log.follow(from, &Selection::All).await.unwrap();
        take(&mut goes, 1).await;
    }
    drop(log.follow(1, &Selection::All).await.unwrap());
    assert_entries(&take(&mut stays, 500).await, &written, 1);
    append_all(&*log, 500, &events(500, 510)).await;
    assert_entries(&take(&mut stays, 10).await, &events(500, 510), 501);
    drop(keep);
}
