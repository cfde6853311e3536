use std::time::Duration;

use fanjet_log::contract::{event, events};
use fanjet_log::{AppendError, Appender, Bounds, EventLog, NewEvent, ReadLimit, Selection};
use futures::{FutureExt, StreamExt};
use tempfile::TempDir;

use super::*;
use crate::disk::faulty::{FaultyDisk, Op};
use crate::log::AtZero;
use crate::{EmbeddedConfig, EmbeddedLog};

fn open(folder: &TempDir, disk: &Arc<FaultyDisk>, segment_bytes: u64) -> EmbeddedLog {
    let config = EmbeddedConfig {
        segment_bytes,
        max_age: Duration::ZERO,
        ..EmbeddedConfig::in_folder(folder.path())
    };
    EmbeddedLog::open_on(config, Arc::new(AtZero), Arc::clone(disk) as _).unwrap()
}

async fn append(appender: &mut dyn Appender, events: &[NewEvent]) -> Result<Seq, AppendError> {
    appender.append(events).await?;
    appender.flush().await
}

/// Asserts that the log contains exactly the samples `0..count`.
async fn assert_holds(log: &EmbeddedLog, count: u64) {
    let bounds = log.bounds().await.unwrap();
    let expected = Bounds {
        first: 1,
        last: count,
    };
    assert_eq!(bounds, expected);
    let limit = ReadLimit {
        entries: usize::MAX,
        bytes: usize::MAX,
    };
    let (mut next, mut seen) = (1, 0);
    loop {
        let page = log.read(next, &Selection::All, limit).await.unwrap();
        for entry in page.entries {
            assert_eq!(entry.seq, seen + 1);
            assert_eq!(entry.body, event(seen).body);
            seen += 1;
        }
        next = page.next;
        if page.at_end {
            break;
        }
    }
    assert_eq!(seen, count);
}

/// Each step of writing fails in turn, in the middle of a segment and at the start of a new one. The appender fails
/// with a retryable error, nothing of the failed group is served, and a new appender continues.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writing_continues_after_every_kind_of_failure() {
    // With a large segment only writing fails; with a tiny one every step of starting a segment.
    for (segment_bytes, ops) in [
        (1 << 20, vec![Op::Write, Op::Sync]),
        (
            2_000,
            vec![Op::Write, Op::Sync, Op::Create, Op::Rename, Op::SyncFolder],
        ),
    ] {
        for op in ops {
            for times in [1, 3] {
                let folder = tempfile::tempdir().unwrap();
                let disk = Arc::new(FaultyDisk::default());
                let log = open(&folder, &disk, segment_bytes);
                let mut follow = log.follow(1, &Selection::All).await.unwrap();
                let mut appender = log.appender(0).await.unwrap();
                append(&mut *appender, &events(0, 20)).await.unwrap();
                disk.fail(op, times);
                let mut failures = 0;
                let mut at = 20;
                while at < 120 {
                    match append(&mut *appender, &events(at, at + 10)).await {
                        Ok(last) => at = last,
                        Err(error) => {
                            failures += 1;
                            assert!(matches!(error, AppendError::Unavailable(_)), "{error}");
                            assert!(error.is_retryable());
                            assert!(appender.append(&events(at, at + 1)).await.is_err());
                            // Whole groups before the failed one may exist.
                            at = log.bounds().await.unwrap().last;
                            assert!(at >= appender.acked());
                            assert_holds(&log, at).await;
                            appender = log.appender(at).await.unwrap();
                        }
                    }
                }
                assert_eq!(disk.fired(op), times, "{op:?}");
                assert_eq!(failures, times, "{op:?}");
                assert_holds(&log, at).await;
                let mut followed = 0;
                while followed < at {
                    for entry in follow.next().await.unwrap().unwrap() {
                        assert_eq!(entry.body, event(followed).body);
                        followed += 1;
                    }
                }
                drop((appender, follow, log));
                assert_holds(&open(&folder, &disk, segment_bytes), at).await;
            }
        }
    }
}

/// The rest of a failed write cannot be cut off either; then the process dies. Nothing of it may reappear.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rest_that_cannot_be_cut_off_is_not_written_behind() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(FaultyDisk::default());
    let log = open(&folder, &disk, 1 << 20);
    let mut appender = log.appender(0).await.unwrap();
    append(&mut *appender, &events(0, 30)).await.unwrap();
    disk.fail(Op::Sync, 1);
    append(&mut *appender, &events(30, 50)).await.unwrap_err();
    assert_eq!(disk.fired(Op::Sync), 1);
    disk.fail(Op::Truncate, 2);
    for _ in 0..2 {
        let mut next = log.appender(30).await.unwrap();
        let error = append(&mut *next, &events(30, 33)).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert_holds(&log, 30).await;
    }
    assert_eq!(disk.fired(Op::Truncate), 2);
    let mut next = log.appender(30).await.unwrap();
    append(&mut *next, &events(30, 41)).await.unwrap();
    assert_holds(&log, 41).await;
    drop((appender, next, log));
    assert_holds(&open(&folder, &disk, 1 << 20), 41).await;
}

/// A group that is written but not yet synced is invisible.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_shown_before_its_sync() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(FaultyDisk::default());
    let log = open(&folder, &disk, 1 << 20);
    let shared = log.weak_shared();
    let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let path = folder.path().join(format!("{:020}.segment", 1));
    let reports = Arc::clone(&seen);
    disk.before_sync(Box::new(move |_| {
        if let Some(shared) = shared.upgrade() {
            let bytes = std::fs::metadata(&path).unwrap().len();
            let state = shared.state.read();
            let (last, end) = (state.bounds().last, state.active.end);
            reports
                .lock()
                .push((bytes > end, last, *shared.grown.borrow()));
        }
    }));
    let mut appender = log.appender(0).await.unwrap();
    for n in 0..10 {
        append(&mut *appender, &events(n * 5, n * 5 + 5))
            .await
            .unwrap();
    }
    let expected: Vec<_> = (0..10).map(|n| (true, n * 5, n * 5)).collect();
    assert_eq!(*seen.lock(), expected);
}

/// One sync for many: whatever is queued while one runs shares the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_share_syncs() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(FaultyDisk::default());
    let log = open(&folder, &disk, 1 << 20);
    // The first sync waits until everything else is queued.
    let (queued, wait) = std::sync::mpsc::sync_channel::<()>(1);
    let wait = parking_lot::Mutex::new(wait);
    let syncs = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let count = Arc::clone(&syncs);
    disk.before_sync(Box::new(move |_| {
        if count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
            wait.lock().recv().unwrap();
        }
    }));
    let mut appender = log.appender(0).await.unwrap();
    for n in 0..500 {
        appender.append(&[event(n)]).await.unwrap();
    }
    assert_eq!(appender.acked(), 0);
    queued.send(()).unwrap();
    assert_eq!(appender.flush().await.unwrap(), 500);
    let syncs = syncs.load(std::sync::atomic::Ordering::SeqCst);
    assert!(syncs <= 3, "{syncs} syncs");
    assert_holds(&log, 500).await;
}

/// The window bounds what is queued; a full one makes `append` wait, not fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_window_makes_appending_wait() {
    for (window_events, window_bytes) in [(10, 1 << 20), (100_000, 3_000)] {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(FaultyDisk::default());
        let config = EmbeddedConfig {
            window_events,
            window_bytes,
            max_age: Duration::ZERO,
            ..EmbeddedConfig::in_folder(folder.path())
        };
        let log = EmbeddedLog::open_on(config, Arc::new(AtZero), Arc::clone(&disk) as _).unwrap();
        let (go, wait) = std::sync::mpsc::sync_channel::<()>(1_000);
        let wait = parking_lot::Mutex::new(wait);
        disk.before_sync(Box::new(move |_| wait.lock().recv().unwrap()));
        let mut appender = log.appender(0).await.unwrap();
        let mut queued = 0;
        // Appending blocks while the disk is stalled.
        while queued < 1_000 && appender.append(&[event(queued)]).now_or_never().is_some() {
            queued += 1;
        }
        assert!((2..=12).contains(&queued), "{queued} events in the window");
        for _ in 0..1_000 {
            go.send(()).unwrap();
        }
        // The append that waited was canceled before it queued anything.
        append(&mut *appender, &events(queued, queued + 50))
            .await
            .unwrap();
        assert_holds(&log, queued + 50).await;
        drop((appender, go));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interval_delays_syncs_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = EmbeddedConfig {
        sync: Sync::Every(Duration::from_millis(30)),
        max_age: Duration::ZERO,
        ..EmbeddedConfig::in_folder(folder.path())
    };
    let disk = Arc::new(FaultyDisk::default());
    let log = EmbeddedLog::open_on(config, Arc::new(AtZero), disk).unwrap();
    let mut appender = log.appender(0).await.unwrap();
    let began = Instant::now();
    for n in 0..5 {
        append(&mut *appender, &events(n * 3, n * 3 + 3))
            .await
            .unwrap();
    }
    // The first goes at once; each of the others waits for its time.
    assert!(began.elapsed() >= Duration::from_millis(4 * 30));
    assert_holds(&log, 15).await;
    // Closing does not wait for anything.
    for piece in events(15, 40).chunks(5) {
        appender.append(piece).await.unwrap();
    }
    drop((appender, log));
    assert_holds(&open(&folder, &Arc::default(), 1 << 20), 40).await;
}

/// A disk that is busy most of the time gets larger groups with pauses between them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_disk_gets_pauses() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(FaultyDisk::default());
    let slow = Duration::from_millis(4);
    disk.before_sync(Box::new(move |_| std::thread::sleep(slow)));
    let log = open(&folder, &disk, 1 << 20);
    let mut appender = log.appender(0).await.unwrap();
    let mut written = 0;
    let mut group = async || {
        let group = events(written, written + 1);
        append(&mut *appender, &group).await.unwrap();
        written += 1;
    };
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(600) {
        group().await;
    }
    let began = Instant::now();
    for _ in 0..20 {
        group().await;
    }
    let elapsed = began.elapsed();
    assert!(
        elapsed > 20 * (slow + Duration::from_millis(3)),
        "{elapsed:?}"
    );
    drop(appender);
    assert_holds(&log, written).await;
}

/// Without a reader groups are apart; with one every group is shown at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_no_reader_waits_for_are_written_in_larger_groups() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(&folder, &Arc::default(), 1 << 20);
    let is_wanted = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let asked = Arc::clone(&is_wanted);
    log.prompt_while(move || asked.load(std::sync::atomic::Ordering::Relaxed));
    let mut appender = log.appender(0).await.unwrap();
    let mut written = 0;
    let mut groups = async || {
        let began = Instant::now();
        for _ in 0..10 {
            let group = events(written, written + 1);
            append(&mut *appender, &group).await.unwrap();
            written += 1;
        }
        began.elapsed()
    };
    let calm = groups().await;
    assert!(calm >= 9 * LONGEST_PAUSE, "{calm:?}");
    is_wanted.store(true, std::sync::atomic::Ordering::Relaxed);
    groups().await;
    let mut fastest = LONGEST_PAUSE * 10;
    // Other work on the machine may delay some of them.
    for _ in 0..20 {
        fastest = fastest.min(groups().await);
    }
    assert!(fastest < 5 * LONGEST_PAUSE, "{fastest:?}");
    drop(appender);
    assert_holds(&log, written).await;
}
