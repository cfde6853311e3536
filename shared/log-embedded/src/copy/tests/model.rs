//! Random lives of a copy compared with a map.

use std::collections::BTreeMap;
use std::fs;

use fanjet_event::Nsid;
use fanjet_log::TopicFilter;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum LifeAction {
    Append {
        count: u64,
        hidden: u64,
        hole: u64,
    },
    Past {
        count: u64,
        hidden: u64,
    },
    Reopen,
    /// The process dies in the middle of a write.
    Torn {
        bytes: u64,
    },
    Read {
        from: f64,
        selection: usize,
        limit: ReadLimit,
    },
    SeqAt {
        place: f64,
    },
}

fn step() -> impl Strategy<Value = LifeAction> {
    let limit =
        (1..60_usize, 0..9_000_usize).prop_map(|(entries, bytes)| ReadLimit { entries, bytes });
    prop_oneof![
        4 => (1..300_u64, 0..9_u64, 0..200_u64).prop_map(|(count, hidden, hole)| LifeAction::Append { count, hidden, hole }),
        2 => (1..400_u64, 0..9_u64).prop_map(|(count, hidden)| LifeAction::Past { count, hidden }),
        1 => Just(LifeAction::Reopen),
        1 => (0..2_000_u64).prop_map(|bytes| LifeAction::Torn { bytes }),
        4 => (0.0..1.0, 0..3_usize, limit).prop_map(|(from, selection, limit)| LifeAction::Read { from, selection, limit }),
        2 => (0.0..1.0).prop_map(|place| LifeAction::SeqAt { place }),
    ]
}

fn selection(number: usize) -> Selection {
    match number {
        0 => Selection::All,
        1 => Selection::only([TopicFilter::Account, TopicFilter::Identity]),
        _ => {
            let like: Nsid = "app.bsky.feed.like".parse().unwrap();
            Selection::only([TopicFilter::Collection(like)])
        }
    }
}

async fn run(steps: Vec<LifeAction>) {
    let folder = tempfile::tempdir().unwrap();
    let mut copy = create(&folder, 100_000).await;
    let mut first = 100_000;
    let mut next = first;
    let mut model: BTreeMap<Seq, Copied> = BTreeMap::new();
    for step in steps {
        match step {
            LifeAction::Append {
                count,
                hidden,
                hole,
            } => {
                let events = some(next..next + count, hidden);
                next += count + hole;
                copy.appender().append(&events, next).await.unwrap();
                model.extend(events.into_iter().map(|event| (event.seq, event)));
            }
            LifeAction::Past { count, hidden } => {
                let from = first - count;
                assert!(add_past(&copy, from..first, hidden).await);
                model.extend(
                    some(from..first, hidden)
                        .into_iter()
                        .map(|event| (event.seq, event)),
                );
                first = from;
            }
            LifeAction::Reopen => {
                drop(copy);
                copy = open(&folder).await.unwrap().unwrap();
            }
            LifeAction::Torn { bytes } => {
                let newest = Arc::clone(&copy.inner.shared.state.read().active.path);
                drop(copy);
                let file = fs::OpenOptions::new().write(true).open(&newest).unwrap();
                let len = file.metadata().unwrap().len();
                file.set_len(len.saturating_sub(bytes).max(32)).unwrap();
                copy = open(&folder).await.unwrap().unwrap();
                let end = copy.bounds().last + 1;
                assert!(end <= next);
                next = end;
                model.retain(|seq, _| *seq < next);
            }
            LifeAction::Read {
                from,
                selection: number,
                limit,
            } => {
                let from = first + ((next - first) as f64 * from) as u64;
                let selection = selection(number);
                let page = copy.read(from, &selection, limit).await.unwrap();
                assert!(page.at_end || page.next > from);
                let expected: Vec<_> = model
                    .range(from..page.next)
                    .map(|(_, event)| event)
                    .filter(|event| selection.matches(&event.topic))
                    .collect();
                assert_eq!(page.entries.len(), expected.len());
                for (found, expected) in page.entries.iter().zip(expected) {
                    assert_eq!(
                        (found.seq, &found.topic, &found.body),
                        (expected.seq, &expected.topic, &expected.body)
                    );
                }
            }
            LifeAction::SeqAt { place } => {
                let seq = first + ((next - first) as f64 * place) as u64;
                let expected = model.range(seq..).next().map_or(next, |(seq, _)| *seq);
                assert_eq!(copy.seq_at(time_of(seq)).await.unwrap(), expected);
            }
        }
        assert_eq!(
            copy.bounds(),
            Bounds {
                first,
                last: next - 1
            }
        );
    }
    let all: Vec<_> = model.into_values().collect();
    assert_eq!(whole(&copy, &Selection::All, NO_LIMIT).await.unwrap(), all);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_lives_match_a_map(steps in prop::collection::vec(step(), 1..50)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(run(steps));
    }
}
