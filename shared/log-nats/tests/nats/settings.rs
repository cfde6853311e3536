//! Access, and the reasons why it is denied.

use fanjet_config::Secret;
use fanjet_log::contract::{events, sized_event};
use fanjet_log::{AppendError, EventLog, LogError, MAX_BODY, RawConfig};
use fanjet_log_nats::{NatsConfig, NatsLog, ServerUrl};
use fanjet_testkit::NatsServer;

use crate::support::{self, within};

const USERS: &str = r#"authorization { users: [ { user: ingest, password: "hunter2" } ] }"#;

#[tokio::test]
async fn a_password_lets_in_and_a_wrong_one_does_not() {
    let server = NatsServer::start_with(USERS).await.unwrap();
    let right = NatsConfig {
        user: Some("ingest".to_owned()),
        password: Some(Secret::new("hunter2")),
        ..support::config(&server.url())
    };
    let log = NatsLog::connect(right.clone()).await.unwrap();
    assert!(log.bounds().await.unwrap().is_empty());
    assert!(log.is_connected());
    assert!(!format!("{log:?}").contains("hunter2"));

    let in_the_url = server.url().replace("://", "://ingest:hunter2@");
    let by_url = NatsConfig {
        url: vec![ServerUrl::new(in_the_url)],
        ..support::config(&server.url())
    };
    let wrong = NatsConfig {
        password: Some(Secret::new("hunter3")),
        ..right.clone()
    };
    let half = NatsConfig {
        password: None,
        ..right
    };
    for config in [wrong, half, by_url, support::config(&server.url())] {
        let error = NatsLog::connect(config).await.unwrap_err();
        assert!(matches!(error, LogError::Misconfigured(_)), "{error}");
        assert!(
            !format!("{error:?} {error}").contains("hunter"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn an_absent_server_is_unavailable_without_its_password() {
    let config = NatsConfig {
        url: vec![ServerUrl::new("nats://127.0.0.1:9")],
        user: Some("ingest".to_owned()),
        password: Some(Secret::new("hunter2")),
        ..support::config("")
    };
    let error = NatsLog::connect(config).await.unwrap_err();
    assert!(matches!(error, LogError::Unavailable(_)), "{error}");
    assert!(
        !format!("{error:?} {error}").contains("hunter"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_server_that_takes_no_large_events_is_waited_for_and_named() {
    let mut server = NatsServer::start_with("max_payload: 1MB").await.unwrap();
    let config = support::config(&server.url());
    let error = NatsLog::connect(config.clone()).await.unwrap_err();
    assert!(error.to_string().contains("max_payload"), "{error}");
    assert!(error.to_string().contains("max_payload: 4MB"), "{error}");
    assert!(error.is_retryable(), "{error}");
    let waiting = NatsLog::connect_patiently(config, || 0);
    let mending = async {
        server.reconfigure("").await.unwrap();
    };
    let (log, ()) = tokio::join!(waiting, mending);
    log.unwrap();

    // Lowered during use: small events are still accepted, large ones wait with the reason.
    let log = NatsLog::connect(support::config(&server.url()))
        .await
        .unwrap();
    server.reconfigure("max_payload: 1MB").await.unwrap();
    let (large, after) = (vec![sized_event(0, MAX_BODY)], events(1, 2));
    let mut appender = within("the connection is back", async {
        loop {
            let Ok(mut appender) = log.appender(0).await else {
                continue;
            };
            if appender.append(&after).await.is_ok() && appender.flush().await.is_ok() {
                return appender;
            }
        }
    })
    .await;
    let error = appender.append(&large).await.unwrap_err();
    assert!(matches!(error, AppendError::Unavailable(_)), "{error}");
    assert!(error.to_string().contains("max_payload"), "{error}");
}

#[tokio::test]
async fn a_bad_root_or_name_is_refused() {
    let server = NatsServer::shared().await.unwrap();
    for root in ["", "a.>", "a b", "*"] {
        let mut config = support::config(&server.url());
        config.stream.subject_root = root.to_owned();
        let error = NatsLog::connect(config).await.unwrap_err();
        assert!(error.to_string().contains("subject_root"), "{error}");
    }
    for name in ["", "a.b", "a b", "a*"] {
        let mut config = support::config(&server.url());
        config.stream.name = name.to_owned();
        let error = NatsLog::connect(config).await.unwrap_err();
        assert!(matches!(error, LogError::Misconfigured(_)), "{error}");
    }
}

/// The largest event fits, the largest frame does not.
#[tokio::test]
async fn a_server_whose_messages_are_too_small_for_frames_is_named_at_the_start() {
    let server = NatsServer::start_with("max_payload: 4MB").await.unwrap();
    let events = support::config(&server.url());
    NatsLog::connect(events.clone()).await.unwrap();
    let raw = events.of_frames(&RawConfig::default());
    let error = NatsLog::connect(raw.clone()).await.unwrap_err();
    assert!(error.is_retryable());
    assert!(error.to_string().contains("max_payload: 8MB"), "{error}");
    drop(server);

    // A stream that somebody made with the limit of the log of events.
    let server = NatsServer::start().await.unwrap();
    let jetstream = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let small = async_nats::jetstream::stream::Config {
        name: raw.stream.name.clone(),
        subjects: vec![format!("{}.>", raw.stream.subject_root)],
        max_message_size: 2 << 20,
        allow_direct: true,
        allow_batch_publish: true,
        ..Default::default()
    };
    jetstream.create_stream(small).await.unwrap();
    let raw = NatsConfig {
        url: vec![ServerUrl::new(server.url())],
        ..raw
    };
    let error = NatsLog::connect(raw.clone()).await.unwrap_err();
    assert!(error.to_string().contains("max_msg_size"), "{error}");
    assert!(!error.is_retryable());

    // More than the servers have: the setting that an operator has to lower is named.
    jetstream.delete_stream(&raw.stream.name).await.unwrap();
    let error = NatsLog::connect(raw).await.unwrap_err();
    assert!(
        error.to_string().contains("raw.max_bytes is 68719476736"),
        "{error}"
    );
    assert!(!error.is_retryable());
}
