//! Servers that are killed, frozen or purged while the log is in use.

use std::time::Duration;

use async_nats::jetstream::{self, consumer::push};
use fanjet_log::contract::events;
use fanjet_log::{AppendError, Entry, EventLog, Follow, LogError, NewEvent, Selection, Seq};
use fanjet_log_nats::{NatsConfig, NatsLog};
use fanjet_testkit::NatsServer;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::watch;

use crate::support::{self, all, within};

fn impatient(server: &NatsServer) -> NatsConfig {
    NatsConfig {
        ack_timeout: Duration::from_secs(1),
        request_timeout: Duration::from_secs(1),
        ..support::config(&server.url())
    }
}

/// The end of the log, requested until a server responds.
pub(crate) async fn end_of(log: &NatsLog) -> Seq {
    loop {
        match log.last().await {
            Ok(last) => return last.map_or(0, |entry| entry.seq),
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Acts like a leader: appends, and after an error reads where to continue. Reports the acknowledged seq; returns the
/// errors.
pub(crate) async fn write_all(
    log: &NatsLog,
    events: &[NewEvent],
    acked: watch::Sender<Seq>,
) -> Vec<AppendError> {
    let mut errors = Vec::new();
    loop {
        let after = end_of(log).await;
        assert!(after >= *acked.borrow(), "an acknowledged event is lost");
        let mut appender = log.appender(after).await.unwrap();
        let outcome = async {
            for piece in events[after as usize..].chunks(100) {
                appender.append(piece).await?;
                acked.send_replace(appender.acked());
            }
            appender.flush().await
        }
        .await;
        acked.send_replace(appender.acked());
        match outcome {
            Ok(_) => return errors,
            Err(error) => {
                assert!(error.is_retryable(), "{error}");
                errors.push(error);
            }
        }
    }
}

pub(crate) async fn reaches(acked: &mut watch::Receiver<Seq>, seq: Seq) {
    acked.wait_for(|acked| *acked >= seq).await.unwrap();
}

/// Follows up to `count` entries, and follows again after every error; returns the number of errors.
pub(crate) async fn follow_all(log: &NatsLog, count: usize) -> (Vec<Entry>, usize) {
    let (mut entries, mut errors): (Vec<Entry>, _) = (Vec::new(), 0);
    while entries.len() < count {
        let from = entries.last().map_or(1, |entry| entry.seq + 1);
        let Ok(mut follow) = log.follow(from, &Selection::All).await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        while entries.len() < count {
            match follow.next().await.unwrap() {
                Ok(batch) => entries.extend(batch),
                Err(error) => {
                    assert!(error.is_retryable(), "{error}");
                    errors += 1;
                    break;
                }
            }
        }
    }
    (entries, errors)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_again_and_again_loses_and_repeats_nothing() {
    let mut server = NatsServer::start().await.unwrap();
    let log = NatsLog::connect(impatient(&server)).await.unwrap();
    let written = events(0, 60_000);
    let (acked, mut progress) = watch::channel(0);
    let kill = async {
        for seq in [5_000, 20_000, 40_000] {
            reaches(&mut progress, seq).await;
            server.kill().await.unwrap();
            server.restart().await.unwrap();
        }
    };
    let work = async {
        tokio::join!(
            write_all(&log, &written, acked),
            follow_all(&log, written.len()),
            kill
        )
    };
    let (failed_appends, (followed, failed_follows), ()) = within("the end", work).await;
    assert!(failed_appends.len() >= 3, "{failed_appends:?}");
    assert!(failed_follows >= 3);
    support::assert_entries(&all(&log).await, &written);
    support::assert_entries(&followed, &written);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_is_unavailable_and_recovers() {
    let server = NatsServer::start().await.unwrap();
    let log = NatsLog::connect(impatient(&server)).await.unwrap();
    let written = events(0, 2_000);
    let mut follow = log.follow(1, &Selection::All).await.unwrap();
    let mut appender = log.appender(0).await.unwrap();
    appender.append(&written[..1_000]).await.unwrap();
    appender.flush().await.unwrap();

    server.freeze().await.unwrap();
    appender.append(&written[1_000..1_500]).await.unwrap();
    let error = within("a time-out", appender.flush()).await.unwrap_err();
    assert!(matches!(error, AppendError::Unavailable(_)), "{error}");
    assert_eq!(appender.acked(), 1_000);
    assert!(appender.append(&written[1_500..]).await.is_err());
    for error in [
        log.bounds().await.err(),
        log.last().await.err(),
        log.seq_at(fanjet_log::contract::time_of(5)).await.err(),
        log.follow(1, &Selection::All).await.err(),
    ] {
        assert!(matches!(error, Some(LogError::Unavailable(_))), "{error:?}");
    }
    let error = within("silence is noticed", ending(&mut follow)).await;
    assert!(matches!(error, LogError::Unavailable(_)), "{error}");
    assert!(follow.next().await.is_none());

    server.thaw().unwrap();
    let (acked, _) = watch::channel(0);
    within("the rest", write_all(&log, &written, acked)).await;
    support::assert_entries(&all(&log).await, &written);
}

/// The error that ends a follow, after all earlier batches.
async fn ending(follow: &mut Follow) -> LogError {
    loop {
        if let Err(error) = follow.next().await.unwrap() {
            return error;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_consumer_ends_its_follow() {
    let server = NatsServer::shared().await.unwrap();
    let config = support::config(&server.url());
    let log = NatsLog::connect(config.clone()).await.unwrap();
    let mut follow = log.follow(1, &Selection::All).await.unwrap();
    assert!(follow.next().await.unwrap().unwrap().is_empty());

    let admin = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let stream = admin.get_stream(&config.stream.name).await.unwrap();
    let names: Vec<String> = stream.consumer_names().try_collect().await.unwrap();
    assert_eq!(names.len(), 1, "{names:?}");
    stream.delete_consumer(&names[0]).await.unwrap();
    let error = within("the end", ending(&mut follow)).await;
    assert!(matches!(error, LogError::Unavailable(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_follow_leaves_no_consumer() {
    let server = NatsServer::shared().await.unwrap();
    let config = support::config(&server.url());
    let log = NatsLog::connect(config.clone()).await.unwrap();
    let follow = log.follow(1, &Selection::All).await.unwrap();
    let admin = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let stream = admin.get_stream(&config.stream.name).await.unwrap();
    let mut consumers = stream.consumers();
    let info = consumers.try_next().await.unwrap().unwrap();
    let name = info.name.clone();
    assert!(stream.get_consumer::<push::Config>(&name).await.is_ok());
    drop(follow);
    within("the consumer goes", async {
        while stream.consumer_info(&name).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// The only test that waits for a time: the server drops a batch that is idle for ten seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_may_pause_for_longer_than_the_server_remembers_it() {
    let server = NatsServer::shared().await.unwrap();
    let log = NatsLog::connect(support::config(&server.url()))
        .await
        .unwrap();
    let written = events(0, 6);
    let mut appender = log.appender(0).await.unwrap();
    appender.append(&written[..3]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(12)).await;
    appender.append(&written[3..]).await.unwrap();
    assert_eq!(appender.flush().await.unwrap(), 6);
    support::assert_entries(&all(&log).await, &written);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_window_keeps_the_order() {
    let server = NatsServer::shared().await.unwrap();
    for publish_window in [0, 1, 3, 10_000] {
        let config = NatsConfig {
            publish_window,
            ..support::config(&server.url())
        };
        let log = NatsLog::connect(config).await.unwrap();
        let written = events(0, 1_000);
        let mut appender = log.appender(0).await.unwrap();
        appender.append(&written).await.unwrap();
        assert_eq!(appender.flush().await.unwrap(), 1_000);
        support::assert_entries(&all(&log).await, &written);
    }
}

/// Purged or never written: a restarted server's information about an empty stream decides where ingest writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_server_still_knows_where_an_empty_log_ends() {
    let mut server = NatsServer::start().await.unwrap();
    let first = 3_566_351_776_000;
    let config = impatient(&server);
    let log = NatsLog::connect_patiently(config.clone(), || first / 2000 * 1_000_000)
        .await
        .unwrap();
    let identity = log.identity().await.unwrap();
    let admin = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let mut next = first;
    for round in 0..3 {
        server.kill().await.unwrap();
        server.restart().await.unwrap();
        let bounds = within("the server is back", async {
            loop {
                if let Ok(bounds) = log.bounds().await {
                    return bounds;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        assert_eq!((bounds.first, bounds.last), (next, next - 1), "{round}");
        assert_eq!(log.identity().await.unwrap(), identity);
        let mut appender = log.appender(bounds.last).await.unwrap();
        appender
            .append(&events(round * 5, round * 5 + 5))
            .await
            .unwrap();
        next += 5;
        assert_eq!(appender.flush().await.unwrap(), next - 1);
        let stream = admin.get_stream(&config.stream.name).await.unwrap();
        stream.purge().await.unwrap();
    }
}
