//! On a real file system that fills up, changes its size, and becomes read-only.

use std::path::Path;

use fanjet_log::contract::{event, events, whole};
use fanjet_log::{AppendError, EventLog, Seq};
use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog};
use fanjet_testkit::SmallDisk;
use fanjet_testkit::small_disk::Room;

use crate::support::{config, eventually, open};

const PLENTY: Room = Room {
    bytes: 64 << 20,
    files: 1_000,
};

/// Nothing expires by age: the samples are from a fixed day.
fn unlimited(disk: &SmallDisk) -> EmbeddedConfig {
    EmbeddedConfig {
        segment_bytes: 60_000,
        max_age: std::time::Duration::ZERO,
        tail_bytes: 0,
        ..config(&disk.path().join("log"))
    }
}

/// Appends behind the log's end until it fails; returns the error.
async fn fill(log: &EmbeddedLog) -> AppendError {
    loop {
        if let Err(error) = append(log, 50).await {
            return error;
        }
    }
}

async fn append(log: &EmbeddedLog, count: u64) -> Result<Seq, AppendError> {
    let last = log.bounds().await.unwrap().last;
    let mut appender = log.appender(last).await.unwrap();
    appender.append(&events(last, last + count)).await?;
    appender.flush().await
}

/// Asserts that the log contains each sample from its first to its last.
async fn assert_whole(log: &EmbeddedLog) -> Seq {
    let bounds = log.bounds().await.unwrap();
    let entries = whole(log).await;
    for (entry, seq) in entries.iter().zip(bounds.first..) {
        assert_eq!(entry.seq, seq);
        assert_eq!(entry.body, event(seq - 1).body);
    }
    assert_eq!(entries.len() as u64, bounds.last + 1 - bounds.first);
    bounds.last
}

fn trouble(log: &EmbeddedLog) -> String {
    log.troubles().now().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_reported_and_written_again_when_there_is_room() {
    let room = |bytes| Room { bytes, ..PLENTY };
    let Some(disk) = SmallDisk::for_test(
        "small_disk::a_full_disk_is_reported_and_written_again_when_there_is_room",
        room(400 << 10),
    )
    .unwrap() else {
        return;
    };
    let log = open(unlimited(&disk)).await;
    // The room changes; each time a little is written and then nothing.
    for step in 1..=6 {
        let error = fill(&log).await;
        assert!(error.is_retryable(), "{error}");
        for text in [error.to_string(), trouble(&log)] {
            assert!(text.contains("No space left on device"), "{text}");
            assert!(text.contains(".segment: "), "{text}");
        }
        assert!(trouble(&log).starts_with("not writable: cannot "));
        let last = assert_whole(&log).await;
        append(&log, 50).await.unwrap_err();
        assert_eq!(assert_whole(&log).await, last);
        disk.resize(room((400 + step * 150) << 10)).unwrap();
        assert_eq!(append(&log, 50).await.unwrap(), last + 50);
        assert_eq!(trouble(&log), "");
    }
    drop(log);
    assert_whole(&open(unlimited(&disk)).await).await;
}

/// The last segment is finished and no inode is left for the next one: existing events are served, and writing
/// continues as soon as a segment is removed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_file_for_the_next_segment_a_log_is_opened_to_be_read() {
    let room = |files| Room { files, ..PLENTY };
    let Some(disk) = SmallDisk::for_test(
        "small_disk::without_a_file_for_the_next_segment_a_log_is_opened_to_be_read",
        room(12),
    )
    .unwrap() else {
        return;
    };
    let log = open(unlimited(&disk)).await;
    let error = fill(&log).await;
    assert!(error.to_string().contains("cannot create "), "{error}");
    let last = assert_whole(&log).await;
    drop(log);

    let log = open(unlimited(&disk)).await;
    let cause = trouble(&log);
    assert!(cause.starts_with("not writable: cannot create "), "{cause}");
    assert!(cause.contains("No space left on device"), "{cause}");
    assert_eq!(assert_whole(&log).await, last);
    append(&log, 50).await.unwrap_err();
    drop(log);

    let folder = disk.path().join("log");
    let log = open(EmbeddedConfig {
        max_bytes: bytes_of(&folder) / 2,
        ..unlimited(&disk)
    })
    .await;
    eventually("writing resumes by itself", || trouble(&log).is_empty()).await;
    assert!(log.bounds().await.unwrap().first > 1);
    assert_eq!(append(&log, 50).await.unwrap(), last + 50);
    assert_whole(&log).await;
}

fn bytes_of(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_file_system_is_read_and_written_when_it_can_be() {
    let Some(disk) = SmallDisk::for_test(
        "small_disk::a_read_only_file_system_is_read_and_written_when_it_can_be",
        PLENTY,
    )
    .unwrap() else {
        return;
    };
    let log = open(unlimited(&disk)).await;
    let last = append(&log, 500).await.unwrap();
    drop(log);
    // The rest that a killed process leaves behind the end.
    let newest = newest_segment(&disk.path().join("log"));
    let mut bytes = std::fs::read(&newest).unwrap();
    bytes.extend([7; 1_000]);
    std::fs::write(&newest, &bytes).unwrap();

    disk.set_read_only(true).unwrap();
    let log = open(unlimited(&disk)).await;
    assert_eq!(assert_whole(&log).await, last);
    let cause = trouble(&log);
    assert!(cause.starts_with("not writable: "), "{cause}");
    assert!(cause.contains("Read-only file system"), "{cause}");
    let error = append(&log, 10).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(
        error.to_string().contains("Read-only file system"),
        "{error}"
    );

    disk.set_read_only(false).unwrap();
    assert_eq!(append(&log, 10).await.unwrap(), last + 10);
    assert_eq!(trouble(&log), "");
    drop(log);
    assert_eq!(assert_whole(&open(unlimited(&disk)).await).await, last + 10);
}

fn newest_segment(folder: &Path) -> std::path::PathBuf {
    let files = std::fs::read_dir(folder).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let segments = paths.filter(|path| path.extension().is_some_and(|it| it == "segment"));
    segments.max().unwrap()
}
