use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use fanjet_cluster::{Member, MemberStatus, Part, Presence};
use tokio::time::{Instant, sleep};

use super::*;
use crate::StoreError;
use crate::memory::MemoryClusterState;

const PAUSE: Duration = Duration::from_secs(5);
const INSTANCE: &str = "pod-1/17/0a1b2c3d";

/// A cluster state that can be made to fail.
#[derive(Default)]
struct FaultyState {
    up: MemoryClusterState,
    is_away: AtomicBool,
    failures: AtomicUsize,
}

#[async_trait]
impl ClusterState for FaultyState {
    async fn publish(&self, key: &str, value: Bytes, kept: Duration) -> Result<(), StoreError> {
        if self.is_away.load(Ordering::SeqCst) {
            self.failures.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::unavailable("injected"));
        }
        self.up.publish(key, value, kept).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.up.get(key).await
    }

    async fn all(&self) -> Result<BTreeMap<String, Bytes>, StoreError> {
        self.up.all().await
    }
}

impl FaultyState {
    async fn published(&self) -> Option<Member> {
        let key = Member::key(Part::Edge, INSTANCE);
        Member::decode(&key, &self.get(&key).await.unwrap()?)
    }
}

/// The value of a process that started now.
fn value(status: impl Fn() -> MemberStatus) -> impl Fn() -> Bytes {
    let (presence, begin) = (Presence::new(Part::Edge, INSTANCE, 0), Instant::now());
    move || {
        let at_us = u64::try_from(begin.elapsed().as_micros()).unwrap();
        presence.encode(status(), at_us).into()
    }
}

fn heartbeat(state: &Arc<FaultyState>) -> Heartbeat {
    Heartbeat::new(state.clone(), Member::key(Part::Edge, INSTANCE))
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_publishes_the_current_status() {
    let state = Arc::new(FaultyState::default());
    let ready = AtomicBool::new(false);
    let status = || MemberStatus {
        role: "serving".to_owned(),
        ready: ready.load(Ordering::SeqCst),
    };
    let looked = async {
        sleep(PAUSE / 2).await;
        let first = state.published().await.unwrap();
        ready.store(true, Ordering::SeqCst);
        sleep(PAUSE).await;
        (first, state.published().await.unwrap())
    };
    let (first, second) = heartbeat(&state)
        .run_during(looked, PAUSE, value(status))
        .await;
    let expected = Member {
        part: Part::Edge,
        name: "pod-1".to_owned(),
        role: "serving".to_owned(),
        ready: false,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        since_us: 0,
        at_us: first.at_us,
    };
    assert_eq!(first, expected);
    assert!(second.ready);
    let apart = u128::from(second.at_us - first.at_us);
    assert!(apart.abs_diff(PAUSE.as_micros()) < 10_000, "{apart}");
    // No heartbeat any more: the value expires.
    sleep(PAUSE * MISSED_PUBLISHES).await;
    assert_eq!(state.published().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_failing_state_is_retried_with_backoff() {
    let state = Arc::new(FaultyState::default());
    state.is_away.store(true, Ordering::SeqCst);
    let looked = async {
        sleep(Duration::from_secs(600)).await;
        let failures = state.failures.load(Ordering::SeqCst);
        state.is_away.store(false, Ordering::SeqCst);
        sleep(LONGEST_PAUSE).await;
        assert!(state.published().await.is_some());
        // Then at the usual interval again.
        sleep(PAUSE).await;
        (failures, state.published().await.unwrap().at_us)
    };
    let status = || MemberStatus {
        role: String::new(),
        ready: true,
    };
    let (failures, at_us) = heartbeat(&state)
        .run_during(looked, PAUSE, value(status))
        .await;
    // 5, 10, 20, 40 and then 60 seconds, each halved at most.
    assert!((12..=26).contains(&failures), "{failures}");
    let age = Duration::from_secs(665) - Duration::from_micros(at_us);
    assert!(age <= PAUSE, "{age:?}");
}
