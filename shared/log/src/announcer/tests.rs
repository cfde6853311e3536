use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use fanjet_cluster::{Member, Part, Presence, Standing};
use tokio::time::{Instant, sleep};

use super::*;
use crate::StoreError;
use crate::memory::MemoryNotices;

const PAUSE: Duration = Duration::from_secs(5);
const INSTANCE: &str = "pod-1/17/0a1b2c3d";

/// A board that can be taken away.
#[derive(Default)]
struct FaultyBoard {
    up: MemoryNotices,
    is_away: AtomicBool,
    failures: AtomicUsize,
}

#[async_trait]
impl Notices for FaultyBoard {
    async fn post(&self, key: &str, value: Bytes, kept: Duration) -> Result<(), StoreError> {
        if self.is_away.load(Ordering::SeqCst) {
            self.failures.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::unavailable("injected"));
        }
        self.up.post(key, value, kept).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.up.get(key).await
    }

    async fn all(&self) -> Result<BTreeMap<String, Bytes>, StoreError> {
        self.up.all().await
    }
}

impl FaultyBoard {
    async fn told(&self) -> Option<Member> {
        let key = Member::key(Part::Edge, INSTANCE);
        Member::told(&key, &self.get(&key).await.unwrap()?)
    }
}

/// The word of a process that began now.
fn word(standing: impl Fn() -> Standing) -> impl Fn() -> Bytes {
    let (presence, begin) = (Presence::new(Part::Edge, INSTANCE, 0), Instant::now());
    move || {
        let at_us = u64::try_from(begin.elapsed().as_micros()).unwrap();
        presence.told(standing(), at_us).into()
    }
}

fn announcer(board: &Arc<FaultyBoard>) -> Announcer {
    Announcer::new(board.clone(), Member::key(Part::Edge, INSTANCE))
}

#[tokio::test(start_paused = true)]
async fn what_is_told_is_how_the_process_stands_now() {
    let board = Arc::new(FaultyBoard::default());
    let ready = AtomicBool::new(false);
    let standing = || Standing {
        role: "serving".to_owned(),
        ready: ready.load(Ordering::SeqCst),
    };
    let looked = async {
        sleep(PAUSE / 2).await;
        let first = board.told().await.unwrap();
        ready.store(true, Ordering::SeqCst);
        sleep(PAUSE).await;
        (first, board.told().await.unwrap())
    };
    let (first, second) = announcer(&board)
        .beside(looked, PAUSE, word(standing))
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
    // Nobody tells any more: after some time it counts as gone.
    sleep(PAUSE * PATIENCE).await;
    assert_eq!(board.told().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_board_that_is_away_is_asked_less_and_less_often() {
    let board = Arc::new(FaultyBoard::default());
    board.is_away.store(true, Ordering::SeqCst);
    let looked = async {
        sleep(Duration::from_secs(600)).await;
        let failures = board.failures.load(Ordering::SeqCst);
        board.is_away.store(false, Ordering::SeqCst);
        sleep(LONGEST_PAUSE).await;
        assert!(board.told().await.is_some());
        // And then as often as ever.
        sleep(PAUSE).await;
        (failures, board.told().await.unwrap().at_us)
    };
    let standing = || Standing {
        role: String::new(),
        ready: true,
    };
    let (failures, at_us) = announcer(&board)
        .beside(looked, PAUSE, word(standing))
        .await;
    // 5, 10, 20, 40 and then 60 seconds, each halved at most.
    assert!((12..=26).contains(&failures), "{failures}");
    let age = Duration::from_secs(665) - Duration::from_micros(at_us);
    assert!(age <= PAUSE, "{age:?}");
}
