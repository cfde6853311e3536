//! Messages of strangers that the client library cannot parse. It ends the connection at each of them.

use std::ops::Range;
use std::time::Duration;

use fanjet_log::contract::time_of;
use fanjet_log::{Entry, EventLog, LogError, Selection, Seq, TopicFilter};
use fanjet_log_nats::NatsLog;
use fanjet_testkit::NatsServer;
use fanjet_testkit::nats_server::{UNREADABLE_HEADS, UNREADABLE_SUBJECTS};
use futures::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::scene::{LIMIT, Scene, seqs};
use crate::support::within;

const BAD: (&[u8], &[u8]) = (b"test", UNREADABLE_HEADS[0]);
/// As the one before, where a collection of the samples stands.
const BAD_POST: (&[u8], &[u8]) = (b"commit.app.bsky.feed.post", UNREADABLE_HEADS[1]);

/// What a process does that follows a log: it follows again when a follow fails.
async fn followed(log: &NatsLog, selection: &Selection, seqs: Range<Seq>) -> Vec<Entry> {
    within("the events", async {
        let (mut entries, mut next) = (Vec::<Entry>::new(), seqs.start);
        while next < seqs.end {
            let Ok(mut follow) = log.follow(next, selection).await else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            while next < seqs.end {
                match follow.next().await.unwrap() {
                    Ok(batch) => entries.extend(batch),
                    Err(error) => {
                        assert!(error.is_retryable(), "{error}");
                        break;
                    }
                }
                next = entries.last().map_or(next, |last| last.seq + 1);
            }
        }
        entries
    })
    .await
}

/// What a replay does: it reads pages, and reads a page again that fails.
async fn replayed(log: &NatsLog, selection: &Selection, from: Seq) -> (Vec<Entry>, Seq) {
    within("the pages", async {
        let (mut entries, mut next) = (Vec::new(), from);
        loop {
            match log.read(next, selection, LIMIT).await {
                Ok(page) => {
                    assert!(page.at_end || page.next > next, "no progress at {next}");
                    entries.extend(page.entries);
                    next = page.next;
                    if page.at_end {
                        return (entries, next);
                    }
                }
                Err(error) => {
                    assert!(error.is_retryable(), "{error}");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    })
    .await
}

async fn position(log: &NatsLog, event: u64) -> Seq {
    within("a position", async {
        loop {
            match log.seq_at(time_of(event)).await {
                Ok(seq) => return seq,
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_client_cannot_parse_is_skipped_and_counted() {
    let server = NatsServer::shared().await.unwrap();
    let heads = UNREADABLE_HEADS.map(|head| (&b"test"[..], head));
    let subjects = UNREADABLE_SUBJECTS.map(|subject| (subject, &b"NATS/1.0\r\nA: x\r\n\r\n"[..]));
    for stray in heads.into_iter().chain(subjects) {
        let scene = Scene::new(&server).await;
        scene.append(0..3).await;
        let case = format!(
            "{:?}",
            (
                stray.0.escape_ascii().to_string(),
                stray.1.escape_ascii().to_string()
            )
        );
        let mut live = JoinSet::new();
        let log = scene.log.another_reader();
        live.spawn(async move { followed(&log, &Selection::All, 1..7).await });
        scene.stray_bytes(&server, &[stray]).await;
        // While it is the newest.
        assert_eq!(scene.log.last().await.unwrap().unwrap().seq, 3, "{case}");
        assert_eq!(
            replayed(&scene.log, &Selection::All, 4).await,
            (vec![], 5),
            "{case}"
        );
        assert_eq!(scene.log.seq_at(time_of(3)).await.unwrap(), 5, "{case}");
        scene.append(3..5).await;
        assert_eq!(
            seqs(&live.join_next().await.unwrap().unwrap()),
            [1, 2, 3, 5, 6],
            "{case}"
        );
        for from in 1..=6 {
            let wanted: Vec<_> = [1, 2, 3, 5, 6]
                .into_iter()
                .filter(|seq| *seq >= from)
                .collect();
            let (found, next) = replayed(&scene.log, &Selection::All, from).await;
            assert_eq!((seqs(&found), next), (wanted, 7), "{case}, from {from}");
        }
        assert_eq!(position(&scene.log, 3).await, 5, "{case}");
        // For who has not met it before, from the very first read on.
        let other = NatsLog::connect(scene.config.clone()).await.unwrap();
        assert_eq!(
            seqs(&followed(&other, &Selection::All, 1..7).await),
            [1, 2, 3, 5, 6],
            "{case}"
        );
        let other = NatsLog::connect(scene.config.clone()).await.unwrap();
        assert_eq!(position(&other, 4).await, 6, "{case}");
        assert_eq!(
            seqs(&replayed(&other, &Selection::All, 1).await.0),
            [1, 2, 3, 5, 6],
            "{case}"
        );
        assert_eq!(scene.log.skipped_seqs().foreign, 1, "{case}");
        assert_eq!(other.skipped_seqs().foreign, 1, "{case}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oldest_message_may_be_one_and_so_may_many_in_a_row() {
    let server = NatsServer::shared().await.unwrap();
    let scene = Scene::new(&server).await;
    scene.append(0..3).await;
    scene.stray_bytes(&server, &[BAD; 700]).await;
    scene.append(3..10).await;
    scene.stray_bytes(&server, &[BAD, BAD_POST]).await;
    scene.purge_before(4).await;
    let wanted: Vec<Seq> = (704..711).collect();
    assert_eq!(scene.log.last().await.unwrap().unwrap().seq, 710);
    assert_eq!(position(&scene.log, 0).await, 704);
    let (found, next) = replayed(&scene.log, &Selection::All, 1).await;
    assert_eq!((seqs(&found), next), (wanted.clone(), 713));
    assert_eq!(scene.log.skipped_seqs().foreign, 702);
    let other = NatsLog::connect(scene.config.clone()).await.unwrap();
    assert_eq!(
        seqs(&followed(&other, &Selection::All, 4..711).await),
        wanted
    );
}

/// For any selection, and any number of concurrent readers. Such messages cost other reads nothing but time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_all_kinds_skip_many_of_them() {
    let server = NatsServer::shared().await.unwrap();
    let scene = Scene::new(&server).await;
    for round in 0..20 {
        scene.append(50 * round..50 * (round + 1)).await;
        scene.stray_bytes(&server, &[BAD_POST, BAD]).await;
    }
    let (all, end) = replayed(&scene.log, &Selection::All, 1).await;
    assert_eq!((all.len(), end), (1000, 1041));
    let selections = [
        Selection::All,
        Selection::only([TopicFilter::Identity]),
        Selection::only([TopicFilter::Commits]),
        Selection::only([
            TopicFilter::Identity,
            TopicFilter::Account,
            TopicFilter::Commits,
        ]),
    ];
    let other = NatsLog::connect(scene.config.clone()).await.unwrap();
    let readers = (0..30).map(|number| {
        let selection = &selections[number % selections.len()];
        let (log, from) = (&other, 1 + 30 * number as Seq);
        let wanted: Vec<Seq> = all
            .iter()
            .filter(|entry| entry.seq >= from && selection.matches(&entry.topic))
            .map(|entry| entry.seq)
            .collect();
        async move {
            let found = match number % 5 {
                0 => followed(log, selection, from..wanted.last().unwrap() + 1).await,
                _ => replayed(log, selection, from).await.0,
            };
            assert_eq!(seqs(&found), wanted, "{selection:?} from {from}");
        }
    });
    futures::future::join_all(readers).await;
    assert_eq!(scene.log.skipped_seqs().foreign, 40);
}

/// A publisher that writes them constantly does not cause constant reconnects.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_them_breaks_few_connections() {
    let server = NatsServer::start_with("http: \"127.0.0.1:-1\"")
        .await
        .unwrap();
    let scene = Scene::new(&server).await;
    let log = scene.log.another_reader();
    let mut live = JoinSet::new();
    live.spawn(async move { followed(&log, &Selection::All, 1..182).await });
    let before = connections(&server).await;
    for round in 0..60 {
        scene.append(2 * round..2 * (round + 1)).await;
        scene.stray_bytes(&server, &[BAD]).await;
    }
    scene.append(120..121).await;
    assert_eq!(live.join_next().await.unwrap().unwrap().len(), 121);
    // One for each stray of this test's, who is a client too.
    let made = connections(&server).await - before - 60;
    assert!(made <= 8, "{made} connections");
}

/// What carries an origin is damage, as it is where the client can parse it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_carries_an_origin_is_damage() {
    let server = NatsServer::shared().await.unwrap();
    let scene = Scene::new(&server).await;
    scene.append(0..3).await;
    let head = b"NATS/1.0\r\nA b: x\r\nFanjet-Origin: relay;1;0;1;2026-05-25T14:23:29Z\r\n\r\n";
    scene.stray_bytes(&server, &[(b"identity", head)]).await;
    let is_here = |error: &LogError| matches!(error, LogError::Corrupt { seq: 4, .. });
    let error = scene.log.last().await.unwrap_err();
    assert!(is_here(&error), "{error}");
    let error = within("an error", async {
        loop {
            match scene.log.read(4, &Selection::All, LIMIT).await {
                Err(error) if error.is_retryable() => {}
                outcome => return outcome.unwrap_err(),
            }
        }
    })
    .await;
    assert!(is_here(&error), "{error}");
    let error = within("an error", async {
        loop {
            let mut follow = scene.log.follow(1, &Selection::All).await.unwrap();
            loop {
                match follow.next().await.unwrap() {
                    Err(error) if error.is_retryable() => break,
                    Err(error) => return error,
                    Ok(_) => {}
                }
            }
        }
    })
    .await;
    assert!(is_here(&error), "{error}");
    assert_eq!(scene.log.skipped_seqs().foreign, 0);
}

/// How many clients have ever connected.
async fn connections(server: &NatsServer) -> u64 {
    let lines = server.process().unwrap().lines();
    let address = lines
        .iter()
        .find_map(|line| line.split_once("Starting http monitor on "))
        .unwrap()
        .1;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /varz HTTP/1.0\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["total_connections"].as_u64().unwrap()
}
