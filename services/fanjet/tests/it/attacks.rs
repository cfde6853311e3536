//! What the users of `deploy/nats/accounts.conf` that only read can do to the log: nothing, whatever they send.
//!
//! NATS does not check the reply subject of a request, and the server answers without permissions. So each request that a user may
//! send is sent with the reply subjects on which an answer would do harm.

use std::collections::BTreeSet;
use std::time::Duration;

use async_nats::jetstream::consumer::push;
use async_nats::{Client, HeaderMap, jetstream};
use fanjet_log::contract::{labels_frame, sized_frame};
use fanjet_log::{EventLog, LabelsConfig, RawConfig};
use fanjet_log_nats::NatsLog;
use fanjet_testkit::NatsServer;
use futures::{StreamExt, TryStreamExt};

use crate::least_privilege::{config, run_prepare, server, violations};
use crate::read_only::{DOMAIN, WRITTEN, append, connect, within};

/// Subjects on which a message would change something.
const HARMFUL: [&str; 19] = [
    "atp.commit.app.bsky.feed.post",
    "atp_raw.frame",
    "$KV.fanjet.bookmark.ATP_RAW.ingest",
    "$JS.API.STREAM.PURGE.ATP_RAW",
    "$JS.API.STREAM.DELETE.ATP_RAW",
    "atp_labels.did:plc:x",
    "$KV.fanjet.ingest.ATP_LABELS",
    "$JS.API.STREAM.PURGE.ATP_LABELS",
    "$JS.API.STREAM.DELETE.ATP_LABELS",
    "$KV.fanjet.ingest.ATP",
    "$KV.fanjet.notice.ATP.freshness",
    "$JS.API.STREAM.PURGE.ATP",
    "$JS.API.STREAM.DELETE.ATP",
    "$JS.API.STREAM.DELETE.KV_fanjet",
    "$JS.API.STREAM.CREATE.MINE",
    "$JS.API.STREAM.UPDATE.ATP",
    "$JS.API.STREAM.MSG.DELETE.ATP",
    "$JS.API.CONSUMER.DELETE.ATP.others",
    "$JS.API.STREAM.SNAPSHOT.ATP",
];
/// The shortest that the server allows.
const HEARTBEAT: Duration = Duration::from_millis(100);

/// What a user may write beside the log.
fn own_key(user: &str) -> Option<&'static str> {
    match user {
        "edge" => Some("$KV.fanjet.notice.ATP.edge.mine"),
        "kafka" => Some("$KV.fanjet.bookmark.ATP.mine"),
        _ => None,
    }
}

/// Requests that one of the users may send, in the log's account and through the domain.
fn requests(user: &str) -> Vec<(String, String)> {
    let mut requests = requests_of("ATP", "atp.>");
    // Of the users here only an edge reads them.
    requests.extend(requests_of("ATP_RAW", "atp_raw.>"));
    requests.extend(requests_of("ATP_LABELS", "atp_labels.>"));
    let own = own_key(user).map(|key| (key.to_owned(), "{}".to_owned()));
    requests.extend(own);
    requests
}

fn requests_of(stream: &str, subjects: &str) -> Vec<(String, String)> {
    let create = |name: &str, more: &str| {
        format!(
            r#"{{"stream_name":"{stream}","config":{{"name":"{name}","durable_name":"{name}","ack_policy":"none","deliver_policy":"all"{more}}}}}"#
        )
    };
    let next = r#"{"batch":5,"no_wait":true}"#;
    let mut requests = Vec::new();
    for api in ["$JS.API".to_owned(), format!("$JS.{DOMAIN}.API")] {
        let mut request = |subject: &str, body: &str| {
            requests.push((format!("{api}.{subject}"), body.to_owned()));
        };
        request(
            &format!("CONSUMER.CREATE.{stream}.mine"),
            &create("mine", ""),
        );
        let is_bare = r#","headers_only":true"#;
        request(
            &format!("CONSUMER.CREATE.{stream}.empty"),
            &create("empty", is_bare),
        );
        for (number, subject) in HARMFUL.iter().enumerate() {
            let name = format!("push{number}");
            let pushes = format!(
                r#","headers_only":true,"idle_heartbeat":{},"deliver_subject":"{subject}""#,
                HEARTBEAT.as_nanos()
            );
            request(
                &format!("CONSUMER.CREATE.{stream}.{name}"),
                &create(&name, &pushes),
            );
        }
        request(&format!("STREAM.INFO.{stream}"), "");
        request(
            &format!("STREAM.MSG.GET.{stream}"),
            r#"{"next_by_subj":">","seq":1}"#,
        );
        request("STREAM.MSG.GET.KV_fanjet", r#"{"seq":1}"#);
        let direct = format!("DIRECT.GET.{stream}");
        let one = format!(r#"{{"next_by_subj":"{subjects}","seq":1}}"#);
        request(&direct, &one);
        // Ends with an empty message, and an empty message is a valid request to purge or delete.
        let batch = format!(r#"{{"next_by_subj":"{subjects}","seq":1,"batch":1}}"#);
        request(&direct, &batch);
        request("DIRECT.GET.KV_fanjet", r#"{"multi_last":[">"]}"#);
        request(&format!("CONSUMER.INFO.{stream}.mine"), "");
        request(&format!("CONSUMER.MSG.NEXT.{stream}.mine"), next);
        request(&format!("CONSUMER.MSG.NEXT.{stream}.empty"), next);
        // Deletes a consumer of the user's own, and answers.
        request(&format!("CONSUMER.DELETE.{stream}.gone"), "");
    }
    let ack = format!("$JS.ACK.{stream}.empty.1.1.1.1.1");
    requests.push((ack, "+NXT".to_owned()));
    requests.push((format!("$JS.FC.{stream}.mine.abcdef"), String::new()));
    requests
}

/// What is in the account: the ends and counts of all logs, the keys in the bucket but the user's own.
async fn contents(admin: &jetstream::Context, user: &str) -> Contents {
    let bucket = admin.get_stream("KV_fanjet").await.unwrap();
    let keys = bucket.info_with_subjects(">").await.unwrap();
    let keys: Vec<_> = keys.try_collect().await.unwrap();
    let keys = keys.into_iter().map(|(key, _)| key);
    let keys = keys.filter(|key| Some(key.as_str()) != own_key(user));
    Contents {
        log: extent(admin, "ATP").await,
        raw: extent(admin, "ATP_RAW").await,
        labels: extent(admin, "ATP_LABELS").await,
        keys: keys.collect(),
    }
}

async fn extent(admin: &jetstream::Context, stream: &str) -> Extent {
    let stream = admin.get_stream(stream).await.unwrap();
    let state = &stream.cached_info().state;
    Extent {
        first: state.first_sequence,
        last: state.last_sequence,
        messages: state.messages,
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Contents {
    log: Extent,
    raw: Extent,
    labels: Extent,
    keys: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    first: u64,
    last: u64,
    messages: u64,
}

/// Appends frames as the user that may.
async fn append_frames(server: &NatsServer) {
    let config = config(server, "ingest").of_frames(&RawConfig::default());
    let log = NatsLog::connect(config).await.unwrap();
    let end = log.bounds().await.unwrap().last;
    let mut appender = log.appender(end).await.unwrap();
    let frames: Vec<_> = (0..WRITTEN).map(|n| sized_frame(n, 1_000)).collect();
    appender.append(&frames).await.unwrap();
    appender.flush().await.unwrap();
}

/// Likewise frames of a labeler.
async fn append_labels(server: &NatsServer) {
    let config = config(server, "labels").of_labels(&LabelsConfig::default());
    let log = NatsLog::connect(config).await.unwrap();
    let end = log.bounds().await.unwrap().last;
    let mut appender = log.appender(end).await.unwrap();
    let frames: Vec<_> = (0..WRITTEN).map(labels_frame).collect();
    appender.append(&frames).await.unwrap();
    appender.flush().await.unwrap();
}

/// Waits until consumers that were created before have sent heartbeats.
async fn heartbeats(server: &NatsServer) {
    let ingest = connect(server, "ingest").await;
    let inbox = ingest.new_inbox();
    let mut pushed = ingest.subscribe(inbox.clone()).await.unwrap();
    let config = push::Config {
        // With a name: the user may create no other.
        name: Some("heartbeats".to_owned()),
        deliver_subject: inbox,
        deliver_policy: jetstream::consumer::DeliverPolicy::New,
        ack_policy: jetstream::consumer::AckPolicy::None,
        idle_heartbeat: HEARTBEAT,
        ..push::Config::default()
    };
    let stream = jetstream::new(ingest);
    let created = stream.create_consumer_on_stream(config, "ATP").await;
    created.unwrap();
    for _ in 0..2 {
        within("a heartbeat", pushed.next()).await.unwrap();
    }
}

async fn attack(server: &NatsServer, client: &Client, user: &str) {
    // Published directly: each is refused.
    let refused = violations(server).len();
    for subject in HARMFUL {
        client.publish(subject, "".into()).await.unwrap();
    }
    client.flush().await.unwrap();
    within("refusals", async {
        while violations(server).len() < refused + HARMFUL.len() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    // Through the domain: no import has these.
    for subject in HARMFUL.iter().filter_map(|it| it.strip_prefix("$JS.API.")) {
        if subject.starts_with("CONSUMER.DELETE.") && own_key(user).is_some() {
            continue;
        }
        let subject = format!("$JS.{DOMAIN}.API.{subject}");
        let answer = client.request(subject.clone(), "".into()).await;
        assert!(answer.is_err(), "{user}: {subject} is answered: {answer:?}");
    }
    // Published by the server: as the answer to a request that the user may send, by a consumer, or as a trace.
    for (request, body) in requests(user) {
        for reply in HARMFUL {
            let (request, body) = (request.clone(), body.clone());
            let sent = client.publish_with_reply(request, reply, body.into());
            sent.await.unwrap();
        }
    }
    for dest in HARMFUL {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Trace-Dest", dest);
        let subject = format!("$JS.{DOMAIN}.API.STREAM.INFO.ATP");
        let sent = client.publish_with_headers(subject, headers, "".into());
        sent.await.unwrap();
    }
    client.flush().await.unwrap();
}

async fn changes_nothing(user: &str) {
    let server = server().await;
    let settings = [
        "raw.enabled=true",
        "raw.max_bytes=1000000000",
        "labels.labelers=did:plc:x",
        "labels.max_bytes=1000000000",
    ];
    run_prepare(&server, &settings).await;
    append(&server, 0, WRITTEN).await;
    append_frames(&server).await;
    append_labels(&server).await;
    let admin = jetstream::new(connect(&server, "admin").await);
    let before = contents(&admin, user).await;
    let client = connect(&server, user).await;
    attack(&server, &client, user).await;
    heartbeats(&server).await;

    // The requests were served, not refused. This one is behind them on the same connection.
    let stream = jetstream::with_domain(client.clone(), DOMAIN);
    let stream = stream.get_stream("ATP").await.unwrap();
    let served = stream.cached_info().state.consumer_count;
    assert_eq!(contents(&admin, user).await, before, "{user}");
    assert!(served > 2, "{user}: only {served} consumers were created");
    for beside in ["ATP_RAW", "ATP_LABELS"] {
        let stream = jetstream::with_domain(client.clone(), DOMAIN);
        let stream = stream.get_stream(beside).await;
        let served = stream.map(|stream| stream.cached_info().state.consumer_count);
        match user {
            "edge" => assert!(served.unwrap() > 2),
            _ => assert!(served.is_err(), "{user} reads {beside}"),
        }
    }
    append(&server, WRITTEN, WRITTEN + 1).await;
    let mut after = before;
    after.log.last += 1;
    after.log.messages += 1;
    assert_eq!(contents(&admin, user).await, after, "{user}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_changes_nothing_whatever_it_sends() {
    changes_nothing("reader").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_changes_nothing_whatever_it_sends() {
    changes_nothing("edge").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kafka_producer_changes_nothing_whatever_it_sends() {
    changes_nothing("kafka").await;
}
