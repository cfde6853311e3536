use fanjet_log::UpstreamId;
use futures::FutureExt;
use tokio::time::Instant;

use super::*;
use crate::batch::{Numbering, Rewind};

fn batch(bytes: usize) -> FrameBatch {
    FrameBatch {
        numbering: Numbering::first(UpstreamId::new("relay").unwrap()),
        rewind: Rewind::None,
        reached: None,
        arrived: Instant::now(),
        frames: vec![Bytes::from(vec![0; bytes])],
        share: Share::default(),
    }
}

#[tokio::test]
async fn few_large_batches_fill_it_and_free_it_when_they_are_dropped() {
    let (sender, mut receiver) = queue(100, 10 << 10);
    for _ in 0..2 {
        sender.send(batch(4 << 10)).await.unwrap();
    }
    let mut third = Box::pin(sender.send(batch(4 << 10)));
    assert!((&mut third).now_or_never().is_none(), "12 KiB in 10");
    let first = receiver.recv().await.unwrap();
    assert!((&mut third).now_or_never().is_none(), "it is still held");
    drop(first);
    third.await.unwrap();
}

#[tokio::test]
async fn a_batch_larger_than_the_queue_passes_alone() {
    let (sender, mut receiver) = queue(100, 10 << 10);
    sender.send(batch(1 << 20)).await.unwrap();
    let mut next = Box::pin(sender.send(batch(1)));
    assert!((&mut next).now_or_never().is_none());
    drop(receiver.recv().await);
    next.await.unwrap();
}

#[tokio::test]
async fn a_sender_that_waits_for_room_notices_a_closed_queue() {
    let (sender, receiver) = queue(100, 10 << 10);
    sender.send(batch(10 << 10)).await.unwrap();
    let waiting = sender.send(batch(1));
    drop(receiver);
    assert!(waiting.await.is_err());
    assert!(sender.is_closed());
}
