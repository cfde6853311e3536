//! Streams created by other programs.

use async_nats::jetstream::{self, stream};
use fanjet_log::contract::events;
use fanjet_log::{EventLog, LogError};
use fanjet_log_nats::{NatsConfig, NatsLog};
use fanjet_testkit::NatsServer;

use crate::support;

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
