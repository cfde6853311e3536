//! A log that moves from one server to a cluster of three the documented way: a backup, restored. Every event keeps its seq.

use std::time::Duration;

use async_nats::jetstream::{self, Context};
use async_nats::{Client, Message, RequestErrorKind, Subscriber};
use bytes::Bytes;
use fanjet_log::EventLog;
use fanjet_log::contract::events;
use fanjet_log_nats::{NatsLog, prepare};
use fanjet_testkit::NatsServer;
use futures::StreamExt;
use serde_json::{Value, json};

use crate::clusters;
use crate::support::{self, within};

const WRITTEN: u64 = 2_000;

/// What `nats stream backup` writes: what the stream is, and its contents in parts.
struct Backup {
    about: Value,
    parts: Vec<Bytes>,
}

async fn request(jetstream: &Context, subject: String, body: &Value) -> Value {
    let answer: Value = jetstream.request(subject, body).await.unwrap();
    assert!(answer["error"].is_null(), "{answer}");
    answer
}

async fn parts(client: &Client, mut sent: Subscriber) -> Vec<Bytes> {
    let mut parts = Vec::new();
    loop {
        let part = sent.next().await.unwrap();
        if part.payload.is_empty() {
            assert!(part.status.is_none_or(|it| it.as_u16() == 204), "{part:?}");
            return parts;
        }
        parts.push(part.payload);
        if let Some(reply) = part.reply {
            client.publish(reply, Bytes::new()).await.unwrap();
        }
    }
}

async fn back_up(server: &NatsServer, stream: &str) -> Backup {
    let client = async_nats::connect(server.url()).await.unwrap();
    let inbox = client.new_inbox();
    let sent = client.subscribe(inbox.clone()).await.unwrap();
    let wanted = json!({ "deliver_subject": inbox, "no_consumers": true });
    let subject = format!("STREAM.SNAPSHOT.{stream}");
    let jetstream = jetstream::new(client.clone());
    let about = request(&jetstream, subject, &wanted).await;
    let parts = within("a backup", parts(&client, sent)).await;
    Backup { about, parts }
}

/// Sends a part of a restore. At first the server of this connection may not know yet which server accepts it.
async fn send(client: &Client, to: &str, part: Bytes) -> Message {
    let sending = async {
        loop {
            match client.request(to.to_owned(), part.clone()).await {
                Err(error) if error.kind() == RequestErrorKind::NoResponders => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                response => return response.unwrap(),
            }
        }
    };
    within("the response to a part", sending).await
}

async fn restore(server: &NatsServer, stream: &str, backup: Backup) {
    let client = async_nats::connect(server.url()).await.unwrap();
    let jetstream = jetstream::new(client.clone());
    let about = json!({ "config": backup.about["config"], "state": backup.about["state"] });
    let subject = format!("STREAM.RESTORE.{stream}");
    let to = request(&jetstream, subject, &about).await;
    let to = to["deliver_subject"].as_str().unwrap().to_owned();
    for part in backup.parts {
        send(&client, &to, part).await;
    }
    let done = send(&client, &to, Bytes::new()).await;
    let done: Value = serde_json::from_slice(&done.payload).unwrap();
    assert!(done["error"].is_null(), "{done}");
}

/// Every event, with its seq.
async fn everything(log: &NatsLog) -> Vec<(u64, Bytes)> {
    let entries = support::all(log).await;
    entries.into_iter().map(|it| (it.seq, it.body)).collect()
}

async fn append(log: &NatsLog, from: u64, to: u64) {
    let end = log.bounds().await.unwrap().last;
    let mut appender = log.appender(end).await.unwrap();
    appender.append(&events(from, to)).await.unwrap();
    appender.flush().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_moves_from_one_server_to_three() {
    let one = NatsServer::start().await.unwrap();
    let mut config = support::config(&one.url());
    let log = NatsLog::connect(config.clone()).await.unwrap();
    append(&log, 0, WRITTEN).await;
    let before = everything(&log).await;
    assert_eq!(before.len() as u64, WRITTEN);
    let identity = log.identity().await.unwrap();
    let stream = config.stream.name.clone();
    let backup = back_up(&one, &stream).await;
    drop(log);

    let mut three = NatsServer::start_cluster(3).await.unwrap();
    // As soon as it can make a stream it can restore one.
    let other = clusters::config(&three);
    drop(clusters::connect(&other).await);
    restore(&three[0], &stream, backup).await;
    config.url = other.url;
    config.stream.replicas = 3;
    let prepared = within("replicas", async {
        loop {
            match prepare(&config, 0).await {
                Ok(prepared) => return prepared,
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
        }
    });
    assert_eq!(prepared.await.changed, std::slice::from_ref(&stream));

    let log = clusters::connect(&config).await;
    // A cluster stamps a restored stream with the time of the restore. The page that describes the way says what that means.
    assert_ne!(log.identity().await.unwrap(), identity);
    assert!(everything(&log).await == before);
    // Its copies are real: it outlives the server on which it was restored.
    let client = async_nats::connect(three[0].url()).await.unwrap();
    let admin = jetstream::new(client);
    within("copies", async {
        loop {
            let found = admin.get_stream(&stream).await.unwrap();
            let copies = found.cached_info().cluster.as_ref().unwrap();
            if copies.replicas.len() == 2 && copies.replicas.iter().all(|it| it.current) {
                return;
            }
        }
    })
    .await;
    let leader = clusters::leader(&three, &config).await;
    three[leader].kill().await.unwrap();
    within("another leader", async {
        while log.bounds().await.is_err() {}
    })
    .await;
    assert!(everything(&log).await == before);
    append(&log, WRITTEN, WRITTEN + 10).await;
    let last = log.bounds().await.unwrap().last;
    assert_eq!(last, before[0].0 + WRITTEN + 9);
}
