//! The contract of the lease, with one holder and with several.
//!
//! These cases take as long as the shortest lease of a backend, since expiry takes time.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use tokio::time::Instant;

use super::within;
use crate::lease::{HolderId, Holders, LeaseStore, Term};

/// Longer than any case.
const LONG: Duration = Duration::from_secs(300);

/// A free lease for one case.
pub struct OpenedLease {
    /// The lease.
    pub store: Arc<dyn LeaseStore>,
    /// The shortest time for which it can be held.
    pub shortest_ttl: Duration,
    /// Anything that must live as long as the lease: a server.
    pub keep: Box<dyn Any + Send + Sync>,
}

fn holder(name: &str) -> HolderId {
    HolderId::new(name).unwrap()
}

async fn acquire(store: &dyn LeaseStore, name: &str, ttl: Duration) -> Option<Term> {
    let holder = holder(name);
    let acquiring = store.try_acquire(&holder, ttl);
    let term = within("acquire", acquiring).await.unwrap();
    assert!(term.iter().all(|term| term.holder == holder));
    term
}

/// Retries until it holds the lease.
async fn acquire_patiently(store: &dyn LeaseStore, name: &str, ttl: Duration) -> Term {
    within("the lease becomes free", async {
        loop {
            if let Some(term) = store.try_acquire(&holder(name), ttl).await.unwrap() {
                return term;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// The next change that a watch reports, without repetitions of `before`.
async fn next_change(holders: &mut Holders, before: &Option<HolderId>) -> Option<HolderId> {
    within("the watch sees it", async {
        loop {
            let seen = holders.next().await.unwrap().unwrap();
            if seen != *before {
                return seen;
            }
        }
    })
    .await
}

/// Even if all candidates ask at the same time.
pub async fn one_of_many_gets_a_free_lease(open: impl AsyncFn() -> OpenedLease) {
    let OpenedLease { store, keep, .. } = open().await;
    let names: Vec<_> = (0..8).map(|n| format!("holder-{n}")).collect();
    let asked = names.iter().map(|name| acquire(&*store, name, LONG));
    let terms: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
    assert_eq!(terms.len(), 1, "{terms:?}");
    for name in names.iter().filter(|name| holder(name) != terms[0].holder) {
        assert_eq!(acquire(&*store, name, LONG).await, None);
    }
    drop(keep);
}

/// For longer than it was acquired for, and no other candidate gets it meanwhile.
pub async fn a_renewed_lease_is_kept(open: impl AsyncFn() -> OpenedLease) {
    let OpenedLease {
        store,
        shortest_ttl,
        keep,
    } = open().await;
    let began = Instant::now();
    let mut term = acquire(&*store, "a", shortest_ttl).await.unwrap();
    let mut revisions = BTreeSet::from([term.revision]);
    while began.elapsed() < shortest_ttl * 3 {
        let Some(renewed) = store.renew(&term, shortest_ttl).await.unwrap() else {
            // Only a machine that was suspended for a whole term may lose it.
            panic!("lost {:?} after {:?}", term, began.elapsed());
        };
        assert!(renewed.revision > term.revision);
        revisions.insert(renewed.revision);
        term = renewed;
        assert_eq!(acquire(&*store, "b", shortest_ttl).await, None);
        tokio::time::sleep(shortest_ttl / 20).await;
    }
    assert!(revisions.len() > 3);
    drop(keep);
}

/// Not before its time, and without any action.
pub async fn an_abandoned_lease_ends_after_its_time(open: impl AsyncFn() -> OpenedLease) {
    let OpenedLease {
        store,
        shortest_ttl,
        keep,
    } = open().await;
    let began = Instant::now();
    let old = acquire(&*store, "a", shortest_ttl).await.unwrap();
    let mut holders = store.watch().await.unwrap();
    let new = acquire_patiently(&*store, "b", LONG).await;
    assert!(began.elapsed() >= shortest_ttl, "{:?}", began.elapsed());
    assert!(new.revision > old.revision);
    assert_eq!(store.renew(&old, LONG).await.unwrap(), None);
    while next_change(&mut holders, &Some(holder("a"))).await != Some(holder("b")) {}
    drop(keep);
}

/// A watch reports an expiry that no holder caused.
pub async fn a_watch_sees_a_lease_run_out(open: impl AsyncFn() -> OpenedLease) {
    let OpenedLease {
        store,
        shortest_ttl,
        keep,
    } = open().await;
    acquire(&*store, "a", shortest_ttl).await.unwrap();
    let mut holders = store.watch().await.unwrap();
    let before = Some(holder("a"));
    assert_eq!(next_change(&mut holders, &before).await, None);
    acquire(&*store, "b", LONG).await.unwrap();
    drop(keep);
}

/// The watch reports start and end, and a new watch starts with the current state.
pub async fn a_released_lease_is_free_at_once(open: impl AsyncFn() -> OpenedLease) {
    let OpenedLease { store, keep, .. } = open().await;
    let mut holders = store.watch().await.unwrap();
    assert_eq!(
        within("no holder", holders.next()).await.unwrap().unwrap(),
        None
    );
    for round in 0..3 {
        let name = format!("holder-{round}");
        let term = acquire(&*store, &name, LONG).await.unwrap();
        let now = Some(holder(&name));
        assert_eq!(next_change(&mut holders, &None).await, now);
        let mut late = store.watch().await.unwrap();
        assert_eq!(within("somebody", late.next()).await.unwrap().unwrap(), now);
        store.release(&term).await.unwrap();
        assert_eq!(next_change(&mut holders, &now).await, None);
        assert_eq!(next_change(&mut late, &now).await, None);
        assert_eq!(store.renew(&term, LONG).await.unwrap(), None);
    }
    drop(keep);
}

/// After a lost response the holder asks again with its old state.
pub async fn a_holder_may_repeat_itself(open: impl AsyncFn() -> OpenedLease) {
    let OpenedLease { store, keep, .. } = open().await;
    let first = acquire(&*store, "a", LONG).await.unwrap();
    let again = acquire(&*store, "a", LONG).await.unwrap();
    assert!(again.revision > first.revision);
    let renewed = store.renew(&first, LONG).await.unwrap().unwrap();
    assert!(renewed.revision > again.revision);
    assert_eq!(acquire(&*store, "b", LONG).await, None);
    store.release(&first).await.unwrap();
    acquire(&*store, "b", LONG).await.unwrap();
    // Sent twice, now that another candidate holds it.
    store.release(&renewed).await.unwrap();
    assert_eq!(acquire(&*store, "a", LONG).await, None);
    drop(keep);
}

/// A holder that lost the lease cannot touch the next holder's.
pub async fn a_stale_term_is_worth_nothing(open: impl AsyncFn() -> OpenedLease) {
    let OpenedLease { store, keep, .. } = open().await;
    let stale = acquire(&*store, "a", LONG).await.unwrap();
    store.release(&stale).await.unwrap();
    let current = acquire(&*store, "b", LONG).await.unwrap();
    assert_eq!(store.renew(&stale, LONG).await.unwrap(), None);
    store.release(&stale).await.unwrap();
    assert!(store.renew(&current, LONG).await.unwrap().is_some());
    drop(keep);
}

/// Acquired and released again and again by many candidates, it never has two holders.
pub async fn racing_holders_never_hold_it_together(open: impl AsyncFn() -> OpenedLease) {
    let OpenedLease { store, keep, .. } = open().await;
    let (inside, turns) = (AtomicBool::new(false), AtomicUsize::new(0));
    let race = (0..4).map(async |n| {
        for _ in 0..10 {
            let term = acquire_patiently(&*store, &format!("racer-{n}"), LONG).await;
            assert!(!inside.swap(true, Ordering::SeqCst), "two at once");
            tokio::task::yield_now().await;
            let term = store.renew(&term, LONG).await.unwrap().unwrap();
            assert!(inside.swap(false, Ordering::SeqCst));
            turns.fetch_add(1, Ordering::SeqCst);
            store.release(&term).await.unwrap();
        }
    });
    within("everybody's turns", join_all(race)).await;
    assert_eq!(turns.into_inner(), 40);
    drop(keep);
}

/// Generates one test per case of the lease's contract. Takes the name of a function `async fn() ->
/// fanjet_log::contract::OpenedLease`.
#[macro_export]
macro_rules! lease_contract_tests {
    ($open:expr) => {
        $crate::lease_contract_tests! { @each $open;
            one_of_many_gets_a_free_lease,
            a_renewed_lease_is_kept,
            an_abandoned_lease_ends_after_its_time,
            a_watch_sees_a_lease_run_out,
            a_released_lease_is_free_at_once,
            a_holder_may_repeat_itself,
            a_stale_term_is_worth_nothing,
            racing_holders_never_hold_it_together,
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
