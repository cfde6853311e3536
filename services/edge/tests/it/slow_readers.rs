use std::time::{Duration, Instant};

use fanjet_edge::metrics::{CATCHING_UP, DISCONNECTS, REPLAY_READ_EVENTS, REPLAYS, SUBSCRIBERS};

use tokio::join;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, EventStream, FaultyLog, Node, Trickling, commit, time_of};

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";
/// More than the kernels of both ends buffer for an unread connection.
const EVENTS: usize = 400;
const PADDING: usize = 50_000;
const DEADLINE: Duration = Duration::from_secs(2);

fn large(collection: &'static str) -> impl Iterator<Item = crate::support::Event> {
    (0..EVENTS).map(move |_| commit(collection, "did:plc:a").padded(PADDING))
}

/// A reader that pauses while others are live catches up and misses nothing.
#[tokio::test]
async fn a_slow_reader_gets_everything_once_in_order() {
    for encoding in ["", "&compress=true", "&format=v0"] {
        slow_and_fast(encoding).await;
    }
}

async fn slow_and_fast(encoding: &str) {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.http.workers = 1;
        config.subscriber.max_pending_bytes = 1000;
    })
    .await;
    let mut slow = Client::connect_narrow(node.addr(), &format!("?{encoding}")).await;
    let likes = format!("?wantedCollections=app.bsky.feed.like{encoding}");
    let mut slow_and_picky = Client::connect_narrow(node.addr(), &likes).await;
    let mut fast = node.client("").await;

    let mut all = node.log.append(large(POST));
    let likes = node.log.append(large(LIKE));
    all.extend(likes.iter().cloned());
    fast.expect(&all).await;
    node.metric_falls_to(CATCHING_UP, 2.0).await;
    assert_eq!(node.metric(CATCHING_UP, None), 2.0);

    slow.expect(&all).await;
    slow_and_picky.expect(&likes).await;

    // Both are live again.
    let after = node.append_one(LIKE, "did:plc:a");
    slow.expect([&after]).await;
    slow_and_picky.expect([&after]).await;
    fast.expect([&after]).await;
    assert_eq!(node.metric(CATCHING_UP, None), 0.0);
    assert_eq!(node.metric(DISCONNECTS, None), 0.0);
}

#[tokio::test]
async fn a_reader_that_falls_out_of_the_ring_reads_the_log() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.http.workers = 1;
        config.tail.ring_bytes = 2_000_000;
        config.subscriber.max_pending_bytes = 1000;
    })
    .await;
    let mut slow = Client::connect_narrow(node.addr(), "").await;
    let mut fast = node.client("").await;
    let mut all = Vec::new();
    for _ in 0..EVENTS {
        let entry = node.log.append([commit(POST, "did:plc:a").padded(PADDING)]);
        fast.expect(&entry).await;
        all.extend(entry);
    }
    slow.expect(&all).await;
    assert!(node.metric(REPLAY_READ_EVENTS, None) > 0.0);
    node.metric_falls_to(REPLAYS, 0.0).await;

    let after = node.append_one(POST, "did:plc:a");
    slow.expect([&after]).await;
    fast.expect([&after]).await;
    assert_eq!(node.metric(CATCHING_UP, None), 0.0);
    assert_eq!(node.metric(DISCONNECTS, None), 0.0);
}

#[tokio::test]
async fn a_reader_behind_the_log_is_closed_with_a_resume_cursor() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.http.workers = 1;
        config.tail.check_interval = Duration::from_millis(20);
        config.tail.ring_bytes = 2_000_000;
        config.subscriber.max_pending_bytes = 1000;
    })
    .await;
    let mut slow = Client::connect_narrow(node.addr(), "").await;
    let mut fast = node.client("").await;
    // The fast reader sets the pace, so that only the slow one falls behind.
    let mut all = Vec::new();
    for _ in 0..EVENTS {
        let entry = node.log.append([commit(POST, "did:plc:a").padded(PADDING)]);
        fast.expect(&entry).await;
        all.extend(entry);
    }
    node.log.retain_from(EVENTS as u64);

    let (read, closed) = slow.read_to_end().await;
    // The events received are a contiguous prefix, and the cursor names the last of them.
    assert!(!read.is_empty() && read.len() < all.len(), "{}", read.len());
    for (text, entry) in read.iter().zip(&all) {
        assert_eq!(text.as_bytes(), &entry.body[..]);
    }
    let (code, reason) = closed.unwrap();
    assert_eq!(code, 1013);
    let cursor = time_of(read.len() as u64).get();
    assert!(
        reason.ends_with(&format!("resume with cursor={cursor}")),
        "{reason}"
    );
    node.metric_becomes(DISCONNECTS, Some("fell_behind"), 1.0)
        .await;

    let after = node.append_one(POST, "did:plc:a");
    fast.expect([&after]).await;
}

/// A client that asked for everything from the oldest event gets all events after the first one that it received, from the log
/// or the ring, or is closed.
#[tokio::test]
async fn a_reader_from_the_oldest_event_that_falls_behind_the_log_is_closed() {
    let log = FaultyLog::new();
    // The ring covers the beginning of the log.
    let mut all = log.append((0..20).map(|_| commit(POST, "did:plc:a").padded(PADDING)));
    let node = Node::start_with(log, |config| {
        config.http.workers = 1;
        config.tail.check_interval = Duration::from_millis(20);
        config.tail.ring_bytes = 2_000_000;
        config.subscriber.max_pending_bytes = 1000;
    })
    .await;
    node.tail_caught_up().await;
    let mut slow = Client::connect_narrow(node.addr(), "?cursor=0").await;
    let mut hello = Client::connect_narrow(node.addr(), "?cursor=0&requireHello=true").await;
    hello
        .send(Message::text(r#"{"type":"options_update","payload":{}}"#))
        .await;
    slow.expect(&all[..1]).await;
    hello.expect(&all[..1]).await;
    let mut fast = node.client("").await;
    for _ in 0..EVENTS {
        let entry = node.log.append([commit(POST, "did:plc:a").padded(PADDING)]);
        fast.expect(&entry).await;
        all.extend(entry);
    }
    let oldest = all.len() as u64;
    node.log.retain_from(oldest);
    node.knows_its_oldest(oldest).await;
    for mut client in [slow, hello] {
        let mut read = 1;
        let closed = loop {
            match client.next().await {
                Ok(text) => assert_eq!(text.as_bytes(), &all[read].body[..], "event {read}"),
                Err(closed) => break closed,
            }
            read += 1;
        };
        let (code, reason) = closed.unwrap();
        let cursor = time_of(read as u64);
        assert_eq!(code, 1013);
        assert!(reason.ends_with(&format!("cursor={cursor}")), "{reason}");
    }
}

/// Whatever its kernel acknowledges, a client that reads nothing is disconnected. A client that reads a little now and then is
/// not, however long that takes, on any path.
#[tokio::test]
async fn only_a_client_that_reads_nothing_is_disconnected() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.subscriber.write_stall_timeout = DEADLINE;
        config.subscriber.max_unsent_bytes = 16 << 10;
        config.subscriber.ping_interval = Duration::from_millis(50);
    })
    .await;
    let all = node.log.append(large(POST));
    node.tail_caught_up().await;
    let _stuck = Client::connect_narrow(node.addr(), "?cursor=0").await;
    let _stuck_too = EventStream::open_narrow(node.addr(), "?cursor=0", "").await;
    let mut trickling = Trickling::open(node.addr(), "/events?cursor=0").await;
    let mut trickling_too = Trickling::open(node.addr(), "/subscribe?cursor=0").await;
    // They outlive it by far.
    let outlived = Instant::now() + DEADLINE * 3;
    while Instant::now() < outlived || node.metric(DISCONNECTS, Some("stalled")) < 2.0 {
        join!(trickling.read_a_little(), trickling_too.read_a_little());
    }
    // Their sockets were full all the time.
    assert!(trickling.read < all.len() * PADDING / 2);
    assert!(trickling_too.read < all.len() * PADDING / 2);
    assert_eq!(node.metric(DISCONNECTS, None), 2.0);
    assert_eq!(node.metric(SUBSCRIBERS, None), 2.0);
}

/// A client that is being closed must also read and disconnect.
#[tokio::test]
async fn a_closing_connection_has_a_deadline() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.subscriber.write_stall_timeout = DEADLINE;
        config.subscriber.max_age = DEADLINE / 4;
    })
    .await;
    node.log.append(large(POST));
    node.tail_caught_up().await;
    let mut full = Trickling::open(node.addr(), "/subscribe?cursor=0").await;
    node.metric_becomes(DISCONNECTS, Some("too_old"), 1.0).await;
    full.read_to_end().await;
}

/// Its pings wait behind unread data, so their answers are late.
#[tokio::test]
async fn a_client_that_pauses_reading_is_not_dropped() {
    let node = Node::start_with(FaultyLog::new(), |config| {
        config.subscriber.ping_interval = Duration::from_millis(20);
        config.subscriber.pong_timeout = Duration::from_millis(500);
    })
    .await;
    let all = node.log.append(large(POST));
    node.tail_caught_up().await;
    // Behind from the beginning: it has data to read at every ping.
    let mut slow = Client::connect_narrow(node.addr(), "?cursor=0").await;
    // Pings that arrive after its own data are unanswered for too long.
    let _silent = node.client("?wantedDids=did:plc:absent").await;
    node.metric_becomes(DISCONNECTS, Some("pong_timeout"), 1.0)
        .await;
    slow.expect(&all).await;
}
