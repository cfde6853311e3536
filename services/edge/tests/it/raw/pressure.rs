//! Raw readers that take nothing, and frames that expire behind them.

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
