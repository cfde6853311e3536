//! What a cursor means: the same on a long-running and on a fresh node, for any memory content, and without unnecessary
//! lookups in the log.

use std::time::Duration;

use fanjet_edge::metrics::{CURSOR_LOOKUPS, DISCONNECTS};
use fanjet_log::Entry;
use fanjet_runtime::{Clock, SystemClock};
use futures::future::join_all;

use crate::support::{Client, Fault, FaultyLog, Node, commit, eventually, time_of};

const POST: &str = "app.bsky.feed.post";
const OLDEST: &str = "x-fanjet-oldest-cursor";
const CLAMPED: &str = "x-fanjet-cursor-clamped";

fn posts(count: u64) -> impl Iterator<Item = crate::support::Event> {
    (0..count).map(|_| commit(POST, "did:plc:a"))
}

async fn node_over(log: &FaultyLog, ring_bytes: usize) -> Node {
    let node = Node::start_with(log.clone(), |config| {
        config.tail.ring_bytes = ring_bytes;
        config.tail.warm_entries = 300;
        config.tail.check_interval = Duration::from_millis(20);
    })
    .await;
    node.tail_caught_up().await;
    node
}

fn from(entries: &[Entry], seq: u64) -> impl Iterator<Item = &Entry> {
    entries.iter().filter(move |entry| entry.seq >= seq)
}

/// The ring of a quiet node may reach further back than the log. Events that the log has deleted are not served.
#[tokio::test]
async fn a_long_running_node_serves_what_a_fresh_one_does() {
    let log = FaultyLog::new();
    let mut all = log.append(posts(1000));
    let long_running = node_over(&log, 1 << 24).await;
    let mut held = long_running.client("?cursor=701").await;
    held.expect(from(&all, 701)).await;
    log.retain_from(901);
    long_running.knows_its_oldest(901).await;
    let fresh = node_over(&log, 1 << 24).await;
    fresh.knows_its_oldest(901).await;
    for (cursor, begins, is_clamped) in [
        ("0".to_owned(), 901, false),
        ("5".to_owned(), 901, true),
        ("702".to_owned(), 901, true),
        ("900".to_owned(), 901, true),
        ("901".to_owned(), 901, false),
        ("950".to_owned(), 950, false),
        (time_of(5).to_string(), 901, true),
        (time_of(750).to_string(), 901, true),
        (time_of(900).to_string(), 901, true),
        (time_of(901).to_string(), 901, false),
        (time_of(950).to_string(), 950, false),
    ] {
        for node in [&long_running, &fresh] {
            let query = format!("?cursor={cursor}");
            let (mut client, clamped) = Client::connect_and_ask(node.addr(), &query, CLAMPED).await;
            assert_eq!(clamped.is_some(), is_clamped, "{cursor}");
            client.expect(from(&all, begins)).await;
        }
    }
    // Everything.
    log.retain_from(1001);
    let mut clients = Vec::new();
    for node in [&long_running, &fresh] {
        eventually_starts_at_the_end(node).await;
        for cursor in [
            "0".to_owned(),
            "950".to_owned(),
            time_of(950).to_string(),
            time_of(1000).to_string(),
        ] {
            clients.push(node.client(&format!("?cursor={cursor}")).await);
        }
    }
    all.extend(log.append(posts(3)));
    for client in &mut clients {
        client.expect(from(&all, 1001)).await;
    }
}

/// A node notices the log's retention a little later.
async fn eventually_starts_at_the_end(node: &Node) {
    for _ in 0..1000 {
        let (_, oldest) = Client::connect_and_ask(node.addr(), "?cursor=", OLDEST).await;
        if oldest.is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the node still shows an oldest event");
}

/// A client with a future cursor that is closed before its first event gets a resume cursor that misses nothing.
#[tokio::test]
async fn a_future_cursor_is_not_the_resume_cursor() {
    let soon = SystemClock.now_us() + 60_000_000;
    for cursor in [
        soon.to_string(),
        i64::MAX.to_string(),
        "301".to_owned(),
        "999999999999999".to_owned(),
    ] {
        for hello in ["", "&requireHello=true"] {
            let log = FaultyLog::new();
            log.append(posts(300));
            let node = node_over(&log, 1 << 24).await;
            let mut client = node.client(&format!("?cursor={cursor}{hello}")).await;
            if !hello.is_empty() {
                client
                    .send(r#"{"type":"options_update","payload":{}}"#.into())
                    .await;
                client
                    .send(tokio_tungstenite::tungstenite::Message::Ping("x".into()))
                    .await;
                client.next_message().await;
            }
            node.stop.cancel();
            let (read, closed) = client.read_to_end().await;
            assert!(read.is_empty());
            let (code, reason) = closed.unwrap();
            assert_eq!(code, 1012);
            let resume = reason.rsplit_once('=').unwrap().1.to_owned();
            let expected = [(time_of(300).get() + 1).to_string(), "301".to_owned()];
            assert!(expected.contains(&resume), "{reason} after cursor={cursor}");
            // It misses none of the events in between.
            let missed = log.append(posts(5));
            let next = node_over(&log, 1 << 24).await;
            let mut client = next.client(&format!("?cursor={resume}")).await;
            client.expect(&missed).await;
        }
    }
}

/// Before the node knows the time of the oldest event.
#[tokio::test]
async fn the_earliest_possible_time_means_everything() {
    let log = FaultyLog::new();
    let all = log.append(posts(50));
    for cursor in [
        1_000_000_000_000_000_u64,
        1_000_000_008_000_000,
        1_000_000_009_000_000,
    ] {
        let node = Node::start_with(log.clone(), |config| {
            config.tail.check_interval = Duration::from_secs(3600);
        })
        .await;
        let mut client = node.client(&format!("?cursor={cursor}")).await;
        client.expect(&all).await;
    }
}

/// Events that arrive during a lookup are not mistaken for its result.
#[tokio::test]
async fn a_lookup_at_the_end_of_a_growing_log_skips_nothing() {
    let log = FaultyLog::new();
    log.append(posts(300));
    let node = node_over(&log, 1 << 24).await;
    log.set_fault(Fault::Growing);
    let mut first = node.client("?cursor=9000000000000000").await;
    log.set_fault(Fault::None);
    node.tail_caught_up().await;
    // The answer of the first lookup does not help these.
    let mut clients = Vec::new();
    for cursor in [
        8_999_999_999_999_999_u64,
        9_000_000_000_000_000,
        5_000_000_000_000_000,
    ] {
        clients.push(node.client(&format!("?cursor={cursor}")).await);
    }
    let next = log.append(posts(1));
    for client in &mut clients {
        client.expect(&next).await;
    }
    // It arrived before that lookup was complete.
    let (text, live) = (first.next().await.unwrap(), &next[0]);
    assert!(text == first.text_of(live) || text.contains(&time_of(301).to_string()));
}

/// Many clients reconnect to a node without history, each with the time that it had reached.
#[tokio::test]
async fn many_reconnecting_clients_cause_few_lookups() {
    let log = FaultyLog::new();
    let all = log.append(posts(3000));
    let node = node_over(&log, 30_000).await;
    let before = log.lookups().asked;
    log.set_fault(Fault::Slow(Duration::from_millis(20)));
    let cursors: Vec<u64> = (0..200).map(|n| 1 + n * 11).collect();
    let addr = node.addr();
    let clients = cursors.iter().map(|&seq| async move {
        let query = format!("?cursor={}", time_of(seq));
        (seq, Client::connect(addr, &query).await)
    });
    for (seq, mut client) in join_all(clients).await {
        client.expect(from(&all, seq).take(20)).await;
    }
    let asked = log.lookups().asked - before;
    assert!(asked <= 4, "{asked} questions for one crowd");
    assert_eq!(
        node.labelled(CURSOR_LOOKUPS, "query", "time"),
        f64::from(asked)
    );
}

/// For any cursors only a few lookups run concurrently, and every client gets its answer.
#[tokio::test]
async fn concurrent_log_lookups_are_limited() {
    let log = FaultyLog::new();
    log.append(posts(300));
    let node = node_over(&log, 1 << 24).await;
    log.set_fault(Fault::Slow(Duration::from_millis(10)));
    // No two of them can share a lookup.
    let cursors = (0..150_u64).map(|n| 9_000_000_000_000_000 + n * 60_000_000);
    let clients = cursors.map(|cursor| {
        let query = format!("?cursor={cursor}");
        let addr = node.addr();
        async move { Client::connect(addr, &query).await }
    });
    let mut clients = join_all(clients).await;
    let lookups = log.lookups();
    assert!(lookups.asked >= 150 && lookups.most_at_once > 1);
    assert!(
        lookups.most_at_once <= 4,
        "{} at once",
        lookups.most_at_once
    );
    log.set_fault(Fault::None);
    let next = log.append(posts(1));
    for client in &mut clients {
        client.expect(&next).await;
    }
    eventually("all are connected", || {
        node.metric(DISCONNECTS, None) == 0.0
    })
    .await;
}
