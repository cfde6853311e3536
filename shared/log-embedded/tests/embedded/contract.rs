//! The contract suite.

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::EventLog;
use fanjet_log::contract::{Opened, time_of};
use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog};
use futures::FutureExt;

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

const MAX_AGE: Duration = Duration::from_secs(3600);

/// Whole segments expire; when each has one event, any event can be the oldest.
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
