//! New logs, emptied logs, and replaced logs.

use std::any::Any;
use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;

use super::samples::{NO_LIMIT, append_all, assert_entries, events, time_of};
use super::{Expire, within};
use crate::{AppendError, Bounds, EventLog, Follow, LogError, Selection, Seq};

/// Closes a log and opens the one that is at its place then.
pub type Reopen =
    Box<dyn Fn(Arc<dyn EventLog>) -> BoxFuture<'static, Arc<dyn EventLog>> + Send + Sync>;

/// An empty log that starts at a seq (1, or a multiple of 2000), and what can happen to it.
pub struct LifecycleFixture {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// Makes entries expire, down to none.
    pub expire: Expire,
    /// Opens it again, as after a restart.
    pub reopen: Reopen,
    /// Deletes it and creates one that starts at 5,000,000 in its place.
    pub recreate: Reopen,
    /// Anything that must live as long as the log.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// The first seq in most cases: of a log created in 2026.
const FIRST: Seq = 3_566_351_776_000;
/// The first seq of a recreated log.
const RECREATED: Seq = 5_000_000;

/// The bounds give the first event's seq before it is written.
pub async fn a_new_log_begins_at_its_first_seq(open: impl AsyncFn(Seq) -> LifecycleFixture) {
    for first in [1, 2000, FIRST] {
        let LifecycleFixture { log, keep, .. } = open(first).await;
        assert_is_empty(&*log, first).await;
        assert_fenced(&*log, first).await;
        assert_fenced(&*log, first - 2.min(first)).await;
        let mut follow = log.follow(0, &Selection::All).await.unwrap();
        let last = append_all(&*log, first - 1, &events(0, 3)).await;
        assert_eq!(last, first + 2);
        assert_eq!(log.bounds().await.unwrap(), Bounds { first, last });
        assert_eq!(log.last().await.unwrap().unwrap().seq, last);
        assert_entries(&take(&mut follow, 3).await, &events(0, 3), first);
        for from in [0, 1, first] {
            let page = log.read(from, &Selection::All, NO_LIMIT).await.unwrap();
            assert_entries(&page.entries, &events(0, 3), first);
        }
        assert_eq!(log.seq_at(time_of(1)).await.unwrap(), first + 1);
        drop(keep);
    }
}

/// Whether the log never held anything or has lost everything, and however often it is opened.
pub async fn an_empty_log_is_written_behind_its_bounds(
    open: impl AsyncFn(Seq) -> LifecycleFixture,
) {
    let LifecycleFixture {
        mut log,
        expire,
        reopen,
        keep,
        ..
    } = open(FIRST).await;
    for round in 0..3 {
        let first = FIRST + round * 5;
        log = reopen(log).await;
        assert_is_empty(&*log, first).await;
        assert_fenced(&*log, 0).await;
        let end = log.bounds().await.unwrap().last;
        let written = events(round * 5, round * 5 + 5);
        assert_eq!(append_all(&*log, end, &written).await, first + 4);
        let page = log.read(0, &Selection::All, NO_LIMIT).await.unwrap();
        assert_entries(&page.entries, &written, first);
        // Expired entries are gone for the next handle too, which is opened first.
        log = reopen(log).await;
        within("expire", expire(first + 4)).await;
        assert_is_empty(&*log, first + 5).await;
    }
    drop(keep);
}

/// A restart keeps the identity, and so does expiry of everything. Another log has another identity.
pub async fn an_identity_belongs_to_one_log(open: impl AsyncFn(Seq) -> LifecycleFixture) {
    let LifecycleFixture {
        mut log,
        expire,
        reopen,
        recreate,
        keep,
    } = open(FIRST).await;
    let identity = log.identity().await.unwrap();
    log = reopen(log).await;
    assert_eq!(log.identity().await.unwrap(), identity);
    append_all(&*log, FIRST - 1, &events(0, 5)).await;
    log = reopen(log).await;
    assert_eq!(log.identity().await.unwrap(), identity);
    within("expire", expire(FIRST + 4)).await;
    log = reopen(log).await;
    assert_eq!(log.adopt().await.unwrap(), identity);
    assert_eq!(identity.to_string().parse(), Ok(identity));

    log = recreate(log).await;
    let other = log.adopt().await.unwrap();
    assert_ne!(other, identity);
    assert_is_empty(&*log, RECREATED).await;
    append_all(&*log, RECREATED - 1, &events(0, 5)).await;
    log = reopen(log).await;
    assert_eq!(log.identity().await.unwrap(), other);
    let LifecycleFixture { log: apart, .. } = open(FIRST).await;
    assert_ne!(apart.identity().await.unwrap(), identity);
    drop(keep);
}

/// For backends in which a log can be replaced while it is open: the new log is not read until it is adopted.
pub async fn a_replaced_log_ends_its_readers(open: impl AsyncFn(Seq) -> LifecycleFixture) {
    let LifecycleFixture {
        log,
        recreate,
        keep,
        ..
    } = open(FIRST).await;
    append_all(&*log, FIRST - 1, &events(0, 5)).await;
    let identity = log.identity().await.unwrap();
    let mut follow = log.follow(FIRST, &Selection::All).await.unwrap();
    take(&mut follow, 5).await;
    drop(recreate(log.clone()).await);
    let other = log.identity().await.unwrap();
    assert_ne!(other, identity);
    assert_eq!(
        append_all(&*log, RECREATED - 1, &events(5, 8)).await,
        RECREATED + 2
    );

    within("the follow ends", async {
        while follow.next().await.unwrap().is_ok_and(|batch| {
            assert!(batch.is_empty(), "an event of the other log");
            true
        }) {}
    })
    .await;
    assert!(follow.next().await.is_none());
    let is_replaced = |error: Option<LogError>| match error {
        Some(error @ LogError::Replaced { expected, found }) => {
            assert!(!error.is_retryable());
            assert_eq!((expected, found), (identity, other));
        }
        other => panic!("expected Replaced, got {other:?}"),
    };
    is_replaced(log.follow(0, &Selection::All).await.err());
    is_replaced(log.seq_at(time_of(0)).await.err());
    for from in [0, 1, RECREATED, FIRST, FIRST + 5] {
        is_replaced(log.read(from, &Selection::All, NO_LIMIT).await.err());
    }

    assert_eq!(log.adopt().await.unwrap(), other);
    let page = log.read(0, &Selection::All, NO_LIMIT).await.unwrap();
    assert_entries(&page.entries, &events(5, 8), RECREATED);
    let mut follow = log.follow(0, &Selection::All).await.unwrap();
    assert_entries(&take(&mut follow, 3).await, &events(5, 8), RECREATED);
    assert_eq!(log.seq_at(time_of(6)).await.unwrap(), RECREATED + 1);
    drop(keep);
}

/// Asserts that nothing is kept, and that `next` is the next seq.
async fn assert_is_empty(log: &dyn EventLog, next: Seq) {
    let bounds = log.bounds().await.unwrap();
    let expected = Bounds {
        first: next,
        last: next - 1,
    };
    assert_eq!(bounds, expected);
    assert!(bounds.is_empty());
    assert_eq!(log.last().await.unwrap(), None);
    for from in [0, 1, next] {
        let page = log.read(from, &Selection::All, NO_LIMIT).await.unwrap();
        assert_eq!((page.entries, page.next, page.at_end), (vec![], next, true));
    }
    assert_eq!(log.seq_at(time_of(0)).await.unwrap(), next);
}

/// Asserts that nothing can be written behind `after`.
async fn assert_fenced(log: &dyn EventLog, after: Seq) {
    if log.bounds().await.unwrap().last == after {
        return;
    }
    let mut appender = log.appender(after).await.unwrap();
    let outcome = within("append", async {
        appender.append(&events(90, 95)).await?;
        appender.flush().await
    })
    .await;
    assert!(
        matches!(outcome, Err(AppendError::Fenced { .. })),
        "{outcome:?}"
    );
}

async fn take(follow: &mut Follow, count: usize) -> Vec<crate::Entry> {
    within("follow", async {
        let mut entries = Vec::new();
        while entries.len() < count {
            entries.extend(follow.next().await.unwrap().unwrap());
        }
        entries
    })
    .await
}

/// Generates one test per case about new and emptied logs. Takes the name of a function `async fn(first: Seq) ->
/// LifecycleFixture`.
#[macro_export]
macro_rules! lifecycle_contract_tests {
    ($open:expr) => {
        $crate::lifecycle_contract_tests! { @each $open;
            a_new_log_begins_at_its_first_seq,
            an_empty_log_is_written_behind_its_bounds,
            an_identity_belongs_to_one_log,
        }
    };
    (@each $open:expr; $($case:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::contract::$case($open).await;
            }
        )*
    };
}
