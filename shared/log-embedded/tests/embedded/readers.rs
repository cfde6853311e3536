//! Many readers and one writer at the same time.

use std::fs;

use fanjet_log::contract::{event, events};
use fanjet_log::{EventLog, ReadLimit, Selection, TopicFilter};
use futures::StreamExt;
use futures::future::join_all;

use crate::support::{config, open};

const COUNT: u64 = 6_000;

/// Across segments, from disk into memory, while it grows: every reader sees each event once, in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_every_kind_keep_up_with_a_writer() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(config(folder.path())).await;
    let write = async {
        let mut appender = log.appender(0).await.unwrap();
        for piece in events(0, COUNT).chunks(37) {
            appender.append(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        appender.flush().await.unwrap();
    };
    let follows = join_all((0..6).map(|reader| {
        let log = &log;
        async move {
            let from = reader * 900 + 1;
            let mut follow = log.follow(from, &Selection::All).await.unwrap();
            let mut next = from;
            while next <= COUNT {
                for entry in follow.next().await.unwrap().unwrap() {
                    assert_eq!(entry.seq, next);
                    assert_eq!(entry.body, event(next - 1).body);
                    next += 1;
                }
            }
        }
    }));
    let pages = join_all((0..6).map(|reader| {
        let log = &log;
        async move {
            let limit = ReadLimit {
                entries: 100 + reader * 50,
                bytes: 30_000,
            };
            let selection = Selection::only([TopicFilter::Commits]);
            let (mut next, mut seen) = (1, 0);
            while next <= COUNT {
                let page = log.read(next, &selection, limit).await.unwrap();
                for entry in page.entries {
                    assert_eq!(entry.body, event(entry.seq - 1).body);
                    seen += 1;
                }
                next = page.next;
                tokio::task::yield_now().await;
            }
            assert_eq!(seen, COUNT / 10 * 7);
        }
    }));
    futures::join!(write, follows, pages);
    let segments = fs::read_dir(folder.path()).unwrap().count();
    assert!(segments > 5, "{segments} files");
}

/// New events are served although their file is gone: followers at the end do not use the disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_follower_reads_from_memory() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(config(folder.path())).await;
    let mut follow = log.follow(1, &Selection::All).await.unwrap();
    let mut appender = log.appender(0).await.unwrap();
    appender.append(&events(0, 200)).await.unwrap();
    assert_eq!(appender.flush().await.unwrap(), 200);
    fs::remove_file(folder.path().join(format!("{:020}.segment", 1))).unwrap();
    let mut next = 1;
    while next <= 200 {
        for entry in follow.next().await.unwrap().unwrap() {
            assert_eq!(entry.seq, next);
            next += 1;
        }
    }
    assert_eq!(next, 201);
}
