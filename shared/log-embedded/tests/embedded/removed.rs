//! Somebody removes what the log is using.

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

/// What is written into files without a name is lost with the process, so it is not acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_removed_takes_nothing_more() {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("log");
    let log = open(config(&folder)).await;
    let last = append(&log, 20).await.unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let told = || log.troubles().now().unwrap_or_default();
    // Also when nothing comes that would have to be written.
    eventually("it is noticed", || {
        told().contains("was removed or replaced")
    })
    .await;
    for _ in 0..2 {
        let error = append(&log, 20).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert!(error.to_string().contains("was removed"), "{error}");
    }
    assert!(told().contains("not writable: "), "{}", told());
    let bookmarks = FolderBookmarks::of(&log);
    let error = bookmarks.set("one", "1".into()).await.unwrap_err();
    assert!(error.to_string().contains("was removed"), "{error}");
    assert_eq!(log.bounds().await.unwrap().last, last);
    assert!(!folder.exists(), "it is not made anew");

    // Whoever makes it anew has a log of his own.
    let second = open(config(&folder)).await;
    append(&second, 5).await.unwrap();
    append(&log, 20).await.unwrap_err();
    bookmarks.set("one", "1".into()).await.unwrap_err();
    assert_eq!(whole(&second).await.len(), 5);
}

/// Where a segment would be begun in it, another folder is left alone.
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
    // Whatever was acknowledged is where the folder went.
    let last = log.bounds().await.unwrap().last;
    drop(log);
    let log = open(config(&elsewhere)).await;
    assert_eq!(whole(&log).await.len() as u64, last);
}

/// What a disk says of a sector that it has lost. It may be a mistake, so it counts when it is said again and again.
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
    // The memory of a process cannot be read where there is none: the kernel's own "Input/output error".
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
    // It counts from the beginning.
    break_it();
    for _ in 0..4 {
        assert!(read().await.unwrap_err().is_retryable());
    }
    for _ in 0..2 {
        let error = read().await.unwrap_err();
        assert!(matches!(error, LogError::Corrupt { seq: 1, .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("the disk cannot read it"), "{text}");
        assert!(text.contains(&first.display().to_string()), "{text}");
    }
    // What is not there is served.
    assert_eq!(log.last().await.unwrap().unwrap().seq, 400);
    mend_it();
    assert_eq!(read().await.unwrap().entries[0].seq, 1);
}
