//! The view of NATS clients that do not use this crate.

use async_nats::jetstream;
use fanjet_event::Topic;
use fanjet_log::contract::events;
use fanjet_log::{EventLog, NewEvent};
use fanjet_log_nats::NatsLog;
use fanjet_testkit::NatsServer;
use futures::StreamExt;

use crate::support::{self, within};

fn is_feed(event: &&NewEvent) -> bool {
    matches!(&event.topic, Topic::Commit(collection) if collection.as_str().starts_with("app.bsky.feed."))
}

#[tokio::test]
async fn a_plain_subscription_to_a_prefix_reads_the_bodies() {
    let server = NatsServer::shared().await.unwrap();
    let config = support::config(&server.url());
    let log = NatsLog::connect(config.clone()).await.unwrap();
    let root = &config.stream.subject_root;
    let plain = async_nats::connect(server.url()).await.unwrap();
    let mut feed = plain
        .subscribe(format!("{root}.commit.app.bsky.feed.>"))
        .await
        .unwrap();
    // A response on the same connection proves that the subscription is active.
    plain.request("$JS.API.INFO", "".into()).await.unwrap();

    let written = events(0, 40);
    let mut appender = log.appender(0).await.unwrap();
    appender.append(&written).await.unwrap();
    appender.flush().await.unwrap();

    for event in written.iter().filter(is_feed) {
        let message = within("a message", feed.next()).await.unwrap();
        assert_eq!(message.payload, event.body);
        let Topic::Commit(collection) = &event.topic else {
            panic!("only commits are on the feed's subjects");
        };
        assert_eq!(
            message.subject.as_str(),
            format!("{root}.commit.{collection}")
        );
        let headers = message.headers.unwrap();
        let origin = headers.get("Fanjet-Origin").unwrap().as_str();
        assert!(
            origin.starts_with("relay1.us-east.bsky.network;30000000"),
            "{origin}"
        );
    }
}

#[tokio::test]
async fn the_stream_holds_nothing_but_what_was_appended() {
    let server = NatsServer::shared().await.unwrap();
    let config = support::config(&server.url());
    let log = NatsLog::connect(config.clone()).await.unwrap();
    for n in 0..5 {
        let mut appender = log.appender(n).await.unwrap();
        appender.append(&events(n, n + 1)).await.unwrap();
        appender.flush().await.unwrap();
        // Dropping ends the batch with a message that must not be stored.
        drop(appender);
    }
    log.appender(5).await.unwrap();
    let admin = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let stream = admin.get_stream(&config.stream.name).await.unwrap();
    assert_eq!(stream.cached_info().state.messages, 5);
    support::assert_entries(&support::all(&log).await, &events(0, 5));
}
