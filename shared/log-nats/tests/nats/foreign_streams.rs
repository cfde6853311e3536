//! Streams that somebody else made, or wrote to.

use async_nats::jetstream::{self, stream};
use fanjet_log::contract::events;
use fanjet_log::{EventLog, LogError, ReadLimit, Selection};
use fanjet_log_nats::{NatsConfig, NatsLog};
use fanjet_testkit::NatsServer;
use futures::StreamExt;

use crate::support::{self, within};

/// A workable stream made by an operator, after `change`; and the configuration of a log on it.
async fn operators_stream(
    server: &NatsServer,
    change: impl Fn(&mut stream::Config),
) -> (NatsConfig, jetstream::Context) {
    let mut config = support::config(&server.url());
    config.stream.create = false;
    let mut wanted = stream::Config {
        name: config.stream.name.clone(),
        subjects: vec![format!("{}.>", config.stream.subject_root)],
        allow_direct: true,
        allow_batch_publish: true,
        ..stream::Config::default()
    };
    change(&mut wanted);
    let admin = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    admin.create_stream(wanted).await.unwrap();
    (config, admin)
}

#[tokio::test]
async fn a_workable_one_is_taken_as_it_is() {
    let server = NatsServer::shared().await.unwrap();
    let (config, admin) = operators_stream(&server, |stream| stream.max_messages = 5).await;
    let log = NatsLog::connect(config.clone()).await.unwrap();
    let mut appender = log.appender(0).await.unwrap();
    appender.append(&events(0, 10)).await.unwrap();
    appender.flush().await.unwrap();
    assert_eq!(log.bounds().await.unwrap().first, 6);
    let stream = admin.get_stream(&config.stream.name).await.unwrap();
    assert_eq!(stream.cached_info().config.max_messages, 5);
}

#[tokio::test]
async fn an_unworkable_one_is_refused_by_name() {
    let server = NatsServer::shared().await.unwrap();
    type Change = fn(&mut stream::Config);
    let cases: [(&str, Change); 4] = [
        ("max_msgs_per_subject", |stream| {
            stream.max_messages_per_subject = 1
        }),
        ("retention", |stream| {
            stream.retention = stream::RetentionPolicy::Interest
        }),
        ("discard", |stream| {
            stream.discard = stream::DiscardPolicy::New
        }),
        ("allow_batched", |stream| stream.allow_batch_publish = false),
    ];
    for (word, change) in cases {
        let (config, _) = operators_stream(&server, change).await;
        let name = config.stream.name.clone();
        let error = NatsLog::connect(config).await.unwrap_err();
        assert!(matches!(error, LogError::Misconfigured(_)) && !error.is_retryable());
        let text = error.to_string();
        assert!(text.contains(word) && text.contains(&name), "{text}");
    }
}

#[tokio::test]
async fn a_missing_one_is_created_once_or_not_at_all() {
    let server = NatsServer::shared().await.unwrap();
    let mut config = support::config(&server.url());
    config.stream.create = false;
    let error = NatsLog::connect(config.clone()).await.unwrap_err();
    assert!(error.is_retryable(), "another may make it: {error}");
    assert!(error.to_string().contains(&config.stream.name), "{error}");
    config.stream.create = true;
    let all = futures::future::join_all((0..4).map(|_| NatsLog::connect(config.clone()))).await;
    for log in all {
        log.unwrap();
    }
}

#[tokio::test]
async fn a_hole_is_a_gap_for_page_and_follow() {
    let server = NatsServer::shared().await.unwrap();
    let (config, admin) = operators_stream(&server, |_| {}).await;
    let log = NatsLog::connect(config.clone()).await.unwrap();
    let mut appender = log.appender(0).await.unwrap();
    appender.append(&events(0, 10)).await.unwrap();
    appender.flush().await.unwrap();
    let stream = admin.get_stream(&config.stream.name).await.unwrap();
    stream.delete_message(6).await.unwrap();

    let is_the_gap = |error: &LogError| {
        matches!(
            error,
            LogError::Gap {
                expected: 6,
                found: 7
            }
        ) && error.is_retryable()
    };
    let limit = ReadLimit {
        entries: 100,
        bytes: 1 << 20,
    };
    let page = log.read(1, &Selection::All, limit).await.unwrap();
    assert_eq!((page.entries.len(), page.next, page.at_end), (5, 6, false));
    let error = log.read(6, &Selection::All, limit).await.unwrap_err();
    assert!(is_the_gap(&error), "{error}");

    for from in [1, 6] {
        let mut follow = log.follow(from, &Selection::All).await.unwrap();
        let (entries, error) = within("the gap", async {
            let mut entries = Vec::new();
            loop {
                match follow.next().await.unwrap() {
                    Ok(batch) => entries.extend(batch),
                    Err(error) => return (entries, error),
                }
            }
        })
        .await;
        assert!(is_the_gap(&error), "{error}");
        assert_eq!(entries.len() as u64, 6 - from);
        assert!(follow.next().await.is_none());
    }
    let error = log.seq_at(fanjet_log::contract::time_of(5)).await;
    assert!(
        matches!(error, Err(LogError::Gap { .. }) | Ok(7)),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_foreign_message_is_corruption() {
    let server = NatsServer::shared().await.unwrap();
    for subject in ["identity", "commit.app.bsky.feed.post", "else"] {
        let (config, admin) = operators_stream(&server, |_| {}).await;
        let log = NatsLog::connect(config.clone()).await.unwrap();
        let subject = format!("{}.{subject}", config.stream.subject_root);
        admin
            .publish(subject, "{}".into())
            .await
            .unwrap()
            .await
            .unwrap();
        let limit = ReadLimit {
            entries: 1,
            bytes: 1,
        };
        let error = log.read(1, &Selection::All, limit).await.unwrap_err();
        assert!(matches!(error, LogError::Corrupt { seq: 1, .. }), "{error}");
        assert!(!error.is_retryable());
        let error = log.last().await.unwrap_err();
        assert!(matches!(error, LogError::Corrupt { seq: 1, .. }), "{error}");
        let mut follow = log.follow(1, &Selection::All).await.unwrap();
        let error = within("the end", follow.next()).await.unwrap().unwrap_err();
        assert!(matches!(error, LogError::Corrupt { seq: 1, .. }), "{error}");
    }
}
