//! Raw readers that take nothing, and frames that expire behind them.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Its socket is reset, without a close frame that it could not take. Others get everything meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_is_cut_off_and_no_other_notices() {
    let raw = Arc::new(MemoryLog::new());
    append(&raw, &frames([1])).await;
    let node = Node::over(&raw, |config| {
        config.raw.ring_bytes = 500_000;
        config.subscriber.write_stall_timeout = Duration::from_millis(500);
    })
    .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(node.handle.addr()).await.unwrap();
    let (mut stuck, _) = Client::over(stream, "").await.unwrap();
    let mut quick = node.connect("").await;
    let all: Vec<_> = (2..3_000u64).map(|seq| frame(seq, 3_000)).collect();
    append(&raw, &all).await;
    quick.expect(&all).await;
    eventually("only the other one remains", || {
        node.instruments.sum("fanjet_edge_raw_subscribers", None) <= 1.0
    })
    .await;
    let more = frames([3_000]);
    append(&raw, &more).await;
    quick.expect(&more).await;
    // What its kernel had, in order, and then nothing.
    let mut got = 0;
    loop {
        match stuck.next().await {
            Got::Frame(body) if body == all[got].body => got += 1,
            other => {
                assert_eq!(other, Got::Cut, "after {got} frames");
                break;
            }
        }
    }
    assert!(got < all.len());
    node.stop().await;
}

/// Only what a reader still needs matters.
#[tokio::test(flavor = "multi_thread")]
async fn what_expires_behind_a_reader_is_no_loss() {
    let raw = Arc::new(MemoryLog::new());
    let all: Vec<_> = (1..4_000u64).map(|seq| frame(seq, 2_000)).collect();
    append(&raw, &all).await;
    let node = Node::over(&raw, |config| config.raw.ring_bytes = 100_000).await;
    let mut client = node.connect("?cursor=0").await;
    client.expect(&all[..1_000]).await;
    raw.expire(900);
    client.expect(&all[1_000..]).await;
    // Another one is notified that it misses something.
    let mut late = node.connect("?cursor=5").await;
    let got = late.next().await;
    assert!(info("OutdatedCursor")(&got), "{got:?}");
    node.stop().await;
}

/// A frame's bytes, counted while anything holds them.
struct Counted {
    bytes: Vec<u8>,
    held: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

/// Once the log has dropped the frames, only the node's ring and pages are left, and what waits for a socket, which all share.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_slow_readers_hold_no_frames_of_their_own() {
    const RING: usize = 500_000;
    const PAGES: usize = 400_000;
    /// What one reader may have taken: 64 KiB that wait, and a page. All stand near the beginning.
    const TAKEN: usize = 1 << 20;
    let raw = Arc::new(MemoryLog::new());
    append(&raw, &frames([1])).await;
    let node = Node::over(&raw, |config| {
        config.raw.ring_bytes = RING;
        config.raw.cache_bytes = PAGES;
        config.raw.max_subscribers = 200;
        config.http.max_connections_per_address = 0;
        config.http.max_subscribers_per_address = 0;
    })
    .await;
    let mut slow = Vec::new();
    for _ in 0..100 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(node.handle.addr()).await.unwrap();
        slow.push(Client::over(stream, "").await.unwrap());
    }
    let mut quick = node.connect("").await;
    let held = Arc::<AtomicUsize>::default();
    for batch in 0..100 {
        let batch: Vec<_> = (0..30)
            .map(|n| {
                let mut event = frame(2 + batch * 30 + n, 3_000);
                held.fetch_add(event.body.len(), Ordering::Relaxed);
                event.body = Bytes::from_owner(Counted {
                    bytes: event.body.to_vec(),
                    held: Arc::clone(&held),
                });
                event
            })
            .collect();
        append(&raw, &batch).await;
        quick.expect(&batch).await;
    }
    assert!(held.load(Ordering::Relaxed) > 8_000_000);
    raw.expire(3_000);
    eventually("only the node's own memory is left", || {
        held.load(Ordering::Relaxed) <= RING + PAGES + TAKEN
    })
    .await;
    node.stop().await;
    drop(slow);
}
