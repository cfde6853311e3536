//! Competing writers.

use super::samples::{NO_LIMIT, append_all, assert_entries, assert_same, entry, events, read_all};
use super::{Opened, within};
use crate::{AppendError, Appender, EventLog, NewEvent, Selection, Seq};

/// Appends and flushes; returns the error of either.
async fn try_append(appender: &mut dyn Appender, events: &[NewEvent]) -> Result<Seq, AppendError> {
    within("append", async {
        appender.append(events).await?;
        appender.flush().await
    })
    .await
}

fn assert_fenced(outcome: Result<Seq, AppendError>) {
    match outcome {
        Err(error @ AppendError::Fenced { .. }) => assert!(error.is_retryable()),
        other => panic!("expected Fenced, got {other:?}"),
    }
}

/// One history: the loser's events are stored nowhere.
pub async fn of_two_appenders_at_one_place_one_is_fenced(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let mut winner = log.appender(0).await.unwrap();
    let mut loser = log.appender(0).await.unwrap();
    assert_eq!(try_append(&mut *winner, &events(0, 3)).await.unwrap(), 3);
    assert_fenced(try_append(&mut *loser, &events(100, 105)).await);
    assert_eq!(loser.acked(), 0);
    assert_eq!(try_append(&mut *winner, &events(3, 5)).await.unwrap(), 5);
    let read = read_all(&*log, 1, &Selection::All, NO_LIMIT).await;
    assert_entries(&read, &events(0, 5), 1);
    drop(keep);
}

/// A writer that was overtaken by one event pipelines many more: one of them would get exactly the right seq.
pub async fn a_fenced_pipeline_stores_nothing_more(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let mut old = log.appender(0).await.unwrap();
    assert_eq!(try_append(&mut *old, &events(0, 10)).await.unwrap(), 10);
    append_all(&*log, 10, &events(10, 11)).await;
    assert_fenced(try_append(&mut *old, &events(500, 1500)).await);
    assert_eq!(old.acked(), 10);
    let read = read_all(&*log, 1, &Selection::All, NO_LIMIT).await;
    assert_entries(&read, &events(0, 11), 1);
    drop(keep);
}

/// Two writers pipeline at the same time and take over from each other again and again. Each stretch of one writer must
/// be an unbroken prefix of what it wanted to write.
pub async fn racing_pipelines_leave_one_unbroken_history_each(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let (left, right) = futures::join!(
        write_against_another(&*log, 1_000_000),
        write_against_another(&*log, 2_000_000)
    );
    let read = read_all(&*log, 1, &Selection::All, NO_LIMIT).await;
    let mut stretches = [left, right].concat();
    stretches.sort_by_key(|stretch| stretch.after);
    let mut at = 0;
    let mut acknowledged = 0;
    while at < read.len() {
        // The writers' events differ, so the body identifies the attempt of an entry.
        let stretch = stretches
            .iter()
            .find(|stretch| stretch.after == at as Seq && stretch.events[0].body == read[at].body)
            .unwrap_or_else(|| panic!("seq {} continues no pipeline", at + 1));
        let held = stretch
            .events
            .iter()
            .zip(&read[at..])
            .take_while(|(event, entry)| event.body == entry.body)
            .count();
        let expected: Vec<_> = stretch.events[..held]
            .iter()
            .zip(at as Seq + 1..)
            .map(|(event, seq)| entry(event, seq))
            .collect();
        assert_same(&read[at..at + held], &expected);
        assert!(
            (at + held) as Seq >= stretch.acked,
            "an acknowledged event is not in the log"
        );
        acknowledged += stretch.acked.saturating_sub(stretch.after);
        at += held;
    }
    let promised: Seq = stretches.iter().map(|s| s.acked - s.after).sum();
    assert_eq!(acknowledged, promised, "every acknowledgement was kept");
    drop(keep);
}

/// One appender: where it started, what it wanted to write, how far it was acknowledged.
#[derive(Clone)]
struct Stretch {
    after: Seq,
    events: Vec<NewEvent>,
    acked: Seq,
}

async fn write_against_another(log: &dyn EventLog, mut n: u64) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    for round in 0..30 {
        let after = log.bounds().await.unwrap().last;
        let mut appender = log.appender(after).await.unwrap();
        let written = events(n, n + 40 + round % 7);
        n += written.len() as u64;
        let outcome = within("append", async {
            // Small batches let the other writer in between.
            for piece in written.chunks(3) {
                appender.append(piece).await?;
                tokio::task::yield_now().await;
            }
            appender.flush().await
        })
        .await;
        if outcome.is_err() {
            assert_fenced(outcome);
        }
        stretches.push(Stretch {
            after,
            events: written,
            acked: appender.acked(),
        });
    }
    stretches
}

/// The only place to write is directly behind the end.
pub async fn a_stale_and_a_premature_appender_are_fenced(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    append_all(&*log, 0, &events(0, 20)).await;
    for after in [0, 1, 19, 21, 1000] {
        let mut appender = log.appender(after).await.unwrap();
        assert_eq!(appender.acked(), after);
        // Longer than the distance to the end, so that a later event has the right seq.
        assert_fenced(try_append(&mut *appender, &events(100, 140)).await);
    }
    let read = read_all(&*log, 1, &Selection::All, NO_LIMIT).await;
    assert_entries(&read, &events(0, 20), 1);
    drop(keep);
}

/// Even where its next event would fit.
pub async fn a_finished_appender_stays_finished(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let mut early = log.appender(3).await.unwrap();
    assert_fenced(try_append(&mut *early, &events(100, 101)).await);
    append_all(&*log, 0, &events(0, 3)).await;
    assert!(early.append(&events(3, 4)).await.is_err());
    assert!(early.flush().await.is_err());
    assert_eq!(log.bounds().await.unwrap().last, 3);
    drop(keep);
}

/// A leader resumes at what the log holds.
pub async fn after_an_error_a_new_appender_continues_from_last(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let written = events(0, 60);
    append_all(&*log, 0, &written[..20]).await;
    let mut fenced = log.appender(10).await.unwrap();
    assert_fenced(try_append(&mut *fenced, &written[10..30]).await);
    let last = log.last().await.unwrap().unwrap();
    assert_eq!(last.origin, written[19].origin);
    append_all(&*log, last.seq, &written[20..]).await;
    let read = read_all(&*log, 1, &Selection::All, NO_LIMIT).await;
    assert_entries(&read, &written, 1);
    drop(keep);
}
