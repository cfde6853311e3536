//! A separate log per test, on a server that the tests of one binary share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use async_nats::jetstream;
use fanjet_log::contract::{Expire, LifecycleFixture, Opened};
use fanjet_log::{Entry, EventLog, LabelsConfig, NewEvent, RawConfig, ReadLimit, Selection, Seq};
use fanjet_log_nats::{NatsConfig, NatsLog, ServerUrl, Storage, StreamConfig};
use fanjet_testkit::NatsServer;
use futures::FutureExt;

/// A configuration with a unique stream and subject root.
pub(crate) fn config(url: &str) -> NatsConfig {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    NatsConfig {
        url: vec![ServerUrl::new(url)],
        stream: StreamConfig {
            name: format!("T{number}"),
            subject_root: format!("t{number}"),
            storage: Storage::File,
            ..StreamConfig::default()
        },
        ..NatsConfig::default()
    }
}

pub(crate) async fn open() -> Result<Opened> {
    open_with(|config| config).await
}

/// A raw log.
pub(crate) async fn open_for_frames() -> Result<Opened> {
    open_with(|events| {
        let raw = RawConfig {
            stream: format!("{}_RAW", events.stream.name),
            subject_root: format!("{}_raw", events.stream.subject_root),
            max_bytes: 0,
            ..RawConfig::default()
        };
        events.of_frames(&raw)
    })
    .await
}

/// A log of labels.
pub(crate) async fn open_for_labels() -> Result<Opened> {
    open_with(|events| {
        let labels = LabelsConfig {
            stream: format!("{}_LABELS", events.stream.name),
            subject_root: format!("{}_labels", events.stream.subject_root),
            max_bytes: 0,
            ..LabelsConfig::default()
        };
        events.of_labels(&labels)
    })
    .await
}

async fn open_with(change: impl FnOnce(NatsConfig) -> NatsConfig) -> Result<Opened> {
    let server = NatsServer::shared().await?;
    let config = change(config(&server.url()));
    let log = NatsLog::connect(config.clone()).await?;
    let admin = jetstream::new(async_nats::connect(server.url()).await?);
    Ok(Opened {
        expire: Some(expire(admin, config.stream.name, log.clone())),
        keep: Box::new(server),
        ..Opened::new(log)
    })
}

/// A stream that starts at `first`, and is purged, deleted and re-created under the log.
pub(crate) async fn open_at(first: Seq) -> Result<LifecycleFixture> {
    let server = NatsServer::shared().await?;
    let config = config(&server.url());
    let connect = {
        let config = config.clone();
        move |first: Seq| {
            let config = config.clone();
            async move {
                let now_us = first / 2000 * 1_000_000;
                NatsLog::connect_patiently(config, || now_us).await.unwrap()
            }
        }
    };
    let log = connect(first).await;
    let admin = jetstream::new(async_nats::connect(server.url()).await?);
    let stream = config.stream.name;
    let (purged_by, purged) = (admin.clone(), stream.clone());
    let reopened = connect.clone();
    Ok(LifecycleFixture {
        log: Arc::new(log),
        expire: Box::new(move |_| {
            let (admin, stream) = (purged_by.clone(), purged.clone());
            async move {
                let stream = admin.get_stream(&stream).await.unwrap();
                stream.purge().await.unwrap();
            }
            .boxed()
        }),
        reopen: Box::new(move |log| {
            let connecting = reopened(first);
            async move {
                drop(log);
                Arc::new(connecting.await) as Arc<dyn EventLog>
            }
            .boxed()
        }),
        recreate: Box::new(move |log| {
            let (admin, stream, connecting) = (admin.clone(), stream.clone(), connect(5_000_000));
            async move {
                admin.delete_stream(&stream).await.unwrap();
                drop(connecting.await);
                log
            }
            .boxed()
        }),
        keep: Box::new(server),
    })
}

/// Expiry by the stream's own limits, set for a moment.
fn expire(admin: jetstream::Context, stream: String, log: NatsLog) -> Expire {
    Box::new(move |seq| {
        let (admin, stream, log) = (admin.clone(), stream.clone(), log.clone());
        async move { expire_to(&admin, &stream, &log, seq).await.unwrap() }.boxed()
    })
}

async fn expire_to(
    admin: &jetstream::Context,
    stream: &str,
    log: &NatsLog,
    seq: Seq,
) -> Result<()> {
    let before = admin.get_stream(stream).await?.cached_info().config.clone();
    let mut limited = before.clone();
    let kept = log.bounds().await?.last - seq;
    if kept > 0 {
        limited.max_messages = i64::try_from(kept)?;
    } else {
        limited.max_age = Duration::from_millis(100);
        limited.duplicate_window = Duration::from_millis(100);
    }
    admin.update_stream(&limited).await?;
    while log.bounds().await?.first <= seq {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    admin
        .update_stream(&before)
        .await
        .context("cannot take the limit back")?;
    Ok(())
}

/// Waits for `fact`.
pub(crate) async fn within<T>(what: &str, fact: impl Future<Output = T>) -> T {
    let deadline = Duration::from_secs(60);
    match tokio::time::timeout(deadline, fact).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: nothing after {deadline:?}"),
    }
}

/// The whole log.
pub(crate) async fn all(log: &NatsLog) -> Vec<Entry> {
    let limit = ReadLimit {
        entries: usize::MAX,
        bytes: usize::MAX,
    };
    let (mut entries, mut next) = (Vec::new(), 1);
    loop {
        let page = log.read(next, &Selection::All, limit).await.unwrap();
        entries.extend(page.entries);
        if page.at_end {
            return entries;
        }
        next = page.next;
    }
}

/// Asserts that `entries` are exactly `expected`, from seq 1 on.
pub(crate) fn assert_entries(entries: &[Entry], expected: &[NewEvent]) {
    for ((entry, event), seq) in entries.iter().zip(expected).zip(1..) {
        assert_eq!(entry.seq, seq);
        assert_eq!(entry.body, event.body, "seq {seq}");
        assert_eq!((&entry.topic, &entry.origin), (&event.topic, &event.origin));
    }
    assert_eq!(entries.len(), expected.len(), "how many entries");
}
