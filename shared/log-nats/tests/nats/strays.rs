//! Messages in the stream that are no events: published by somebody else, or deleted by an operator.

use std::path::Path;

use async_nats::HeaderMap;
use fanjet_log::contract::{events, time_of};
use fanjet_log::{AppendError, EventLog, LogError, Selection, Seq, TopicFilter};
use fanjet_log_nats::NatsLog;
use fanjet_testkit::NatsServer;

use crate::scene::{LIMIT, Scene, page, seqs, up_to};
use crate::support::{self, within};

/// Under no subject of the log, under one of it, and where collections stand.
const SUBJECTS: [&str; 5] = [
    "test",
    "identity",
    "commit.app.bsky.feed.post",
    "commit.no-nsid",
    "commit._.5",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_publish_is_skipped_and_counted() {
    let server = NatsServer::shared().await.unwrap();
    let scene = Scene::new(&server).await;
    scene.append(0..10).await;
    let mut live = scene.log.follow(1, &Selection::All).await.unwrap();
    up_to(&mut live, 10).await.unwrap();
    let mut strays = Vec::new();
    let mut wanted: Vec<Seq> = (1..=10).collect();
    for (round, subject) in SUBJECTS.into_iter().enumerate() {
        strays.push(scene.stray(subject, HeaderMap::new()).await);
        let next = 10 + 2 * round as u64;
        scene.append(next..next + 2).await;
        let last = scene.log.bounds().await.unwrap().last;
        wanted.extend([last - 1, last]);
    }
    let last = *wanted.last().unwrap();

    assert_eq!(seqs(&up_to(&mut live, last).await.unwrap()), wanted[10..]);
    let mut again = scene.log.follow(1, &Selection::All).await.unwrap();
    assert_eq!(seqs(&up_to(&mut again, last).await.unwrap()), wanted);
    for from in 1..=last {
        let found = page(&scene.log, from).await;
        let wanted: Vec<_> = wanted.iter().copied().filter(|it| *it >= from).collect();
        assert_eq!(seqs(&found.entries), wanted, "from {from}");
        assert_eq!((found.next, found.at_end), (last + 1, true));
    }
    for filters in [
        vec![TopicFilter::Identity],
        vec![TopicFilter::Commits],
        vec![
            TopicFilter::Identity,
            TopicFilter::Account,
            TopicFilter::Commits,
        ],
    ] {
        let selection = Selection::only(filters);
        let all = page(&scene.log, 1).await.entries;
        let wanted: Vec<_> = all
            .into_iter()
            .filter(|entry| selection.matches(&entry.topic))
            .map(|entry| entry.seq)
            .collect();
        let (mut found, mut next) = (Vec::new(), 1);
        while next <= last {
            let page = scene.log.read(next, &selection, LIMIT).await.unwrap();
            assert!(page.next > next, "no progress");
            found.extend(seqs(&page.entries));
            next = page.next;
        }
        assert_eq!(found, wanted, "{selection:?}");
    }
    for (seq, event) in wanted.iter().zip(0..) {
        let found = scene.log.seq_at(time_of(event)).await.unwrap();
        assert_eq!(found, *seq, "event {event}");
    }
    assert_eq!(scene.log.skipped_seqs().foreign, strays.len() as u64);
    assert_eq!(scene.log.skipped_seqs().deleted, 0);
}

/// A writer must know where the log ends, and which event was the last one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_written_on_behind_what_others_published() {
    let server = NatsServer::shared().await.unwrap();
    let scene = Scene::new(&server).await;
    let mut end = scene.stray("test", HeaderMap::new()).await;
    assert_eq!(scene.log.last().await.unwrap(), None);
    assert_eq!(scene.log.bounds().await.unwrap().last, end);
    scene.append(0..3).await;
    // More than one look back.
    for _ in 0..700 {
        end = scene.stray("identity", HeaderMap::new()).await;
    }
    assert_eq!(scene.log.last().await.unwrap().unwrap().seq, 4);
    let found = page(&scene.log, 5).await;
    assert_eq!(
        (found.entries.len(), found.next, found.at_end),
        (0, end + 1, true)
    );
    let after = scene
        .log
        .appender(4)
        .await
        .unwrap()
        .append(&events(3, 4))
        .await;
    let mut stale = scene.log.appender(4).await.unwrap();
    let fenced = async {
        after?;
        stale.append(&events(3, 4)).await?;
        stale.flush().await
    };
    assert!(matches!(
        fenced.await,
        Err(AppendError::Fenced { expected: 4 })
    ));
    scene.append(3..5).await;
    assert_eq!(scene.log.last().await.unwrap().unwrap().seq, end + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operator_deletes_is_skipped_and_reported() {
    let server = NatsServer::shared().await.unwrap();
    let scene = Scene::new(&server).await;
    scene.append(0..20).await;
    let stream = scene.stream().await;
    // In the middle, several in a row, and at the end.
    for seq in [6, 10, 11, 12, 20] {
        stream.delete_message(seq).await.unwrap();
    }
    let kept: Vec<Seq> = (1..20)
        .filter(|seq| ![6, 10, 11, 12].contains(seq))
        .collect();
    for from in 1..=20 {
        let wanted: Vec<_> = kept.iter().copied().filter(|it| *it >= from).collect();
        let (mut found, mut next) = (Vec::new(), from);
        while next <= 20 {
            let page = page(&scene.log, next).await;
            assert!(page.next > next, "no progress at {next}");
            found.extend(seqs(&page.entries));
            next = page.next;
        }
        assert_eq!(found, wanted, "from {from}");
    }
    for from in [1, 6, 7, 11] {
        let mut follow = scene.log.follow(from, &Selection::All).await.unwrap();
        let wanted: Vec<_> = kept.iter().copied().filter(|it| *it >= from).collect();
        assert_eq!(seqs(&up_to(&mut follow, 19).await.unwrap()), wanted);
    }
    assert_eq!(scene.log.last().await.unwrap().unwrap().seq, 19);
    for (event, seq) in [
        (0, 1),
        (5, 7),
        (8, 9),
        (9, 13),
        (12, 13),
        (18, 19),
        (19, 21),
    ] {
        let found = scene.log.seq_at(time_of(event)).await.unwrap();
        assert_eq!(found, seq, "event {event}");
    }
    assert_eq!(scene.log.skipped_seqs().deleted, 5);
    scene.append(20..22).await;
    assert_eq!(scene.log.last().await.unwrap().unwrap().seq, 22);
}

/// A message with an origin was written by this program, or by a publisher that imitates it: it is never skipped, and
/// an operator can delete it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_carries_an_origin_and_is_no_event_is_damage_that_can_be_deleted() {
    let server = NatsServer::shared().await.unwrap();
    for (subject, origin) in [
        ("test", "relay;1;0;1;2026-05-25T14:23:29Z"),
        ("identity", "x"),
    ] {
        let scene = Scene::new(&server).await;
        scene.append(0..3).await;
        let mut headers = HeaderMap::new();
        headers.insert("Fanjet-Origin", origin);
        let place = scene.stray(subject, headers).await;
        let is_here =
            |error: &LogError| matches!(error, LogError::Corrupt { seq, .. } if *seq == place);
        let error = scene
            .log
            .read(place, &Selection::All, LIMIT)
            .await
            .unwrap_err();
        assert!(is_here(&error), "{error}");
        let error = scene.log.last().await.unwrap_err();
        assert!(is_here(&error), "{error}");
        let mut follow = scene.log.follow(4, &Selection::All).await.unwrap();
        let error = up_to(&mut follow, 4).await.unwrap_err();
        assert!(is_here(&error), "{error}");
        scene.stream().await.delete_message(place).await.unwrap();
        assert_eq!(scene.log.last().await.unwrap().unwrap().seq, 3);
        scene.append(3..4).await;
        let mut follow = scene.log.follow(3, &Selection::All).await.unwrap();
        assert_eq!(seqs(&up_to(&mut follow, 5).await.unwrap()), [3, 5]);
    }
}

/// It was not deleted: it is missing, and readers stop there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_servers_disk_has_harmed_is_not_taken_for_deleted() {
    let mut server = NatsServer::start().await.unwrap();
    let mut config = support::config(&server.url());
    config.stream.compression = fanjet_log_nats::Compression::None;
    let log = NatsLog::connect(config.clone()).await.unwrap();
    let written = events(0, 20);
    let mut appender = log.appender(0).await.unwrap();
    appender.append(&written).await.unwrap();
    appender.flush().await.unwrap();
    server.stop().await.unwrap();
    harm(server.folder(), &written[9].body);
    server.restart().await.unwrap();
    let log = NatsLog::connect(config).await.unwrap();
    let mut next = 1;
    let error = within("an error", async {
        loop {
            match log.read(next, &Selection::All, LIMIT).await {
                Ok(page) => {
                    assert!(page.next <= 10 && page.entries.iter().all(|it| it.seq < 10));
                    next = page.next;
                }
                Err(error) => return error,
            }
        }
    })
    .await;
    assert!(error.is_retryable(), "{error}");
    let mut follow = log.follow(1, &Selection::All).await.unwrap();
    let failed = up_to(&mut follow, 11).await;
    assert!(failed.is_err_and(|error| error.is_retryable()));
    assert_eq!(log.skipped_seqs().deleted, 0);
}

/// Flips a bit in the middle of these bytes, in whatever file of a folder they are.
fn harm(folder: &Path, body: &[u8]) {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut bytes = std::fs::read(&path).unwrap();
            let Some(at) = bytes.windows(body.len()).position(|it| it == body) else {
                continue;
            };
            bytes[at + body.len() / 2] ^= 1;
            return std::fs::write(&path, bytes).unwrap();
        }
    }
    panic!("no file holds it");
}

/// A message may say of itself what otherwise only the server says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_looks_like_a_server_status_is_skipped() {
    for head in [
        "NATS/1.0 100 Idle Heartbeat\r\n\r\n",
        "NATS/1.0 204 EOB\r\nNats-Num-Pending: 0\r\n\r\n",
        "NATS/1.0 404 Message Not Found\r\n\r\n",
        "NATS/1.0 409 Consumer Deleted\r\n\r\n",
        "NATS/1.0 503\r\n\r\n",
        "NATS/1.0\r\nNats-Sequence: 2\r\nNats-Subject: x\r\n\r\n",
        "NATS/1.0\r\nNats-Sequence: x\r\n\r\n",
    ] {
        let server = NatsServer::shared().await.unwrap();
        let scene = Scene::new(&server).await;
        scene.append(0..3).await;
        let mut live = scene.log.follow(1, &Selection::All).await.unwrap();
        up_to(&mut live, 3).await.unwrap();
        scene
            .stray_bytes(&server, &[(b"test", head.as_bytes())])
            .await;
        assert_eq!(scene.log.last().await.unwrap().unwrap().seq, 3, "{head:?}");
        scene.append(3..5).await;
        let next = up_to(&mut live, 6).await;
        assert_eq!(seqs(&next.expect(head)), [5, 6], "{head:?}");
        let found = page(&scene.log, 1).await;
        assert_eq!(seqs(&found.entries), [1, 2, 3, 5, 6], "{head:?}");
        assert_eq!((found.next, found.at_end), (7, true), "{head:?}");
        let found = page(&scene.log, 4).await;
        assert_eq!(seqs(&found.entries), [5, 6], "{head:?}");
        assert_eq!(scene.log.seq_at(time_of(0)).await.unwrap(), 1, "{head:?}");
        assert_eq!(scene.log.skipped_seqs().foreign, 1, "{head:?}");
    }
}
