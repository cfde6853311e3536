//! The read-only user of `deploy/nats/accounts.conf` reads in every documented way, and cannot change the log or anything else in
//! the cluster's account.

use std::time::Duration;

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

const WRITTEN: u64 = 50;
/// The domain by which readers reach the log.
const DOMAIN: &str = "fanjet";

async fn connect(server: &NatsServer, user: &str) -> Client {
    let inbox = match user {
        "reader" => "_INBOX".to_owned(),
        _ => format!("_INBOX_fanjet_{user}"),
    };
    async_nats::ConnectOptions::new()
        .user_and_password(user.to_owned(), password(user))
        .custom_inbox_prefix(inbox)
        .connect(server.url())
        .await
        .unwrap()
}

async fn append(server: &NatsServer, from: u64, to: u64) {
    let log = NatsLog::connect(config(server, "ingest")).await.unwrap();
    let end = log.bounds().await.unwrap().last;
    let mut appender = log.appender(end).await.unwrap();
    appender.append(&events(from, to)).await.unwrap();
    appender.flush().await.unwrap();
}

async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
}

async fn durable(reader: &Client, name: &str, is_headers_only: bool) -> PullConsumer {
    let config = pull::Config {
        durable_name: Some(name.to_owned()),
        ack_policy: AckPolicy::Explicit,
        headers_only: is_headers_only,
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

    let mut consumer = durable(&reader, "mine", false).await;
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

/// Requests that a reader may send.
fn readable() -> Vec<(String, String)> {
    let api = format!("$JS.{DOMAIN}.API");
    let request = |subject: &str, body: &str| (subject.to_owned(), body.to_owned());
    let seq = r#"{"next_by_subj":"atp.>","seq":1}"#;
    let batch = r#"{"next_by_subj":"atp.>","seq":1,"batch":1}"#;
    vec![
        request(&format!("{api}.STREAM.INFO.ATP"), ""),
        request(&format!("{api}.DIRECT.GET.ATP"), seq),
        // Ends with an empty message, and an empty message is a valid request to purge or delete.
        request(&format!("{api}.DIRECT.GET.ATP"), batch),
        request(&format!("{api}.CONSUMER.INFO.ATP.mine"), ""),
        request(
            &format!("{api}.CONSUMER.MSG.NEXT.ATP.mine"),
            r#"{"batch":5}"#,
        ),
        request(
            &format!("{api}.CONSUMER.MSG.NEXT.ATP.empty"),
            r#"{"batch":5}"#,
        ),
        request("$JS.ACK.ATP.empty.1.1.1.1.1", "+NXT"),
    ]
}

/// Subjects on which a message would change something.
const HARMFUL: [&str; 9] = [
    "atp.commit.app.bsky.feed.post",
    "$KV.fanjet.ingest.ATP",
    "$KV.fanjet.notice.ATP.freshness",
    "$JS.API.STREAM.PURGE.ATP",
    "$JS.API.STREAM.DELETE.ATP",
    "$JS.API.STREAM.CREATE.MINE",
    "$JS.API.STREAM.UPDATE.ATP",
    "$JS.API.STREAM.MSG.DELETE.ATP",
    "$JS.API.CONSUMER.DELETE.ATP.mine",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_cannot_change_anything() {
    let server = server().await;
    run_prepare(&server, &[]).await;
    append(&server, 0, WRITTEN).await;
    let admin = jetstream::new(connect(&server, "admin").await);
    let state = async || {
        let mut counts = Vec::new();
        for name in ["ATP", "KV_fanjet"] {
            let stream = admin.get_stream(name).await.unwrap();
            let state = &stream.cached_info().state;
            counts.push((state.first_sequence, state.last_sequence, state.messages));
        }
        counts
    };
    let before = state().await;
    let reader = connect(&server, "reader").await;
    durable(&reader, "mine", false).await;
    durable(&reader, "empty", true).await;

    // Published directly: each is refused.
    let refused = violations(&server).len();
    for subject in HARMFUL {
        reader.publish(subject, "".into()).await.unwrap();
    }
    reader.flush().await.unwrap();
    within("refusals", async {
        while violations(&server).len() < refused + HARMFUL.len() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    // Through the domain: these are not imported.
    for subject in HARMFUL.iter().filter_map(|it| it.strip_prefix("$JS.API.")) {
        let subject = format!("$JS.{DOMAIN}.API.{subject}");
        let answer = reader.request(subject.clone(), "".into()).await;
        assert!(answer.is_err(), "{subject} is answered: {answer:?}");
    }
    // Published by the server, as the answer to a request that the reader may send.
    for (request, body) in readable() {
        for reply in HARMFUL {
            let (request, body) = (request.clone(), body.clone());
            let sent = reader.publish_with_reply(request, reply, body.into());
            sent.await.unwrap();
        }
    }
    // The server handles these after all of the above, which are on the same connection.
    let jetstream = jetstream::with_domain(reader.clone(), DOMAIN);
    let consumer: PullConsumer = jetstream
        .get_consumer_from_stream("mine", "ATP")
        .await
        .unwrap();
    assert!(consumer.cached_info().delivered.consumer_sequence > 0);
    assert_eq!(state().await, before);
    append(&server, WRITTEN, WRITTEN + 1).await;
    let (first, last, count) = before[0];
    let after = [(first, last + 1, count + 1), before[1]];
    assert_eq!(state().await, after);
}
