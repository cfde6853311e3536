//! The leader's snapshot and the heartbeats, as the status shows them.

use std::time::Duration;

use bytes::Bytes;
use fanjet_cluster::freshness::Table;
use fanjet_cluster::{Member, Part};
use fanjet_event::{Nsid, Topic};
use fanjet_log::ClusterState;
use serde_json::Value;

use crate::support::{FaultyLog, Node, body, commit, request};

const SECOND: u64 = 1_000_000;
const BEGIN: u64 = 1_700_000_000 * SECOND;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Two collections with an event every five seconds for two hours; one of them then paused for an hour.
fn snapshot() -> (Bytes, u64) {
    let topic = |name: &str| Topic::Commit(Nsid::parse(name.into()).unwrap());
    let (steady, lost) = (topic("com.example.steady"), topic("com.example.lost"));
    let mut table = Table::default();
    let mut now_us = BEGIN;
    for roll in 0..3 * 720 {
        now_us += 5 * SECOND;
        table.flowed("relay.example", 2, now_us);
        let topics = [&steady, &lost];
        let come = if roll < 2 * 720 { 2 } else { 1 };
        table.appended(topics.into_iter().take(come), now_us);
        table.roll(now_us);
    }
    let bytes = serde_json::to_vec(&table.snapshot(now_us)).unwrap();
    (bytes.into(), now_us)
}

async fn json(node: &Node, path: &str) -> Option<Value> {
    let answer = request(node, path, "").await;
    if answer.starts_with("HTTP/1.1 503 ") {
        return None;
    }
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    Some(serde_json::from_str(body(&answer)).unwrap())
}

/// Waits for a snapshot that satisfies the condition.
async fn status_with(node: &Node, holds: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..2_000 {
        match json(node, "/status").await {
            Some(status) if holds(&status) => return status,
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("never held: {:?}", json(node, "/status").await);
}

#[tokio::test]
async fn a_silent_collection_is_listed_first() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.status.refresh = Duration::from_millis(10);
    })
    .await;
    let before = status_with(&node, |_| true).await;
    assert_eq!(before["cluster"]["age_seconds"], Value::Null);
    assert_eq!(json(&node, "/status/collections").await, None);
    let mut client = node.client("").await;
    let entries = node
        .log
        .append((0..9).map(|_| commit("com.example.steady", "did:plc:a")));
    client.expect(&entries).await;

    // Invalid values in the cluster state are ignored.
    for nonsense in ["", "{]", "[1]"] {
        let posted = node
            .cluster_state
            .publish("freshness", nonsense.into(), DAY);
        posted.await.unwrap();
    }
    let (leader, at_us) = snapshot();
    node.cluster_state
        .publish("freshness", leader, DAY)
        .await
        .unwrap();
    let is_published = |status: &Value| {
        status["cluster"]["silent_collections"] == 1
            && status["collections"]["rows"][1]["events"] == 9
    };
    let status = status_with(&node, is_published).await;
    let rows = &status["collections"]["rows"];
    assert_eq!(rows[0]["name"], "com.example.lost", "{rows}");
    assert_eq!(rows[0]["silent"], true);
    assert_eq!(rows[0]["events"], 0, "this node never saw it");
    let hour = 3600 * SECOND;
    assert_eq!(rows[0]["last_time_us"], at_us - hour);
    assert_eq!(rows[1]["name"], "com.example.steady");
    assert_eq!(rows[1]["silent"], false);
    let usual = rows[1]["usual_per_second"].as_f64().unwrap();
    assert!((usual - 0.2).abs() < 0.01, "{usual}");
    let cluster = &status["cluster"];
    assert_eq!(cluster["collections"], 2);
    assert_eq!(cluster["upstreams"][0]["name"], "relay.example");
    assert!(cluster["age_seconds"].as_f64().unwrap() > 0.0);

    let all = json(&node, "/status/collections").await.unwrap();
    assert_eq!(all["time_us"], at_us);
    let named = |name: &str| {
        let rows = all["collections"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name).unwrap().clone()
    };
    let lost = named("com.example.lost");
    assert_eq!(lost["events"], 2 * 720);
    assert_eq!(lost["per_second"], 0.0);
    assert_eq!(lost["silent_seconds"], 3600.0);
    assert!(lost["silent_bound_seconds"].as_f64().unwrap() < 3600.0);
    assert_eq!(named("com.example.steady")["silent_seconds"], 0.0);
}

/// The node itself and all members with heartbeats; expired ones are gone.
#[tokio::test]
async fn members_are_listed_from_heartbeats() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.status.refresh = Duration::from_millis(50);
    })
    .await;
    let leader = Member {
        part: Part::Ingest,
        name: "ingest-0".to_owned(),
        role: "leader".to_owned(),
        ready: true,
        version: "9.9.9".to_owned(),
        since_us: BEGIN,
        at_us: BEGIN,
    };
    let heartbeat = Bytes::from(serde_json::to_vec(&leader).unwrap());
    let key = Member::key(Part::Ingest, "ingest-0/1/0a");
    let second = Duration::from_secs(1);
    node.cluster_state
        .publish(&key, heartbeat.clone(), second)
        .await
        .unwrap();
    // The value of an ingest under an edge's key is ignored.
    node.cluster_state
        .publish("edge.false", heartbeat, DAY)
        .await
        .unwrap();
    let members = |status: &Value| status["cluster"]["members"].as_array().unwrap().clone();
    let status = status_with(&node, |status| members(status).len() == 2).await;
    let members_of = members(&status);
    assert_eq!(members_of[0], serde_json::to_value(&leader).unwrap());
    assert_eq!(members_of[1]["name"], "edge-of-test");
    assert_eq!(members_of[1]["role"], "serving");
    assert_eq!(members_of[1]["part"], "edge");
    let left = status_with(&node, |status| members(status).len() == 1).await;
    assert_eq!(members(&left)[0]["name"], "edge-of-test");
}
