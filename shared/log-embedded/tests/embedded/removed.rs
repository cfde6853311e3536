//! The folder or files of a running log are removed.

use std::fs;
use std::sync::Arc;

use fanjet_log::contract::{events, whole};
use fanjet_log::{AppendError, Bookmarks, EventLog, LogError, ReadLimit, Selection};
use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog, FolderBookmarks, OpenError, Verify};

use crate::support::{TestClock, config, eventually, open};

async fn append(log: &EmbeddedLog, count: u64) -> Result<u64, AppendError> {
    let last = log.bounds().await.unwrap().last;
    let mut appender = log.appender(last).await.unwrap();
    appender.append(&events(last, last + count)).await?;
    appender.flush().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_lock_file_a_folder_has_one_owner_nevertheless() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(config(folder.path())).await;
    append(&log, 20).await.unwrap();
    fs::remove_file(folder.path().join("lock")).unwrap();
    for _ in 0..2 {
        let second = EmbeddedLog::open(config(folder.path()), Arc::new(TestClock::default())).await;
        let error = second.unwrap_err();
        assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    }
    append(&log, 20).await.unwrap();
    drop(log);
    let log = open(config(folder.path())).await;
    assert_eq!(whole(&log).await.len(), 40);
}

/// Data in files without a name is lost with the process, so it is not acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_removed_takes_nothing_more() {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("log");
    let log = open(config(&folder)).await;
    let last = append(&log, 20).await.unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let cause = || log.troubles().now().unwrap_or_default();
    // Even if nothing is written.
    eventually("it is noticed", || {
        cause().contains("was removed or replaced")
    })
    .await;
    for _ in 0..2 {
        let error = append(&log, 20).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert!(error.to_string().contains("was removed"), "{error}");
    }
    assert!(cause().contains("not writable: "), "{}", cause());
    let bookmarks = FolderBookmarks::of(&log);
    let error = bookmarks.set("one", "1".into()).await.unwrap_err();
    assert!(error.to_string().contains("was removed"), "{error}");
    assert_eq!(log.bounds().await.unwrap().last, last);
    assert!(!folder.exists(), "it is not re-created");

    // A re-created folder contains another log.
    let second = open(config(&folder)).await;
    append(&second, 5).await.unwrap();
    append(&log, 20).await.unwrap_err();
    bookmarks.set("one", "1".into()).await.unwrap_err();
    assert_eq!(whole(&second).await.len(), 5);
}

/// If another folder is at the path when a segment must be started, it is left alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_stands_in_its_place_is_left_alone() {
    let above = tempfile::tempdir().unwrap();
    let (folder, elsewhere) = (above.path().join("log"), above.path().join("moved"));
    let small = EmbeddedConfig {
        segment_bytes: 2_000,
        ..config(&folder)
    };
    let log = open(small).await;
    append(&log, 20).await.unwrap();
    fs::rename(&folder, &elsewhere).unwrap();
    fs::create_dir(&folder).unwrap();
    let error = append(&log, 200).await.unwrap_err();
    assert!(
        error.to_string().contains("was removed or replaced"),
        "{error}"
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    // Acknowledged events are where the folder was moved.
    let last = log.bounds().await.unwrap().last;
    drop(log);
    let log = open(config(&elsewhere)).await;
    assert_eq!(whole(&log).await.len() as u64, last);
}

/// A disk's error for a lost sector. It may be transient, so only repeated errors count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_that_cannot_be_read_again_and_again_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let config = EmbeddedConfig {
        segment_bytes: 30_000,
        tail_bytes: 0,
        cache_bytes: 0,
        verify: Verify::Last,
        ..config(folder.path())
    };
    let log = open(config).await;
    append(&log, 400).await.unwrap();
    let first = folder.path().join(format!("{:020}.segment", 1));
    let aside = folder.path().join("aside");
    let limit = ReadLimit {
        entries: 1,
        bytes: 0,
    };
    let read = || log.read(1, &Selection::All, limit);
    // A process's memory cannot be read where there is none: the kernel's own "Input/output error".
    let break_it = || {
        fs::rename(&first, &aside).unwrap();
        std::os::unix::fs::symlink("/proc/self/mem", &first).unwrap();
    };
    let mend_it = || fs::rename(&aside, &first).unwrap();
    break_it();
    for _ in 0..4 {
        let error = read().await.unwrap_err();
        assert!(matches!(error, LogError::Unavailable(_)), "{error}");
    }
    mend_it();
    assert_eq!(read().await.unwrap().entries[0].seq, 1);
    // The count restarts.
    break_it();
    for _ in 0..4 {
        assert!(read().await.unwrap_err().is_retryable());
    }
    for _ in 0..2 {
        let error = read().await.unwrap_err();
        assert!(matches!(error, LogError::Corrupt { seq: 1, .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("read failed"), "{text}");
        assert!(text.contains(&first.display().to_string()), "{text}");
    }
    // Events that exist are served.
    assert_eq!(log.last().await.unwrap().unwrap().seq, 400);
    mend_it();
    assert_eq!(read().await.unwrap().entries[0].seq, 1);
}
