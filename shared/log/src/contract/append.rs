//! One writer.

use fanjet_event::Topic;

use super::samples::{
    NO_LIMIT, append_all, assert_entries, commit, event, events, longest_collection, new_event,
    read_all, sized_event,
};
use super::{Opened, within};
use crate::{AppendError, Bounds, MAX_BODY, Origin, Selection, UpstreamId};

/// An empty log is not an error.
pub async fn an_empty_log_has_no_bounds_no_last_and_no_entries(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let bounds = log.bounds().await.unwrap();
    assert_eq!(bounds, Bounds { first: 1, last: 0 });
    assert!(bounds.is_empty());
    assert_eq!(log.last().await.unwrap(), None);
    for from in [0, 1] {
        let page = log.read(from, &Selection::All, NO_LIMIT).await.unwrap();
        assert_eq!((page.entries, page.next, page.at_end), (vec![], 1, true));
    }
    assert_eq!(log.seq_at(super::time_of(0)).await.unwrap(), 1);
    drop(keep);
}

/// The first event ever gets seq 1, and `last` is the newest.
pub async fn append_numbers_from_one_and_last_sees_it(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let mut appender = log.appender(0).await.unwrap();
    assert_eq!(appender.acked(), 0);
    for n in 0..3 {
        appender.append(&[event(n)]).await.unwrap();
        assert_eq!(appender.flush().await.unwrap(), n + 1);
        assert_eq!(appender.acked(), n + 1);
        let last = log.last().await.unwrap().unwrap();
        assert_entries(&[last], &[event(n)], n + 1);
    }
    let expected = Bounds { first: 1, last: 3 };
    assert_eq!(log.bounds().await.unwrap(), expected);
    drop(keep);
}

/// Bytes, topics and origins survive, including the longest and most unusual valid ones.
pub async fn every_topic_and_origin_is_read_as_written(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let topics = [
        Topic::Identity,
        Topic::Account,
        Topic::Sync,
        commit("app.bsky.feed.post"),
        commit("a-b.c0.D9"),
        commit("com.example.identity"),
        Topic::Commit(longest_collection()),
    ];
    let longest_name = "r".repeat(UpstreamId::MAX_LEN);
    let upstreams = [":", "-._:", "relay:2470", "1", longest_name.as_str()];
    let times = [
        "2026-07-04T14:38:08Z",
        "2026-07-04t14:38:08.1z",
        "2026-12-31T23:59:60.00000000000000000000000000000000000000-00:00",
        "0000-01-01T00:00:00+23:59",
    ];
    let numbers = [(0, 0, 1), (u64::MAX, u32::MAX, u32::MAX), (1, 199, 200)];
    let mut written = Vec::new();
    for topic in &topics {
        for upstream in upstreams {
            for time in times {
                for (relay_seq, op_index, op_count) in numbers {
                    let mut event = new_event(written.len() as u64, topic.clone(), 0);
                    event.origin = Origin {
                        upstream: UpstreamId::new(upstream).unwrap(),
                        relay_seq,
                        op_index,
                        op_count,
                        time: time.parse().unwrap(),
                    };
                    written.push(event);
                }
            }
        }
    }
    append_all(&*log, 0, &written).await;
    let read = read_all(&*log, 1, &Selection::All, NO_LIMIT).await;
    assert_entries(&read, &written, 1);
    for (entry, n) in read.iter().zip(0..) {
        assert_eq!(entry.time().unwrap(), super::time_of(n));
    }
    drop(keep);
}

/// Far more events than any window: `acked` only grows, and never runs ahead.
pub async fn ten_thousand_events_are_pipelined_in_order(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let written = events(0, 10_000);
    within("append 10,000", async {
        let mut appender = log.appender(0).await.unwrap();
        let (mut queued, mut acked) = (0, 0);
        // Uneven batches, so that windows fill up in the middle of one.
        for piece in written.chunks(773) {
            appender.append(piece).await.unwrap();
            queued += piece.len() as u64;
            assert!(appender.acked() >= acked && appender.acked() <= queued);
            acked = appender.acked();
        }
        assert_eq!(appender.flush().await.unwrap(), 10_000);
        assert_eq!(appender.acked(), 10_000);
    })
    .await;
    let read = read_all(&*log, 1, &Selection::All, NO_LIMIT).await;
    assert_entries(&read, &written, 1);
    drop(keep);
}

/// Flushing without events returns at once.
pub async fn an_empty_append_and_a_flush_of_nothing_do_nothing(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let mut appender = log.appender(0).await.unwrap();
    appender.append(&[]).await.unwrap();
    assert_eq!(within("flush", appender.flush()).await.unwrap(), 0);
    appender.append(&[event(0)]).await.unwrap();
    assert_eq!(within("flush", appender.flush()).await.unwrap(), 1);
    assert_eq!(within("flush", appender.flush()).await.unwrap(), 1);
    drop(keep);
}

/// An event of 1.9 MiB is valid, and so is everything up to the limit.
pub async fn a_large_body_is_kept(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let written = [
        event(0),
        sized_event(1, (19 << 20) / 10),
        sized_event(2, MAX_BODY),
        event(3),
    ];
    append_all(&*log, 0, &written).await;
    let read = read_all(&*log, 1, &Selection::All, NO_LIMIT).await;
    assert_entries(&read, &written, 1);
    drop(keep);
}

/// The appender stops at the event that is too large: events before it may be stored, events behind it are not.
pub async fn a_body_over_the_limit_is_refused_with_all_behind_it(open: impl AsyncFn() -> Opened) {
    for bytes in [MAX_BODY + 1, (2 << 20) + 1, 5 << 20] {
        let Opened { log, keep, .. } = open().await;
        let mut appender = log.appender(0).await.unwrap();
        let written = [event(0), event(1), sized_event(2, bytes), event(3)];
        let error = within("append", appender.append(&written))
            .await
            .unwrap_err();
        assert!(matches!(error, AppendError::Refused(_)), "{error}");
        assert!(!error.is_retryable());
        assert!(appender.append(&[event(3)]).await.is_err());
        assert!(appender.flush().await.is_err());
        // A new appender continues behind whatever the log holds.
        let held = log.last().await.unwrap().map_or(0, |entry| entry.seq);
        let next = log.appender(held).await;
        let mut next = next.unwrap();
        let appended = within("append", async {
            next.append(&[event(4)]).await?;
            next.flush().await
        })
        .await;
        if appended.is_ok() {
            let read = read_all(&*log, 1, &Selection::All, NO_LIMIT).await;
            let (last, before) = read.split_last().unwrap();
            assert_entries(before, &written[..before.len()], 1);
            assert!(before.len() <= 2, "nothing from the rejected event on");
            assert_eq!(last.body, event(4).body);
        }
        drop(keep);
    }
}

/// An acknowledged event is visible to `last`, `bounds` and `read` alike.
pub async fn a_reader_sees_what_a_flush_acknowledged(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let mut appender = log.appender(0).await.unwrap();
    for round in 0..50 {
        let (from, to) = (round * 7, round * 7 + 7);
        appender.append(&events(from, to)).await.unwrap();
        assert_eq!(appender.flush().await.unwrap(), to);
        assert_eq!(log.bounds().await.unwrap().last, to);
        assert_eq!(log.last().await.unwrap().unwrap().seq, to);
        let read = read_all(&*log, from + 1, &Selection::All, NO_LIMIT).await;
        assert_entries(&read, &events(from, to), from + 1);
    }
    drop(keep);
}
