//! A stream that rejects further messages because of an operator: the reason is reported, and nothing is lost when it
//! ends.

use std::time::Duration;

use async_nats::jetstream::{self, stream};
use fanjet_config::Secret;
use fanjet_log::contract::{events, sized_event};
use fanjet_log::{AppendError, EventLog, NewEvent};
use fanjet_log_nats::{NatsConfig, NatsLog};
use fanjet_testkit::NatsServer;

use crate::support::{self, within};

fn impatient(server: &NatsServer) -> NatsConfig {
    NatsConfig {
        ack_timeout: Duration::from_secs(1),
        request_timeout: Duration::from_secs(1),
        ..support::config(&server.url())
    }
}

/// Appends behind the end, once.
async fn append(log: &NatsLog, events: &[NewEvent]) -> Result<u64, AppendError> {
    let end = log.bounds().await.map_err(AppendError::unavailable)?.last;
    let mut appender = log.appender(end).await?;
    appender.append(events).await?;
    appender.flush().await
}

/// Retries until it is rejected for a reason that contains these words.
async fn is_refused(log: &NatsLog, words: &str) {
    within(words, async {
        loop {
            let Err(error) = append(log, &events(500, 501)).await else {
                continue;
            };
            assert!(error.is_retryable(), "{error}");
            if error.to_string().contains(words) {
                return;
            }
        }
    })
    .await;
}

async fn is_taken(log: &NatsLog) {
    within("it takes events again", async {
        while append(log, &events(600, 601)).await.is_err() {}
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operator_changed_about_the_stream_is_named() {
    let server = NatsServer::start().await.unwrap();
    let config = impatient(&server);
    let log = NatsLog::connect(config.clone()).await.unwrap();
    append(&log, &events(0, 10)).await.unwrap();
    let admin = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let stream = admin.get_stream(&config.stream.name).await.unwrap();
    let before = stream.cached_info().config.clone();
    type Change = fn(&mut stream::Config);
    let changes: [(&str, Change); 3] = [
        ("discard must be old", |stream| {
            stream.discard = stream::DiscardPolicy::New;
            stream.max_messages = 1;
        }),
        ("subjects must be", |stream| {
            stream.subjects = vec!["elsewhere.>".to_owned()];
        }),
        ("max_msg_size must be", |stream| {
            stream.max_message_size = 10
        }),
    ];
    for (words, change) in changes {
        let mut changed = before.clone();
        change(&mut changed);
        admin.update_stream(&changed).await.unwrap();
        is_refused(&log, words).await;
        admin.update_stream(&before).await.unwrap();
        is_taken(&log).await;
    }
    // Permanently.
    let mut sealed = before.clone();
    sealed.sealed = true;
    admin.update_stream(&sealed).await.unwrap();
    is_refused(&log, "it is sealed").await;
}

fn users(may_publish: &str) -> String {
    format!(
        "authorization {{ users: [ {{ user: ingest, password: i, permissions {{ \
         publish {{ allow: [\"$JS.>\", \"_INBOX.>\", {may_publish:?}] }}, subscribe: \">\" }} }} ] }}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_was_taken_away_is_named() {
    let mut server = NatsServer::start_with(&users(">")).await.unwrap();
    let config = NatsConfig {
        user: Some("ingest".to_owned()),
        password: Some(Secret::new("i")),
        ..impatient(&server)
    };
    let log = NatsLog::connect(config).await.unwrap();
    append(&log, &events(0, 10)).await.unwrap();
    server.reload(&users("nothing")).await.unwrap();
    let refused = tokio::time::timeout(Duration::from_secs(30), async {
        is_refused(&log, "ermissions").await;
    });
    refused.await.unwrap();
    server.reload(&users(">")).await.unwrap();
    is_taken(&log).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_account_is_named() {
    let accounts = |bytes: &str| {
        format!(
            "accounts {{ A {{ jetstream {{ max_store: {bytes}, max_mem: 1MB }}, users: [ {{ user: ingest, password: i }} ] }} }}"
        )
    };
    let mut server = NatsServer::start_with(&accounts("4MB")).await.unwrap();
    let mut config = impatient(&server);
    config.user = Some("ingest".to_owned());
    config.password = Some(Secret::new("i"));
    config.stream.compression = fanjet_log_nats::Compression::None;
    let log = NatsLog::connect(config).await.unwrap();
    let full = within("it is full", async {
        loop {
            if let Err(error) = append(&log, &[sized_event(0, 1 << 20)]).await {
                return error;
            }
        }
    })
    .await;
    assert!(full.is_retryable(), "{full}");
    let words = full.to_string();
    assert!(
        words.contains("exceeded") || words.contains("insufficient"),
        "{words}"
    );
    server.reload(&accounts("1GB")).await.unwrap();
    is_taken(&log).await;
}
