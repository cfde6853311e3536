//! The rehearsal of docs/operate/restore.md with real processes and the shipped accounts: a server loses its store under load, an operator
//! restores a backup, and ingest and edge, which kept running, continue.

use std::collections::HashSet;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::{self, Context};
use fanjet_log::contract::whole;
use fanjet_log::{Entry, EventLog};
use fanjet_log_nats::NatsLog;
use fanjet_simulator::{Rate, SimulatorHandle};
use fanjet_testkit::{JetstreamClient, NatsServer, Process};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::harness::{
    PATIENCE, assert_same_events, expected_json, fanjet, get, said, simulator, time_us,
};
use crate::least_privilege::{config, password, run_prepare, server};

const SEED: u64 = 4_100;
const FRAMES: u64 = 3_000;
const POLL: Duration = Duration::from_millis(20);

async fn within<T>(what: &str, fact: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, fact).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: not after {PATIENCE:?}"),
    }
}

fn start(role: &str, server: &NatsServer, settings: &[String]) -> Process {
    let mut all = vec![
        format!("nats.url={}", server.url()),
        format!("nats.user={role}"),
        format!("nats.inbox_prefix=_INBOX_fanjet_{role}"),
        "nats.stream.create=false".to_owned(),
        "ops.listen=127.0.0.1:0".to_owned(),
    ];
    all.extend(settings.iter().cloned());
    let all = all.into_iter().flat_map(|it| ["--set".to_owned(), it]);
    fanjet(&[role])
        .args(all)
        .env("FANJET_NATS__PASSWORD", password(role))
        .start()
        .unwrap()
}

fn start_ingest(server: &NatsServer, upstream: &SimulatorHandle) -> Process {
    let settings = [
        format!("ingest.upstream.url={}", upstream.url()),
        "ingest.upstream.name=simulator".to_owned(),
        "ingest.upstream.reconnect_min=20ms".to_owned(),
    ];
    start("ingest", server, &settings)
}

async fn is_ready(ops: &str) {
    within("readiness", async {
        loop {
            match get(ops, "/readyz").await {
                Ok(answer) if answer.starts_with("HTTP/1.1 200") => return,
                _ => tokio::time::sleep(POLL).await,
            }
        }
    })
    .await;
}

/// The operator, as the nats CLI connects.
async fn operator(server: &NatsServer) -> (Client, Context) {
    let options = async_nats::ConnectOptions::new()
        .user_and_password("operator".to_owned(), password("operator"));
    let client = options.connect(server.url()).await.unwrap();
    (client.clone(), jetstream::new(client))
}

async fn request(jetstream: &Context, subject: &str, body: &Value) -> Value {
    let answer: Value = jetstream.request(subject.to_owned(), body).await.unwrap();
    assert!(answer["error"].is_null(), "{subject}: {answer}");
    answer
}

/// What `nats stream backup` writes.
async fn back_up(server: &NatsServer) -> (Value, Vec<Vec<u8>>) {
    let (client, jetstream) = operator(server).await;
    let inbox = client.new_inbox();
    let mut sent = client.subscribe(inbox.clone()).await.unwrap();
    let wanted = json!({ "deliver_subject": inbox, "no_consumers": true });
    let about = request(&jetstream, "STREAM.SNAPSHOT.ATP", &wanted).await;
    let mut parts = Vec::new();
    loop {
        let part = within("a part", sent.next()).await.unwrap();
        if part.payload.is_empty() {
            return (about, parts);
        }
        parts.push(part.payload.to_vec());
        if let Some(reply) = part.reply {
            client.publish(reply, "".into()).await.unwrap();
        }
    }
}

/// What `nats stream restore` does.
async fn restore(server: &NatsServer, (about, parts): (Value, Vec<Vec<u8>>)) {
    let (client, jetstream) = operator(server).await;
    let wanted = json!({ "config": about["config"], "state": about["state"] });
    let to = request(&jetstream, "STREAM.RESTORE.ATP", &wanted).await;
    let to = to["deliver_subject"].as_str().unwrap().to_owned();
    for part in parts {
        client.request(to.clone(), part.into()).await.unwrap();
    }
    let done = client.request(to, "".into()).await.unwrap();
    let done: Value = serde_json::from_slice(&done.payload).unwrap();
    assert!(done["error"].is_null(), "{done}");
}

async fn log_of(server: &NatsServer) -> NatsLog {
    within("the log", async {
        loop {
            if let Ok(log) = NatsLog::connect(config(server, "ingest")).await {
                return log;
            }
            tokio::time::sleep(POLL).await;
        }
    })
    .await
}

async fn length(log: &NatsLog) -> u64 {
    match log.bounds().await {
        Ok(bounds) => (bounds.last + 1).saturating_sub(bounds.first),
        Err(_) => 0,
    }
}

async fn grows_to(server: &NatsServer, events: u64) {
    let log = log_of(server).await;
    within("growth", async {
        while length(&log).await < events {
            tokio::time::sleep(POLL).await;
        }
    })
    .await;
}

/// An event without its log time, which a restore may change.
fn timeless(event: &str) -> String {
    let time = format!("\"time_us\":{}", time_us(event));
    event.replacen(&time, "", 1)
}

fn places(entries: &[Entry]) -> Vec<(u64, Vec<u8>)> {
    entries
        .iter()
        .map(|it| (it.seq, it.body.to_vec()))
        .collect()
}

/// Everything from a cursor on, until the last event of the world.
async fn read_from(url: &str, cursor: u64, last: &str) -> Vec<String> {
    let cursor = cursor.to_string();
    let mut client = JetstreamClient::connect(url, &[("cursor", cursor.as_str())])
        .await
        .unwrap()
        .with_deadline(PATIENCE);
    let mut events = Vec::new();
    loop {
        events.push(client.next_event().await.unwrap());
        let is_last = fanjet_testkit::corpus::compare(last, &events[events.len() - 1]).is_ok();
        if is_last {
            return events;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_log_is_continued_by_the_processes_that_ran_meanwhile() {
    let mut server = server().await;
    let upstream = simulator(SEED, FRAMES, Rate::PerSecond(300.0)).await;
    run_prepare(&server, &[]).await;
    let edge = start(
        "edge",
        &server,
        &[
            "nats.domain=fanjet".to_owned(),
            "edge.http.listen=127.0.0.1:0".to_owned(),
        ],
    );
    let url = said(&edge, "listening ").await;
    let edge_ops = said(&edge, "ops http://").await;
    is_ready(&edge_ops).await;
    let ingest = start_ingest(&server, &upstream);

    // A client that is connected throughout, and a backup under load.
    let mut client = JetstreamClient::connect(&url, &[("cursor", "1")])
        .await
        .unwrap()
        .with_deadline(PATIENCE);
    grows_to(&server, 400).await;
    let backup = back_up(&server).await;
    let kept = backup.0["state"]["messages"].as_u64().unwrap();
    grows_to(&server, kept + 400).await;
    let mut received = client
        .next_events(usize::try_from(kept).unwrap() + 200)
        .await
        .unwrap();
    let before = whole(&log_of(&server).await).await;

    // The volume is lost.
    server.kill().await.unwrap();
    std::fs::remove_dir_all(server.folder().join("store")).unwrap();
    server.restart().await.unwrap();
    restore(&server, backup).await;
    run_prepare(&server, &[]).await;

    // Ingest continues after the last event of the backup, until the world is complete.
    within("the world", upstream.wait_until_produced(FRAMES)).await;
    let expected = upstream.expected();
    grows_to(&server, expected.len() as u64).await;
    let after = whole(&log_of(&server).await).await;
    let kept = usize::try_from(kept).unwrap();
    assert!(kept < before.len(), "nothing was lost with the volume");
    assert!(
        places(&after[..kept]) == places(&before[..kept]),
        "an event of the backup has another seq or another text"
    );
    assert_eq!(after.len(), expected.len());
    for (entry, expected) in after.iter().zip(&expected) {
        assert_eq!(entry.origin.relay_seq, expected.relay_seq);
        assert_eq!(entry.origin.op_index, expected.op_index);
    }

    // The edge that ran meanwhile serves all of it.
    is_ready(&edge_ops).await;
    let world = expected_json(&upstream, |_| true);
    let last = world.last().unwrap();
    let served = read_from(&url, 1, last).await;
    assert_same_events(&served, &world, SEED);

    // The client that was connected: until its end nothing is missing. Then it resumes, and gets everything that it did not have.
    while let Ok(event) = client.next_event().await {
        received.push(event);
    }
    let cursor = time_us(received.last().unwrap());
    let rest = read_from(&url, cursor, last).await;
    println!(
        "{} events in the backup of {} in the log; a connected client had received {} when it was closed: {:?}; then {} more",
        kept,
        before.len(),
        received.len(),
        client.closed(),
        rest.len()
    );
    let has: HashSet<_> = received
        .iter()
        .chain(&rest)
        .map(|it| timeless(it))
        .collect();
    for event in &world {
        assert!(has.contains(&timeless(event)), "missing: {event}");
    }
    drop((ingest, edge));
}
