mod damage;
mod model;

use std::fs;

use fanjet_log::contract::{event, sized_event, time_of};
use fanjet_log::{AppendError, Entry};
use tempfile::TempDir;

use super::*;
use crate::EmbeddedLog;
use crate::disk::faulty::{FaultyDisk, Op};
use crate::log::AtZero;

const OF: LogIdentity = LogIdentity::new(7, 7);
const NO_LIMIT: ReadLimit = ReadLimit {
    entries: usize::MAX,
    bytes: usize::MAX,
};

fn config(folder: &TempDir) -> CopyConfig {
    CopyConfig {
        path: folder.path().to_owned(),
        max_bytes: 8 << 20,
    }
}

async fn create(folder: &TempDir, first: Seq) -> LogCopy {
    LogCopy::create(config(folder), OF, first, Arc::new(AtZero))
        .await
        .unwrap()
}

async fn open(folder: &TempDir) -> Result<Option<LogCopy>, OpenError> {
    LogCopy::open(config(folder), OF, Arc::new(AtZero)).await
}

fn copied(seq: Seq) -> Copied {
    let event = event(seq);
    Copied {
        seq,
        time: time_of(seq),
        topic: event.topic,
        body: event.body,
    }
}

/// The samples of a range, without those that a mask hides.
fn some(range: std::ops::Range<Seq>, hidden: u64) -> Vec<Copied> {
    range
        .filter(|seq| hidden == 0 || seq % hidden != 0)
        .map(copied)
        .collect()
}

async fn add_past(copy: &LogCopy, range: std::ops::Range<Seq>, hidden: u64) -> bool {
    let mut past = copy.past(range.start).await.unwrap();
    for begin in range.clone().step_by(100) {
        let end = (begin + 100).min(range.end);
        past = past.add(some(begin..end, hidden), end).await.unwrap();
    }
    past.finish().await.unwrap()
}

/// Everything that the copy has, read in pages.
async fn whole(
    copy: &LogCopy,
    selection: &Selection,
    limit: ReadLimit,
) -> Result<Vec<Copied>, LogError> {
    let mut next = copy.bounds().first;
    let mut found = Vec::new();
    loop {
        let page = copy.read(next, selection, limit).await?;
        assert!(page.at_end || page.next > next, "no progress at {next}");
        for entry in page.entries {
            let time = entry.time().unwrap();
            let Entry {
                seq, topic, body, ..
            } = entry;
            found.push(Copied {
                seq,
                time,
                topic,
                body,
            });
        }
        next = page.next;
        if page.at_end {
            assert_eq!(next, copy.bounds().last + 1);
            return Ok(found);
        }
    }
}

#[tokio::test]
async fn it_starts_anywhere_and_grows_at_both_ends() {
    let folder = tempfile::tempdir().unwrap();
    let copy = create(&folder, 5_000).await;
    assert_eq!(
        copy.bounds(),
        Bounds {
            first: 5_000,
            last: 4_999
        }
    );
    let mut appender = copy.appender();
    appender
        .append(&some(5_000..5_400, 7), 5_400)
        .await
        .unwrap();
    assert!(add_past(&copy, 4_500..5_000, 3).await);
    assert!(add_past(&copy, 4_000..4_500, 0).await);
    // It must end where the copy starts.
    assert!(!add_past(&copy, 3_000..3_999, 0).await);
    assert!(!add_past(&copy, 3_000..4_001, 0).await);
    appender
        .append(&some(5_400..5_500, 0), 5_500)
        .await
        .unwrap();
    let mut expected = some(4_000..4_500, 0);
    expected.extend(some(4_500..5_000, 3));
    expected.extend(some(5_000..5_400, 7));
    expected.extend(some(5_400..5_500, 0));
    assert_eq!(
        whole(&copy, &Selection::All, NO_LIMIT).await.unwrap(),
        expected
    );
    let small = ReadLimit {
        entries: 13,
        bytes: 3_000,
    };
    assert_eq!(
        whole(&copy, &Selection::All, small).await.unwrap(),
        expected
    );
    assert_eq!(
        copy.seq_at(time_of(4_800)).await.unwrap(),
        4_801,
        "4,800 is a hole"
    );
    drop((appender, copy));
    let copy = open(&folder).await.unwrap().unwrap();
    assert_eq!(
        copy.bounds(),
        Bounds {
            first: 4_000,
            last: 5_499
        }
    );
    assert_eq!(
        whole(&copy, &Selection::All, small).await.unwrap(),
        expected
    );
}

#[tokio::test]
async fn events_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let copy = create(&folder, 10).await;
    for wrong in [vec![copied(9)], vec![copied(11), copied(10)]] {
        let refused = copy.appender().append(&wrong, 0).await.unwrap_err();
        assert!(matches!(refused, AppendError::Refused(_)), "{refused}");
    }
    let far = copy.appender().append(&[], 1 << 40).await.unwrap_err();
    assert!(matches!(far, AppendError::Refused(_)), "{far}");
    let mut large = copied(10);
    large.body = sized_event(10, fanjet_log::MAX_BODY + 1).body;
    let large = copy.appender().append(&[large], 0).await.unwrap_err();
    assert!(matches!(large, AppendError::Refused(_)), "{large}");
    assert!(copy.bounds().is_empty());
}

#[tokio::test]
async fn the_folder_of_a_log_and_that_of_a_copy_are_not_confused() {
    let folder = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(EmbeddedConfig::in_folder(folder.path()), Arc::new(AtZero))
        .await
        .unwrap();
    drop(log);
    assert!(open(&folder).await.unwrap().is_none());
    let refused = LogCopy::create(config(&folder), OF, 1, Arc::new(AtZero)).await;
    assert!(matches!(refused, Err(OpenError::Setting { .. })));
    assert_eq!(folder::segments(folder.path()).unwrap().len(), 1);

    let folder = tempfile::tempdir().unwrap();
    drop(create(&folder, 1).await);
    let config_of_log = EmbeddedConfig::in_folder(folder.path());
    let refused = EmbeddedLog::open(config_of_log, Arc::new(AtZero)).await;
    assert!(matches!(refused, Err(OpenError::Setting { .. })));
}

#[tokio::test]
async fn a_copy_of_another_log_is_none_and_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let copy = create(&folder, 1).await;
    copy.appender().append(&some(1..50, 0), 0).await.unwrap();
    assert!(matches!(open(&folder).await, Err(OpenError::InUse { .. })));
    drop(copy);
    let other = LogIdentity::new(8, 8);
    let opened = LogCopy::open(config(&folder), other, Arc::new(AtZero)).await;
    assert!(opened.unwrap().is_none());
    let copy = LogCopy::create(config(&folder), other, 30, Arc::new(AtZero)).await;
    assert_eq!(
        copy.unwrap().bounds(),
        Bounds {
            first: 30,
            last: 29
        }
    );
    assert!(open(&folder).await.unwrap().is_none());
    LogCopy::remove(folder.path().to_owned()).await.unwrap();
    assert!(folder::segments(folder.path()).unwrap().is_empty());
}

#[tokio::test]
async fn it_stays_within_its_bytes_and_forgets_what_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let config = CopyConfig {
        max_bytes: 8 << 20,
        ..config(&folder)
    };
    let copy = LogCopy::create(config, OF, 1, Arc::new(AtZero))
        .await
        .unwrap();
    assert_eq!(copy.segment_bytes(), 128 << 10);
    let mut appender = copy.appender();
    let mut seq = 1;
    for _ in 0..30 {
        let events: Vec<_> = (seq..seq + 1_000)
            .map(|seq| Copied {
                body: sized_event(seq, 500).body,
                ..copied(seq)
            })
            .collect();
        seq += 1_000;
        appender.append(&events, seq).await.unwrap();
        while copy.bytes() > (8 << 20) - 2 * copy.segment_bytes() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let on_disk: u64 = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(on_disk <= 8 << 20, "{on_disk}");
    assert!(copy.bounds().first > 10_000);
    copy.forget_before(25_000);
    while copy.bounds().first < 22_000 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(copy.bounds().first <= 25_000, "what is asked for stays");
}

/// Each step of writing the past fails in turn: nothing of it is left, and the copy is as before.
#[tokio::test]
async fn a_past_that_cannot_be_written_leaves_nothing() {
    for op in [Op::Create, Op::Write, Op::Sync, Op::Rename] {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(FaultyDisk::default());
        let copy = LogCopy::create_on(
            config(&folder),
            OF,
            1_000,
            Arc::new(AtZero),
            Arc::clone(&disk) as _,
        )
        .await
        .unwrap();
        copy.appender()
            .append(&some(1_000..1_100, 0), 0)
            .await
            .unwrap();
        disk.fail(op, 1);
        let attempt = async {
            let past = copy.past(900).await?;
            past.add(some(900..1_000, 0), 1_000).await?.finish().await
        };
        attempt.await.unwrap_err();
        assert_eq!(disk.fired(op), 1, "{op:?}");
        assert!(!folder::unfinished_path(folder.path(), 900).exists());
        assert_eq!(
            copy.bounds(),
            Bounds {
                first: 1_000,
                last: 1_099
            }
        );
        assert!(add_past(&copy, 900..1_000, 0).await);
        assert_eq!(
            whole(&copy, &Selection::All, NO_LIMIT).await.unwrap(),
            some(900..1_100, 0)
        );
    }
}

#[tokio::test]
async fn a_folder_that_is_removed_is_lost() {
    let above = tempfile::tempdir().unwrap();
    let config = CopyConfig {
        path: above.path().join("copy"),
        max_bytes: 1 << 40,
    };
    let copy = LogCopy::create(config.clone(), OF, 1, Arc::new(AtZero))
        .await
        .unwrap();
    copy.appender().append(&some(1..50, 0), 0).await.unwrap();
    assert!(!copy.is_lost());
    fs::remove_file(folder::segment_path(&config.path, 1)).unwrap();
    assert!(copy.is_lost());
    copy.appender()
        .append(&some(50..60, 0), 0)
        .await
        .unwrap_err();
    assert!(copy.read(1, &Selection::All, NO_LIMIT).await.is_err());
    fs::remove_dir_all(&config.path).unwrap();
    assert!(copy.is_lost());
    drop(copy);
    let copy = LogCopy::create(config, OF, 60, Arc::new(AtZero))
        .await
        .unwrap();
    assert!(copy.bounds().is_empty());
}
