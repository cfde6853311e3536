//! Expiry of the oldest entries. Backends that cannot force it skip these cases.

use futures::StreamExt;

use super::samples::{NO_LIMIT, append_all, assert_entries, events, read_all, time_of};
use super::{Opened, within};
use crate::{Bounds, Selection};

/// The remaining entries keep their seqs, and every kind of read starts at the oldest one.
pub async fn retention_moves_first_and_keeps_numbering(open: impl AsyncFn() -> Opened) {
    let Opened { log, expire, keep } = open().await;
    let Some(expire) = expire else {
        eprintln!("skipped: this backend cannot force retention");
        return;
    };
    let written = events(0, 100);
    append_all(&*log, 0, &written).await;
    within("expire", expire(40)).await;
    let expected = Bounds {
        first: 41,
        last: 100,
    };
    assert_eq!(log.bounds().await.unwrap(), expected);
    for from in [0, 1, 40, 41] {
        let read = read_all(&*log, from, &Selection::All, NO_LIMIT).await;
        assert_entries(&read, &written[40..], 41);
        let mut follow = log.follow(from, &Selection::All).await.unwrap();
        let batch = within("follow", follow.next()).await.unwrap().unwrap();
        assert_entries(&batch[..1], &written[40..41], 41);
    }
    for time in [time_of(0), time_of(39), time_of(40)] {
        assert_eq!(log.seq_at(time).await.unwrap(), 41);
    }
    assert_eq!(log.seq_at(time_of(41)).await.unwrap(), 42);
    assert_eq!(append_all(&*log, 100, &events(100, 103)).await, 103);
    drop(keep);
}

/// The numbering never starts over; cursors depend on it.
pub async fn a_log_that_forgot_everything_remembers_its_last_seq(open: impl AsyncFn() -> Opened) {
    let Opened { log, expire, keep } = open().await;
    let Some(expire) = expire else {
        eprintln!("skipped: this backend cannot force retention");
        return;
    };
    append_all(&*log, 0, &events(0, 30)).await;
    within("expire", expire(30)).await;
    let bounds = log.bounds().await.unwrap();
    assert_eq!(
        bounds,
        Bounds {
            first: 31,
            last: 30
        }
    );
    assert!(bounds.is_empty());
    assert_eq!(log.last().await.unwrap(), None);
    for from in [0, 1, 31] {
        let page = log.read(from, &Selection::All, NO_LIMIT).await.unwrap();
        assert_eq!((page.entries, page.next, page.at_end), (vec![], 31, true));
    }
    assert_eq!(log.seq_at(time_of(0)).await.unwrap(), 31);
    let mut stale = log.appender(0).await.unwrap();
    let outcome = within("append", async {
        stale.append(&events(90, 95)).await?;
        stale.flush().await
    })
    .await;
    assert!(outcome.is_err());
    let mut follow = log.follow(1, &Selection::All).await.unwrap();
    assert_eq!(append_all(&*log, 30, &events(30, 32)).await, 32);
    let batch = within("follow", async {
        loop {
            let batch = follow.next().await.unwrap().unwrap();
            if !batch.is_empty() {
                return batch;
            }
        }
    })
    .await;
    assert_entries(&batch[..1], &events(30, 31), 31);
    drop(keep);
}
