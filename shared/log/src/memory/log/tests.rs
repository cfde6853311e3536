use std::time::Duration;

use futures::{FutureExt, StreamExt};

use super::*;
use crate::NewEvent;
use crate::contract::{LifecycleFixture, Opened, events, sized_event};

async fn open() -> Opened {
    let log = MemoryLog::with_options(MemoryOptions {
        heartbeat: Duration::from_millis(50),
        page_scan: 700,
        ..MemoryOptions::default()
    });
    let shared = log.clone();
    Opened {
        expire: Some(Box::new(move |seq| {
            let log = shared.clone();
            async move { log.expire(seq) }.boxed()
        })),
        ..Opened::new(log)
    }
}

crate::contract_tests!(open);
crate::frame_contract_tests!(open);
crate::labels_contract_tests!(open);

async fn open_at(first: Seq) -> LifecycleFixture {
    let log = MemoryLog::beginning_at(
        first,
        MemoryOptions {
            heartbeat: Duration::from_millis(50),
            ..MemoryOptions::default()
        },
    );
    let (expired, recreated) = (log.clone(), log.clone());
    LifecycleFixture {
        log: Arc::new(log),
        expire: Box::new(move |seq| {
            let log = expired.clone();
            async move {
                assert_eq!(log.shared.state.lock().bounds().last, seq);
                log.purge();
            }
            .boxed()
        }),
        reopen: Box::new(|log| std::future::ready(log).boxed()),
        recreate: Box::new(move |log| {
            recreated.recreate(5_000_000);
            std::future::ready(log).boxed()
        }),
        keep: Box::new(()),
    }
}

crate::lifecycle_contract_tests!(open_at);

#[tokio::test]
async fn a_replaced_log_ends_its_readers() {
    crate::contract::a_replaced_log_ends_its_readers(open_at).await;
}

async fn append(log: &MemoryLog, after: Seq, events: &[NewEvent]) -> Result<Seq, AppendError> {
    let mut appender = log.appender(after).await?;
    appender.append(events).await?;
    appender.flush().await
}

async fn bodies(log: &MemoryLog) -> Vec<bytes::Bytes> {
    let limit = ReadLimit {
        entries: usize::MAX,
        bytes: usize::MAX,
    };
    let page = log.read(1, &Selection::All, limit).await.unwrap();
    page.entries.into_iter().map(|entry| entry.body).collect()
}

#[tokio::test]
async fn entries_and_bytes_are_bounded_but_the_newest_stays() {
    let by_entries = MemoryLog::with_options(MemoryOptions {
        max_entries: 3,
        ..MemoryOptions::default()
    });
    append(&by_entries, 0, &events(0, 10)).await.unwrap();
    let expected = Bounds { first: 8, last: 10 };
    assert_eq!(by_entries.bounds().await.unwrap(), expected);

    let by_bytes = MemoryLog::with_options(MemoryOptions {
        max_bytes: 1_000,
        ..MemoryOptions::default()
    });
    let small: Vec<_> = (0..5).map(|n| sized_event(n, 400)).collect();
    append(&by_bytes, 0, &small).await.unwrap();
    let expected = Bounds { first: 4, last: 5 };
    assert_eq!(by_bytes.bounds().await.unwrap(), expected);
    append(&by_bytes, 5, &[sized_event(5, 5_000)])
        .await
        .unwrap();
    let expected = Bounds { first: 6, last: 6 };
    assert_eq!(by_bytes.bounds().await.unwrap(), expected);
}

#[tokio::test]
async fn a_follow_overtaken_by_retention_reports_the_gap() {
    let log = MemoryLog::new();
    append(&log, 0, &events(0, 10)).await.unwrap();
    let mut follow = log.follow(4, &Selection::All).await.unwrap();
    log.expire(6);
    let error = follow.next().await.unwrap().unwrap_err();
    let is_gap = matches!(
        error,
        LogError::Gap {
            expected: 4,
            found: 7
        }
    );
    assert!(is_gap && error.is_retryable(), "{error}");
    assert!(follow.next().await.is_none());
}

#[tokio::test]
async fn failing_reads_are_unavailable_and_counted() {
    let log = MemoryLog::new();
    log.inject(Fault::ReadFails, 5);
    let limit = ReadLimit {
        entries: 1,
        bytes: 1,
    };
    let errors = [
        log.bounds().await.err(),
        log.last().await.err(),
        log.read(1, &Selection::All, limit).await.err(),
        log.seq_at(TimeUs::MIN).await.err(),
        log.follow(1, &Selection::All).await.err(),
    ];
    for error in errors {
        assert!(matches!(error, Some(LogError::Unavailable(_))));
    }
    assert_eq!(log.fired(Fault::ReadFails), 5);
    assert!(log.bounds().await.is_ok());
    assert_eq!(log.fired(Fault::ReadFails), 5);
}

/// The content of the log after each fault of an append of four events, and whether the writer was fenced.
#[tokio::test]
async fn failing_appends_finish_the_appender() {
    let cases = [
        (Fault::AppendFails, 0, false),
        (Fault::AnswerLost, 4, false),
        (Fault::PartlyStored, 2, false),
        (Fault::CompetingWriter, 1, true),
    ];
    for (fault, stored, is_fenced) in cases {
        let log = MemoryLog::new();
        log.inject(fault, 1);
        let mut appender = log.appender(0).await.unwrap();
        let written = events(0, 4);
        let error = appender.append(&written).await.unwrap_err();
        assert_eq!(matches!(error, AppendError::Fenced { .. }), is_fenced);
        assert!(error.is_retryable());
        assert_eq!(log.fired(fault), 1, "{fault:?}");
        assert_eq!(appender.acked(), 0);
        assert!(appender.append(&written).await.is_err());
        assert!(appender.flush().await.is_err());
        let expected: Vec<_> = written[..stored].iter().map(|e| e.body.clone()).collect();
        assert_eq!(bodies(&log).await, expected, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn follows_end_with_a_gap_or_silently_on_demand() {
    let log = MemoryLog::new();
    append(&log, 0, &events(0, 3)).await.unwrap();

    log.inject(Fault::FollowGap, 1);
    let mut follow = log.follow(2, &Selection::All).await.unwrap();
    let error = follow.next().await.unwrap().unwrap_err();
    assert!(matches!(
        error,
        LogError::Gap {
            expected: 2,
            found: 3
        }
    ));
    assert!(follow.next().await.is_none());

    log.inject(Fault::FollowEnds, 1);
    let mut follow = log.follow(4, &Selection::All).await.unwrap();
    let error = follow.next().await.unwrap().unwrap_err();
    assert!(matches!(error, LogError::Unavailable(_)));
    assert!(follow.next().await.is_none());

    log.inject(Fault::FollowHangs, 1);
    let mut follow = log.follow(1, &Selection::All).await.unwrap();
    let day = Duration::from_secs(86_400);
    assert!(tokio::time::timeout(day, follow.next()).await.is_err());
    assert_eq!(log.fired(Fault::FollowHangs), 1);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_grows_by_the_unwanted_still_sends_heartbeats() {
    let log = MemoryLog::new();
    let mut follow = log.follow(1, &Selection::only([])).await.unwrap();
    let grow = async {
        for n in 0.. {
            append(&log, n, &events(n, n + 1)).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        () = grow => unreachable!("it grows for ever"),
        batch = follow.next() => assert_eq!(batch.unwrap().unwrap(), vec![]),
    }
    assert!(log.bounds().await.unwrap().last >= 999);
}
