//! The read-only user of `deploy/nats/accounts.conf` reads in every documented way.

use async_nats::Client;
use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use fanjet_log::EventLog;
use fanjet_log::contract::events;
use fanjet_log_nats::NatsLog;
use fanjet_testkit::NatsServer;
use futures::StreamExt;

use crate::harness::PATIENCE;
use crate::least_privilege::{config, password, run_prepare, server, violations};

pub(crate) const WRITTEN: u64 = 50;
/// The domain by which readers reach the log.
pub(crate) const DOMAIN: &str = "fanjet";

pub(crate) async fn connect(server: &NatsServer, user: &str) -> Client {
    let inbox = match user {
        "reader" | "operator" => "_INBOX".to_owned(),
        _ => format!("_INBOX_fanjet_{user}"),
    };
    async_nats::ConnectOptions::new()
        .user_and_password(user.to_owned(), password(user))
        .custom_inbox_prefix(inbox)
        .connect(server.url())
        .await
        .unwrap()
}

pub(crate) async fn append(server: &NatsServer, from: u64, to: u64) {
    let log = NatsLog::connect(config(server, "ingest")).await.unwrap();
    let end = log.bounds().await.unwrap().last;
    let mut appender = log.appender(end).await.unwrap();
    appender.append(&events(from, to)).await.unwrap();
    appender.flush().await.unwrap();
}

pub(crate) async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
}

async fn durable(reader: &Client, name: &str) -> PullConsumer {
    let config = pull::Config {
        durable_name: Some(name.to_owned()),
        ack_policy: AckPolicy::Explicit,
        ..pull::Config::default()
    };
    jetstream::with_domain(reader.clone(), DOMAIN)
        .create_consumer_on_stream(config, "ATP")
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_reads_live_from_the_past_and_by_seq() {
    let server = server().await;
    run_prepare(&server, &[]).await;
    let reader = connect(&server, "reader").await;
    let mut live = reader.subscribe("atp.>").await.unwrap();
    let jetstream = jetstream::with_domain(reader.clone(), DOMAIN);
    // A response on the same connection proves that the subscription exists.
    let info = jetstream.get_stream("ATP").await.unwrap();
    let first = info.cached_info().state.first_sequence;
    append(&server, 0, WRITTEN).await;

    let mut consumer = durable(&reader, "mine").await;
    let messages = consumer.fetch().max_messages(WRITTEN as usize).messages();
    let mut messages = messages.await.unwrap();
    for (seq, event) in (first..).zip(&events(0, WRITTEN)) {
        let plain = within("a live event", live.next()).await.unwrap();
        assert_eq!(plain.payload, event.body);
        let stored = within("a stored event", messages.next()).await.unwrap();
        let stored = stored.unwrap();
        assert_eq!(stored.payload, event.body);
        assert_eq!(stored.subject, plain.subject);
        assert_eq!(stored.headers, plain.headers);
        assert_eq!(stored.info().unwrap().stream_sequence, seq);
        stored.double_ack().await.unwrap();
    }
    let info = consumer.info().await.unwrap();
    assert_eq!((info.num_ack_pending, info.num_pending), (0, 0));
    let stream = jetstream.get_stream_no_info("ATP").await.unwrap();
    let last = stream.direct_get(first + WRITTEN - 1).await.unwrap();
    assert_eq!(last.payload, events(WRITTEN - 1, WRITTEN)[0].body);
    assert_eq!(violations(&server), Vec::<String>::new());
}
