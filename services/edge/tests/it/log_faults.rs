use std::time::Duration;

use fanjet_edge::NotReady;
use fanjet_edge::metrics::{DAMAGED_READS, DISCONNECTS, FEEDER_RESTARTS, TAIL_LOST_EVENTS};

use crate::support::{Event, Fault, FaultyLog, Node, commit, eventually};

const POST: &str = "app.bsky.feed.post";

fn some(count: usize) -> impl Iterator<Item = Event> {
    (0..count).map(|_| commit(POST, "did:plc:a"))
}

#[tokio::test]
async fn a_broken_follow_resumes_without_loss_or_repeat() {
    let node = Node::start().await;
    let mut client = node.client("").await;
    for round in 1..=5 {
        let before = node.log.append(some(150));
        client.expect(&before).await;
        node.log.break_follows();
        let after = node.log.append(some(150));
        client.expect(&after).await;
        node.metric_becomes(FEEDER_RESTARTS, Some("unavailable"), f64::from(round))
            .await;
    }
}

#[tokio::test]
async fn an_unavailable_log_is_waited_for() {
    let node = Node::start().await;
    let mut client = node.client("").await;
    node.log.set_fault(Fault::Away);
    node.log.break_follows();
    eventually("the loss is noticed", || {
        node.handle.readiness().reasons == [NotReady::TailDisconnected]
    })
    .await;
    node.metric_becomes(FEEDER_RESTARTS, None, 3.0).await;
    let meanwhile = node.log.append(some(10));
    node.log.set_fault(Fault::None);
    client.expect(&meanwhile).await;
    eventually("ready again", || node.handle.readiness().is_ready()).await;
}

/// A gap is read again before newer events are shown.
#[tokio::test]
async fn a_hole_in_the_stream_is_repaired() {
    let node = Node::start().await;
    let mut client = node.client("").await;
    let mut all = node.log.append(some(10));
    client.expect(&all).await;
    node.log.set_fault(Fault::Skipping(15));
    all = node.log.append(some(10));
    client.expect(&all[..4]).await;
    node.metric_becomes(FEEDER_RESTARTS, Some("gap"), 1.0).await;
    node.log.set_fault(Fault::None);
    client.expect(&all[4..]).await;
}

#[tokio::test]
async fn repeated_entries_are_read_again() {
    let node = Node::start().await;
    let mut client = node.client("").await;
    let all = node.log.append(some(10));
    client.expect(&all).await;
    node.log.set_fault(Fault::Repeating(3));
    node.log.break_follows();
    node.metric_becomes(FEEDER_RESTARTS, Some("gap"), 1.0).await;
    let more = node.log.append(some(10));
    node.log.set_fault(Fault::None);
    client.expect(&more).await;
}

#[tokio::test]
async fn a_stream_that_hangs_silently_is_replaced() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.tail.check_interval = Duration::from_millis(20);
    })
    .await;
    let mut client = node.client("").await;
    let before = node.log.append(some(5));
    client.expect(&before).await;
    node.log.set_fault(Fault::Hanging);
    let hidden = node.log.append(some(5));
    let follows = node.log.follows();
    eventually("the stream is replaced", || node.log.follows() > follows).await;
    node.log.set_fault(Fault::None);
    client.expect(&hidden).await;
}

/// A confirmed end of the log is as good as a new event.
#[tokio::test]
async fn an_idle_log_is_fresh_and_a_hanging_one_is_not() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.tail.check_interval = Duration::from_millis(10);
        config.tail.fresh_within = Duration::from_millis(500);
    })
    .await;
    let checked_until = tokio::time::Instant::now() + Duration::from_millis(1000);
    while tokio::time::Instant::now() < checked_until {
        assert!(node.handle.readiness().is_ready());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    node.log.set_fault(Fault::Hanging);
    node.log.append(some(1));
    eventually("the hang is visible", || {
        !node.handle.readiness().is_ready()
    })
    .await;
}

/// Events that the log has deleted cannot be served: the members that missed them are closed.
#[tokio::test]
async fn events_that_the_log_dropped_unread_close_their_subscribers() {
    let node = Node::start().await;
    let mut client = node.client("").await;
    let before = node.log.append(some(5));
    client.expect(&before).await;
    node.log.set_fault(Fault::Away);
    node.log.break_follows();
    node.metric_becomes(FEEDER_RESTARTS, None, 1.0).await;
    node.log.append(some(10));
    node.log.retain_from(12);
    node.log.set_fault(Fault::None);
    let (read, closed) = client.read_to_end().await;
    assert_eq!(read, Vec::<String>::new());
    let (code, reason) = closed.unwrap();
    assert_eq!(code, 1013);
    let cursor = before[4].time().unwrap();
    assert!(reason.ends_with(&format!("cursor={cursor}")), "{reason}");
    node.metric_becomes(TAIL_LOST_EVENTS, None, 6.0).await;
    node.metric_becomes(DISCONNECTS, Some("fell_behind"), 1.0)
        .await;

    let mut next = node.client("").await;
    let after = node.append_one(POST, "did:plc:a");
    next.expect([&after]).await;
}

/// All live clients are affected, so they are closed; the node continues after it.
#[tokio::test]
async fn live_damage_closes_live_clients_and_keeps_the_node() {
    let node = Node::start().await;
    let mut clients = [node.client("").await, node.client("").await];
    let good = node.log.append(some(2));
    for client in &mut clients {
        client.expect(&good).await;
    }
    let mut bad = commit(POST, "did:plc:a").at(3);
    bad.body = bytes::Bytes::from_static(b"not an event");
    node.log.append_raw(bad);
    for client in &mut clients {
        let (read, closed) = client.read_to_end().await;
        assert_eq!(read, Vec::<String>::new());
        let (code, reason) = closed.unwrap();
        assert_eq!(code, 1011);
        assert!(
            reason.starts_with("the log is damaged at seq 3"),
            "{reason}"
        );
    }
    node.metric_becomes(DISCONNECTS, Some("log_damaged"), 2.0)
        .await;
    assert_eq!(node.labelled(DAMAGED_READS, "by", "live"), 1.0);
    eventually("ready", || node.handle.readiness().is_ready()).await;
    let mut next = node.client("").await;
    let after = node.append_one(POST, "did:plc:a");
    next.expect([&after]).await;
    node.client("?cursor=4").await.expect([&after]).await;
    node.stop().await.unwrap();
}

/// It is an event anyway: it is reported, and no client misses it.
#[tokio::test]
async fn a_time_that_does_not_rise_is_reported_and_loses_no_event() {
    let node = Node::start().await;
    let mut client = node.client("").await;
    let good = node.log.append(some(2));
    client.expect(&good).await;
    let mut odd = commit(POST, "did:plc:a").at(2);
    odd.seq = 3;
    node.log.append_raw(odd.clone());
    client.expect([&odd]).await;
    eventually("it is reported", || {
        node.labelled(DAMAGED_READS, "by", "live") == 1.0
    })
    .await;
    let after = node.append_one(POST, "did:plc:a");
    client.expect([&after]).await;
    eventually("ready", || node.handle.readiness().is_ready()).await;
    node.stop().await.unwrap();
}

/// The ring is warm, but clients start live.
#[tokio::test]
async fn the_ring_is_warmed_at_the_start() {
    let log = FaultyLog::new();
    log.append(some(1000));
    let node = Node::start_with(log, |config| config.tail.warm_entries = 300).await;
    let mut client = node.client("").await;
    let next = node.append_one(POST, "did:plc:a");
    client.expect([&next]).await;
    node.tail_caught_up().await;
    let weight = node.metric(fanjet_edge::metrics::RING_BYTES, None) / 301.0;
    assert!((200.0..600.0).contains(&weight), "{weight} bytes per event");
}
