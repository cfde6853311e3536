//! Logs of raw frames: any bytes, larger than events, with a stamp beside them.

use std::sync::Arc;

use bytes::Bytes;
use fanjet_event::{FrameStamp, FrameTopic, Topic};
use futures::StreamExt;

use super::follow::assert_followed;
use super::samples::{NO_LIMIT, append_all, assert_entries, read_all, time_of};
use super::{Opened, within};
use crate::{AppendError, MAX_FRAME, NewEvent, Origin, ReadLimit, Selection, Seq, UpstreamId};

/// The wire seq of [`sized_frame`] `n`, with gaps.
fn wire_seq_of(n: u64) -> u64 {
    31_500_000_000 + n * n + n
}

/// What [`sized_frame`] `n` is about: of every form, the longest included.
fn topic_of(n: u64) -> Option<FrameTopic> {
    let did = format!("did:plc:{n}").parse().unwrap();
    let long = format!("did:plc:{}", "a".repeat(FrameTopic::MAX_BYTES - 8));
    let names = [
        "app.bsky.feed.like",
        "app.bsky.graph.follow",
        "io.github.test",
    ];
    match n % 5 {
        0 => None,
        1 => FrameTopic::repo(did),
        2 => FrameTopic::repo(long.parse().unwrap()),
        _ => {
            let names = names.iter().take(n as usize % 4);
            FrameTopic::commit(did, names.map(|name| name.parse().unwrap()).collect())
        }
    }
}

/// The `n`-th sample frame, of `bytes` bytes. Not JSON, nor text.
pub fn sized_frame(n: u64, bytes: usize) -> NewEvent {
    let body: Vec<u8> = (0..bytes as u64)
        .map(|at| (at.wrapping_mul(7) ^ n ^ 0xa2) as u8)
        .collect();
    NewEvent {
        topic: Topic::Frame(Arc::new(FrameStamp {
            wire_seq: wire_seq_of(n),
            time: time_of(n),
            topic: topic_of(n),
        })),
        origin: Origin {
            upstream: UpstreamId::new("relay1.us-east.bsky.network").unwrap(),
            relay_seq: 7 + n,
            op_index: 0,
            op_count: 1,
            time: "2026-07-04T14:38:08.999Z".parse().unwrap(),
        },
        body: Bytes::from(body),
        trace: None,
    }
}

fn frames(from: u64, to: u64) -> Vec<NewEvent> {
    (from..to)
        .map(|n| sized_frame(n, 1 + (n as usize * 37) % 9_000))
        .collect()
}

/// Bytes, stamps and origins survive, and every kind of read finds them.
pub async fn frames_are_read_as_written(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let mut written = frames(0, 300);
    for (event, wire_seq) in written.iter_mut().rev().zip([(1 << 53) - 1, u64::MAX >> 1]) {
        if let Topic::Frame(stamp) = &mut event.topic {
            Arc::make_mut(stamp).wire_seq = wire_seq;
        }
    }
    append_all(&*log, 0, &written).await;
    let read = read_all(&*log, 1, &Selection::All, NO_LIMIT).await;
    assert_entries(&read, &written, 1);
    let few = ReadLimit {
        entries: 7,
        bytes: 20_000,
    };
    let read = read_all(&*log, 1, &Selection::All, few).await;
    assert_entries(&read, &written, 1);
    let last = log.last().await.unwrap().unwrap();
    assert_entries(&[last], &written[299..], 300);
    for n in [0, 1, 150, 299] {
        assert_eq!(log.seq_at(time_of(n)).await.unwrap(), n + 1);
    }
    drop(keep);
}

/// A follower gets the existing frames and the appended ones, in order.
pub async fn frames_are_followed(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let written = frames(0, 120);
    assert_followed(&*log, &written).await;
    drop(keep);
}

/// Far beyond the largest event; the first byte too many is refused, with everything behind it.
pub async fn the_largest_frame_is_kept_and_no_larger_one(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let written = [
        sized_frame(0, 10),
        sized_frame(1, MAX_FRAME),
        sized_frame(2, MAX_FRAME - 1),
        sized_frame(3, 10),
    ];
    append_all(&*log, 0, &written).await;
    let read = read_all(&*log, 1, &Selection::All, NO_LIMIT).await;
    assert_entries(&read, &written, 1);
    let mut follow = log.follow(1, &Selection::All).await.unwrap();
    let mut read = Vec::new();
    while read.len() < written.len() {
        read.extend(within("follow", follow.next()).await.unwrap().unwrap());
    }
    assert_entries(&read, &written, 1);
    let mut appender = log.appender(4).await.unwrap();
    let refused = within("append", appender.append(&[sized_frame(4, MAX_FRAME + 1)])).await;
    assert!(
        matches!(refused, Err(AppendError::Refused(_))),
        "{refused:?}"
    );
    assert!(appender.append(&[sized_frame(5, 1)]).await.is_err());
    assert_eq!(log.bounds().await.unwrap().last, 4);
    drop(keep);
}

/// Of two writers, one loses with everything behind.
pub async fn writers_of_frames_are_fenced(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    append_all(&*log, 0, &frames(0, 5)).await;
    let mut winner = log.appender(5).await.unwrap();
    let mut loser = log.appender(5).await.unwrap();
    winner.append(&frames(5, 9)).await.unwrap();
    winner.flush().await.unwrap();
    let outcome = within("append", async {
        loser.append(&frames(100, 140)).await?;
        loser.flush().await
    })
    .await;
    assert!(
        matches!(outcome, Err(AppendError::Fenced { .. })),
        "{outcome:?}"
    );
    winner.append(&frames(9, 12)).await.unwrap();
    assert_eq!(winner.flush().await.unwrap(), 12);
    let read = read_all(&*log, 1, &Selection::All, NO_LIMIT).await;
    assert_entries(&read, &frames(0, 12), 1);
    drop(keep);
}

/// The remaining frames keep their seqs and stamps.
pub async fn retention_of_frames_keeps_numbering(open: impl AsyncFn() -> Opened) {
    let Opened { log, expire, keep } = open().await;
    let Some(expire) = expire else {
        eprintln!("skipped: this backend cannot force retention");
        return;
    };
    let written = frames(0, 50);
    append_all(&*log, 0, &written).await;
    within("expire", expire(20)).await;
    let first: Seq = log.bounds().await.unwrap().first;
    assert_eq!(first, 21);
    let read = read_all(&*log, 0, &Selection::All, NO_LIMIT).await;
    assert_entries(&read, &written[20..], 21);
    drop(keep);
}
