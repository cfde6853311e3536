//! The shutdown of a node, and the maximum age of connections.

use std::time::Duration;

use fanjet_edge::NotReady;
use fanjet_edge::metrics::DISCONNECTS;
use tokio_tungstenite::tungstenite::Error;

use crate::support::{Client, Fault, FaultyLog, Node, commit, eventually};

const POST: &str = "app.bsky.feed.post";

#[tokio::test]
async fn stopping_closes_every_connection_and_ends() {
    let node = Node::start().await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(node.client("").await);
    }
    let entries = node.log.append((0..20).map(|_| commit(POST, "did:plc:a")));
    for client in &mut clients {
        client.expect(&entries).await;
    }
    let ready = node.handle.readiness_probe();
    let addr = node.addr();
    let stopping = tokio::task::LocalSet::new();
    stopping
        .run_until(async {
            let ended = tokio::task::spawn_local(node.stop());
            for client in &mut clients {
                let (_, closed) = client.read_to_end().await;
                let (code, reason) = closed.unwrap();
                assert_eq!(code, 1012);
                let cursor = entries[19].time().unwrap();
                assert!(reason.ends_with(&format!("cursor={cursor}")), "{reason}");
            }
            assert_eq!(ready().reasons.last(), Some(&NotReady::Draining));
            ended.await.unwrap().unwrap();
        })
        .await;
    assert!(Client::try_connect(addr, "").await.is_err());
}

/// A client that never reads cannot delay the shutdown.
#[tokio::test]
async fn the_deadline_disconnects_the_remaining_clients() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.drain.spread = Duration::from_millis(500);
        config.drain.deadline = Duration::from_secs(1);
    })
    .await;
    let _stuck = Client::connect_narrow(node.addr(), "").await;
    node.log
        .append((0..400).map(|_| commit(POST, "did:plc:a").padded(50_000)));
    node.tail_caught_up().await;
    node.stop().await.unwrap();
}

/// A client that waits for an unresponsive log is refused at once and does not delay the shutdown.
#[tokio::test]
async fn stopping_does_not_wait_for_the_position_of_a_cursor() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.replay.cursor_timeout = Duration::from_secs(600);
        config.drain.spread = Duration::from_secs(1);
        config.drain.deadline = Duration::from_secs(5);
    })
    .await;
    node.log.set_fault(Fault::Silent);
    let (log, addr) = (node.log.clone(), node.addr());
    // After all events: only the log can resolve it.
    let waiting = Client::try_connect(addr, "?cursor=9000000000000000");
    let stopping = async {
        log.has_waiting_callers().await;
        node.stop().await.unwrap();
    };
    let (refused, ()) = tokio::join!(waiting, stopping);
    let Err(Error::Http(response)) = refused.map(|_| ()) else {
        panic!("it must be refused");
    };
    assert_eq!(response.status(), 503);
}

/// Clients that have not noticed the shutdown yet are served normally.
#[tokio::test]
async fn clients_are_admitted_during_the_grace() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.drain.grace = Duration::from_secs(3);
    })
    .await;
    let before = node.append_one(POST, "did:plc:a");
    node.stop.cancel();
    let ready = node.handle.readiness_probe();
    eventually("not ready", || {
        ready().reasons.last() == Some(&NotReady::Draining)
    })
    .await;
    let mut late = node.client("?cursor=0").await;
    late.expect([&before]).await;
    let after = node.append_one(POST, "did:plc:a");
    late.expect([&after]).await;
    let (_, closed) = late.read_to_end().await;
    assert_eq!(closed.unwrap().0, 1012);
    node.stop().await.unwrap();
}

/// Until their turn clients receive events, and each close frame's cursor names the last one received.
#[tokio::test]
async fn draining_closes_clients_one_by_one_and_serves_the_rest() {
    const CLIENTS: usize = 120;
    let node = Node::start_with(FaultyLog::new(), |config| config.http.workers = 1).await;
    let first = node.append_one(POST, "did:plc:a");
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(node.client("?cursor=0").await);
    }
    for client in &mut clients {
        client.expect([&first]).await;
    }
    node.stop.cancel();
    node.metric_becomes(DISCONNECTS, Some("draining"), 1.0)
        .await;
    let second = node.append_one(POST, "did:plc:a");
    let mut served = 0;
    for client in &mut clients {
        let (texts, closed) = client.read_to_end().await;
        let last = match &texts[..] {
            [] => &first,
            [one] => {
                assert_eq!(*one, client.text_of(&second));
                served += 1;
                &second
            }
            more => panic!("{more:?}"),
        };
        let (code, reason) = closed.unwrap();
        assert_eq!(code, 1012);
        let cursor = last.time().unwrap();
        assert!(reason.ends_with(&format!("cursor={cursor}")), "{reason}");
    }
    assert!((1..CLIENTS).contains(&served), "{served} of {CLIENTS}");
    node.stop().await.unwrap();
}

#[tokio::test]
async fn an_old_connection_ends_with_the_cursor_to_resume_with() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.subscriber.max_age = Duration::from_millis(500);
    })
    .await;
    let first = node.append_one(POST, "did:plc:a");
    let mut client = node.client("?cursor=0").await;
    client.expect([&first]).await;
    let (_, closed) = client.read_to_end().await;
    let (code, reason) = closed.unwrap();
    assert_eq!(code, 1012);
    let cursor = first.time().unwrap();
    assert_eq!(
        reason,
        format!("maximum connection age reached, reconnect; resume with cursor={cursor}")
    );
    node.metric_becomes(DISCONNECTS, Some("too_old"), 1.0).await;
    let second = node.append_one(POST, "did:plc:a");
    let mut resumed = node.client(&format!("?cursor={cursor}")).await;
    resumed.expect([&first, &second]).await;
}
