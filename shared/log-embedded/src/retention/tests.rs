use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use fanjet_log::contract::{events, time_of};
use fanjet_log::{EventLog, LogError, Selection};
use futures::StreamExt;
use parking_lot::Mutex as PlainMutex;
use proptest::prelude::*;

use super::*;
use crate::disk::faulty::{FaultyDisk, Op};
use crate::format::points::Points;
use crate::{EmbeddedConfig, EmbeddedLog, folder};

fn segment(number: u64, bytes: u64, oldest: u64, newest: u64) -> Segment {
    let mut points = Points::default();
    points.add(32, 0, newest);
    Segment {
        path: Arc::from(Path::new("/nowhere")),
        first: number * 10 + 1,
        last: number * 10 + 10,
        end: bytes,
        oldest,
        points,
    }
}

const HOUR: u64 = 3_600_000_000;

proptest! {
    /// The shortest run of oldest segments is removed after which the limits hold.
    #[test]
    fn the_oldest_go_and_no_more_than_needed(
        sizes in prop::collection::vec(1..100_u64, 1..20),
        max_bytes in 0..1_000_u64,
        max_hours in 0..20_u64,
        now in 0..40_u64,
    ) {
        let count = sizes.len() as u64;
        let mut sealed: VecDeque<_> = sizes
            .iter()
            .zip(0..)
            .map(|(&bytes, n)| segment(n, bytes, n * HOUR, (n + 1) * HOUR))
            .collect();
        let active = sealed.pop_back().unwrap();
        let state = State::new(sealed, active, 0);
        let max_age = Duration::from_micros(max_hours * HOUR);
        let Decision { forget, roll } = decide(&state, now * HOUR, max_age, max_bytes);
        prop_assert!(forget < count as usize);
        let is_kept_right = |forgotten: usize| {
            let bytes: u64 = sizes[forgotten..].iter().sum();
            let is_old = max_hours > 0 && (forgotten as u64 + 1 + max_hours) < now;
            let is_active = forgotten + 1 == sizes.len();
            is_active || !(is_old || max_bytes > 0 && bytes > max_bytes)
        };
        prop_assert!(is_kept_right(forget));
        prop_assert!((0..forget).all(|fewer| !is_kept_right(fewer)));
        let spans = (count - 1) * HOUR + max_hours * HOUR / 16;
        prop_assert_eq!(roll, max_hours > 0 && spans < now * HOUR);
    }
}

/// Unix microseconds of the wall clock, and how many have really passed.
#[derive(Debug, Default)]
struct TestClock(PlainMutex<(u64, u64)>);

impl TestClock {
    /// Time passes until the wall clock is right.
    fn reach(&self, now: u64) {
        let (wall, passed) = &mut *self.0.lock();
        *passed += now - *wall;
        *wall = now;
    }

    /// The wall clock steps.
    fn step(&self, now: u64) {
        self.0.lock().0 = now;
    }
}

impl fanjet_runtime::Clock for TestClock {
    fn now_us(&self) -> u64 {
        self.0.lock().0
    }

    fn instant(&self) -> Instant {
        static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
        *BEGIN + Duration::from_micros(self.0.lock().1)
    }
}

struct Fixture {
    folder: tempfile::TempDir,
    disk: Arc<FaultyDisk>,
    clock: Arc<TestClock>,
    log: EmbeddedLog,
}

/// 300 samples in many segments.
async fn written(max_bytes: u64) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let (disk, clock) = (
        Arc::new(FaultyDisk::default()),
        Arc::new(TestClock::default()),
    );
    let config = EmbeddedConfig {
        segment_bytes: 10_000,
        tail_bytes: 0,
        max_bytes,
        max_age: Duration::from_secs(3600),
        ..EmbeddedConfig::in_folder(folder.path())
    };
    let log =
        EmbeddedLog::open_on(config, Arc::clone(&clock) as _, Arc::clone(&disk) as _).unwrap();
    let mut appender = log.appender(0).await.unwrap();
    appender.append(&events(0, 300)).await.unwrap();
    assert_eq!(appender.flush().await.unwrap(), 300);
    Fixture {
        folder,
        disk,
        clock,
        log,
    }
}

fn files(fixture: &Fixture) -> Vec<u64> {
    let files = folder::segments(fixture.folder.path()).unwrap();
    files.into_iter().map(|(first, _)| first).collect()
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_beyond_the_bytes_go_and_a_follow_reports_the_gap() {
    let fixture = written(50_000).await;
    let log = &fixture.log;
    let mut follow = log.follow(1, &Selection::All).await.unwrap();
    // Appending is always a little ahead of retention.
    until("bytes", async || {
        let files = folder::segments(fixture.folder.path()).unwrap();
        let bytes: u64 = files
            .iter()
            .map(|(_, path)| path.metadata().unwrap().len())
            .sum();
        bytes <= 51_000
    })
    .await;
    let bounds = log.bounds().await.unwrap();
    assert!(bounds.first > 100 && bounds.last == 300, "{bounds:?}");
    assert_eq!(files(&fixture)[0], bounds.first);
    let error = follow.next().await.unwrap().unwrap_err();
    assert!(matches!(error, LogError::Gap { expected: 1, found } if found == bounds.first));
    assert!(follow.next().await.is_none());
}

/// A file that cannot be removed must not let a newer one be removed first: that would be a gap after a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_removed_is_tried_again_in_order() {
    let fixture = written(0).await;
    let before = files(&fixture);
    assert!(before.len() > 5);
    fixture.disk.fail(Op::Remove, 2);
    fixture.clock.reach(time_of(150).get() + HOUR);
    until("two failures", async || {
        let fired = fixture.disk.fired(Op::Remove);
        // A second attempt is a second later; until then nothing may be removed. A new segment may exist.
        assert!(fired == 2 || files(&fixture).starts_with(&before));
        fired == 2
    })
    .await;
    // The cause is reported until it is gone.
    let cause = fixture.log.troubles().now().unwrap();
    assert!(
        cause.starts_with("cannot remove the expired segment "),
        "{cause}"
    );
    assert!(cause.contains(&fixture.folder.path().display().to_string()));
    // Readers do not wait for the disk.
    let first = fixture.log.bounds().await.unwrap().first;
    assert!((100..=151).contains(&first), "{first}");
    until("removal", async || files(&fixture)[0] == first).await;
    until("all is well", async || {
        fixture.log.troubles().now().is_none()
    })
    .await;
}

/// Everything can expire, including the segment that is written; the numbering survives a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_log_expires_everything_and_continues_counting_after_a_restart() {
    let fixture = written(0).await;
    fixture.clock.reach(time_of(300).get() + HOUR);
    until("everything expired", async || files(&fixture) == [301]).await;
    let Fixture {
        folder, clock, log, ..
    } = fixture;
    let bounds = log.bounds().await.unwrap();
    assert_eq!((bounds.first, bounds.last), (301, 300));
    drop(log);
    let config = EmbeddedConfig::in_folder(folder.path());
    let log = EmbeddedLog::open(config, clock).await.unwrap();
    assert_eq!(log.bounds().await.unwrap(), bounds);
    assert_eq!(log.last().await.unwrap(), None);
    let mut appender = log.appender(300).await.unwrap();
    appender.append(&events(300, 302)).await.unwrap();
    assert_eq!(appender.flush().await.unwrap(), 302);
}

/// A machine's clock can be set to any time. Removed events do not return.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_steps_forward_takes_nothing_at_once() {
    let Fixture {
        folder, clock, log, ..
    } = written(0).await;
    clock.reach(time_of(300).get());
    log.leave_retention_to_the_test();
    let shared = log.weak_shared().upgrade().unwrap();
    let (mut age, mut doomed) = (begin(&shared), VecDeque::new());
    let first = || log.inner_bounds().first;
    let mut look = || super::look(&shared, &mut age, &mut doomed);
    look();
    clock.step(time_of(300).get() + 365 * 24 * HOUR);
    look();
    assert_eq!(first(), 1);
    // It stays wrong: the log ages faster, and no more than that.
    let (wall, passed) = *clock.0.lock();
    *clock.0.lock() = (wall, passed + HOUR / 2 - 10_000);
    look();
    assert_eq!(first(), 1);
    *clock.0.lock() = (wall, passed + HOUR / 2 + 10_000);
    look();
    assert!(first() > 250, "{}", first());
    drop(shared);
    drop(log);

    // A restart does not remove anything at once either.
    let kept = folder::segments(folder.path()).unwrap().len();
    let config = EmbeddedConfig {
        max_age: Duration::from_secs(1800),
        ..EmbeddedConfig::in_folder(folder.path())
    };
    let log = EmbeddedLog::open(config, clock.clone()).await.unwrap();
    log.leave_retention_to_the_test();
    let shared = log.weak_shared().upgrade().unwrap();
    // Nor do many, each after a while.
    for _ in 0..5 {
        let (mut age, mut doomed) = (begin(&shared), VecDeque::new());
        clock.0.lock().1 += 10_000_000;
        super::look(&shared, &mut age, &mut doomed);
    }
    assert!(folder::segments(folder.path()).unwrap().len() >= kept);
}
