//! Random histories compared with the simplest log: a `Vec`.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::read::{matching, selections};
use super::samples::{check_page, event, events, time_of};
use super::{Opened, within};
use crate::{AppendError, Appender, Bounds, NewEvent, ReadLimit, Seq};

const WRITERS: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    /// A writer opens at the end, or beside it.
    Open { writer: usize, beside: i64 },
    /// A writer that was opened earlier appends and flushes; others may have written since.
    Append { writer: usize, count: u64 },
    /// One page from some part of the log.
    Read {
        from: f64,
        selection: usize,
        limit: ReadLimit,
    },
    /// The seq at a time in the log, or outside it.
    SeqAt { place: f64, offset: i64 },
    /// The bounds.
    Ends,
}

/// Interleaves writers, including fenced ones, and readers.
pub async fn random_histories_match_a_vec(open: impl AsyncFn() -> Opened) {
    let config = Config {
        cases: 24,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    };
    let steps = prop::collection::vec(step(), 1..60);
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        TestRunner::new(config)
            .run(&steps, |steps| {
                runtime.block_on(async { run(open().await, steps).await })
            })
            .unwrap();
    });
}

fn step() -> impl Strategy<Value = Step> {
    let limit =
        (1..50_usize, 0..5_000_usize).prop_map(|(entries, bytes)| ReadLimit { entries, bytes });
    let beside = prop_oneof![3 => Just(0), 1 => -3..4_i64];
    prop_oneof![
        3 => (0..WRITERS, beside).prop_map(|(writer, beside)| Step::Open { writer, beside }),
        6 => (0..WRITERS, 1..40_u64).prop_map(|(writer, count)| Step::Append { writer, count }),
        3 => (0.0..1.1, 0..selections().len(), limit)
            .prop_map(|(from, selection, limit)| Step::Read { from, selection, limit }),
        1 => (0.0..1.0, -15..15_i64).prop_map(|(place, offset)| Step::SeqAt { place, offset }),
        1 => Just(Step::Ends),
    ]
}

async fn run(opened: Opened, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let Opened { log, keep, .. } = opened;
    let selections = selections();
    let mut model: Vec<NewEvent> = Vec::new();
    let mut writers: [Option<Box<dyn Appender>>; WRITERS] = [None, None, None];
    for step in steps {
        let end = model.len() as Seq;
        match step {
            Step::Open { writer, beside } => {
                let after = end.saturating_add_signed(beside);
                writers[writer] = Some(log.appender(after).await.unwrap());
            }
            Step::Append { writer, count } => {
                let Some(appender) = &mut writers[writer] else {
                    continue;
                };
                let wanted = events(end, end + count);
                let before = appender.acked();
                let outcome = within("append", async {
                    appender.append(&wanted).await?;
                    appender.flush().await
                })
                .await;
                if before == end {
                    prop_assert_eq!(outcome.unwrap(), end + count);
                    model.extend(wanted);
                } else {
                    let is_fenced = matches!(outcome, Err(AppendError::Fenced { .. }));
                    prop_assert!(is_fenced, "expected Fenced, got {:?}", outcome);
                    prop_assert_eq!(appender.acked(), before);
                    writers[writer] = None;
                }
            }
            Step::Read {
                from,
                selection,
                limit,
            } => {
                let from = (end as f64 * from) as Seq;
                let selection = &selections[selection];
                let page = log.read(from, selection, limit).await.unwrap();
                check_page(&page, from);
                let all = matching(&model, selection);
                let skipped = all.partition_point(|entry| entry.seq < from);
                let looked_at = all.partition_point(|entry| entry.seq < page.next);
                prop_assert_eq!(&page.entries, &all[skipped..looked_at.max(skipped)]);
                prop_assert!(page.entries.len() <= limit.entries);
                let bytes: usize = page.entries.iter().map(|entry| entry.body.len()).sum();
                prop_assert!(bytes <= limit.bytes || page.entries.len() == 1);
                prop_assert_eq!(page.at_end, page.next > end);
            }
            Step::SeqAt { place, offset } => {
                let n = (end as f64 * place) as u64;
                let us = time_of(n).get().saturating_add_signed(offset);
                let time = fanjet_event::TimeUs::new(us).unwrap();
                let expected = (0..end).take_while(|&n| time_of(n) < time).count() as Seq + 1;
                prop_assert_eq!(log.seq_at(time).await.unwrap(), expected);
            }
            Step::Ends => {
                let expected = Bounds {
                    first: 1,
                    last: end,
                };
                prop_assert_eq!(log.bounds().await.unwrap(), expected);
                let last = log.last().await.unwrap();
                prop_assert_eq!(last.as_ref().map(|entry| entry.seq).unwrap_or(0), end);
                prop_assert_eq!(
                    last.map(|entry| entry.body),
                    end.checked_sub(1).map(|n| event(n).body)
                );
            }
        }
    }
    drop(keep);
    Ok(())
}
