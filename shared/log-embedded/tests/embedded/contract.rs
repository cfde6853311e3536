//! The contract suite.

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::contract::{LifecycleFixture, Opened, time_of};
use fanjet_log::{EventLog, Seq};
use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog};
use futures::FutureExt;
use parking_lot::Mutex;

use crate::support::{TestClock, config, open};

async fn in_small_segments() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let log = open(config(folder.path())).await;
    Opened {
        keep: Box::new(folder),
        ..Opened::new(log)
    }
}

fanjet_log::contract_tests!(in_small_segments);

mod frames {
    use super::with_an_event_per_segment;

    fanjet_log::frame_contract_tests!(with_an_event_per_segment);
}

fanjet_log::labels_contract_tests!(in_small_segments);

const MAX_AGE: Duration = Duration::from_secs(3600);

/// Whole segments expire; with one event each, any event can be the oldest.
async fn with_an_event_per_segment() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::default());
    let config = EmbeddedConfig {
        segment_bytes: 1,
        max_age: MAX_AGE,
        ..config(folder.path())
    };
    let log = EmbeddedLog::open(config, Arc::clone(&clock) as _)
        .await
        .unwrap();
    let shared = log.clone();
    Opened {
        expire: Some(Box::new(move |seq| {
            let (log, clock) = (shared.clone(), Arc::clone(&clock));
            async move {
                // Sample n has seq n + 1.
                clock.set(time_of(seq - 1).get() + MAX_AGE.as_micros() as u64 + 1);
                while log.bounds().await.unwrap().first <= seq {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            .boxed()
        })),
        keep: Box::new(folder),
        ..Opened::new(log)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retention_moves_first_and_keeps_numbering_with_an_event_per_segment() {
    fanjet_log::contract::retention_moves_first_and_keeps_numbering(with_an_event_per_segment)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_forgot_everything_remembers_its_last_seq_with_an_event_per_segment() {
    fanjet_log::contract::a_log_that_forgot_everything_remembers_its_last_seq(
        with_an_event_per_segment,
    )
    .await;
}

/// The time at which a log that starts at `first` was created.
fn made_at(first: Seq) -> u64 {
    first / 2000 * 1_000_000
}

/// A folder whose log is opened, closed and removed; each event is a segment.
async fn open_at(first: Seq) -> LifecycleFixture {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let clock = Arc::new(TestClock::default());
    clock.set(made_at(first));
    let open = {
        let (folder, clock) = (Arc::clone(&folder), Arc::clone(&clock));
        move || {
            let config = EmbeddedConfig {
                segment_bytes: 1,
                max_age: MAX_AGE,
                ..config(folder.path())
            };
            EmbeddedLog::open(config, Arc::clone(&clock) as _).map(Result::unwrap)
        }
    };
    let log = open().await;
    let current = Arc::new(Mutex::new(Some(log.clone())));
    let reopen = {
        let (open, current) = (open.clone(), Arc::clone(&current));
        move |log: Arc<dyn EventLog>| {
            let (open, current) = (open.clone(), Arc::clone(&current));
            async move {
                drop((log, current.lock().take()));
                let log = open().await;
                *current.lock() = Some(log.clone());
                Arc::new(log) as Arc<dyn EventLog>
            }
        }
    };
    let reopened = reopen.clone();
    let (kept, recreated_at) = (Arc::clone(&folder), Arc::clone(&clock));
    LifecycleFixture {
        log: Arc::new(log),
        expire: Box::new(move |seq| {
            let (current, clock) = (Arc::clone(&current), Arc::clone(&clock));
            async move {
                let log = current.lock().clone().unwrap();
                let last = log.last().await.unwrap().unwrap();
                clock.set(last.time().unwrap().get() + MAX_AGE.as_micros() as u64 + 1);
                // A log that was opened recently starts to age a while before anything expires.
                clock.pass(MAX_AGE);
                while log.bounds().await.unwrap().first <= seq {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            .boxed()
        }),
        reopen: Box::new(move |log| reopened(log).boxed()),
        recreate: Box::new(move |log| {
            let (reopen, folder, clock) = (
                reopen.clone(),
                Arc::clone(&folder),
                Arc::clone(&recreated_at),
            );
            async move {
                clock.set(made_at(5_000_000));
                // Closed, emptied, opened again.
                let closed = reopen(log).await;
                for entry in std::fs::read_dir(folder.path()).unwrap() {
                    let path = entry.unwrap().path();
                    if path.extension().is_some_and(|it| it == "segment") {
                        std::fs::remove_file(path).unwrap();
                    }
                }
                reopen(closed).await
            }
            .boxed()
        }),
        keep: Box::new(kept),
    }
}

fanjet_log::lifecycle_contract_tests!(open_at);
