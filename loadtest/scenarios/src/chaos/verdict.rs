//! The log and every client's stream, compared with what the simulator published.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fanjet_log::EventLog;
use fanjet_log_nats::NatsLog;
use fanjet_oracle::{Expected, Filter, Key, LogJudge, Matcher, Verdict, split};

use super::client::{Habit, Record};
use crate::whole_log;

const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// The time of events that were not published.
const UNKNOWN: Key = (0, u32::MAX);

/// Reads the whole log; returns the verdict, and the time of each event in it.
pub(super) async fn judge_log(
    log: &NatsLog,
    expected: &[Expected],
) -> Result<(Verdict, HashMap<Key, u64>)> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let held = log
            .bounds()
            .await
            .map(|bounds| bounds.last + 1 - bounds.first);
        if held.is_ok_and(|held| held >= expected.len() as u64) {
            break;
        }
        tokio::time::sleep(POLL).await;
    }
    whole_log::judge_log(log, expected).await
}

/// The events that a client with this habit must receive.
pub(super) fn wanted(habit: &Habit, expected: &[Expected]) -> Vec<Expected> {
    let filter = Filter::of_collections(habit.collections.as_slice());
    let matcher = Matcher::new(&filter);
    let is_wanted = |event: &&Expected| {
        let is_served = event.v1.is_some() || habit.stream.has_syncs();
        is_served && matcher.matches(&event.did, event.collection.as_deref())
    };
    expected.iter().filter(is_wanted).cloned().collect()
}

/// The verdict on a stream. Its times must be the log's.
pub(super) fn judge_client(
    habit: &Habit,
    record: &Record,
    expected: &[Expected],
    times: &HashMap<Key, u64>,
) -> Result<Verdict> {
    let wanted = wanted(habit, expected);
    let texts = wanted
        .iter()
        .filter_map(|event| Some((event.v1.as_deref()?, event.key())));
    let keys: HashMap<&str, Key> = texts.collect();
    let syncs = wanted.iter().filter(|event| event.v1.is_none());
    let syncs: HashMap<u64, &Expected> = syncs.map(|event| (event.relay_seq, event)).collect();
    let mut judge = LogJudge::new(&wanted);
    let mut other_times = 0;
    let mut complaints = Vec::new();
    for event in &record.events {
        let json = &event.json;
        let key = match event.sync {
            Some(relay_seq) => {
                let of_repo = format!(
                    r#"{{"did":"{}","#,
                    syncs.get(&relay_seq).map_or("", |it| &it.did)
                );
                let found = syncs.get(&relay_seq).filter(|_| json.starts_with(&of_repo));
                found.map(|event| event.key())
            }
            None => {
                let text = without_time(json).context("an event without time_us")?;
                keys.get(text.as_str()).copied()
            }
        };
        if key.is_none() {
            complaints.push(format!("{}: not published: {json}", habit.name));
        }
        if key.is_some_and(|key| times.get(&key) != Some(&event.time)) {
            other_times += 1;
            let what = format!("{}: time differs from the log: {json}", habit.name);
            complaints.push(what);
        }
        judge.see(key.unwrap_or(UNKNOWN), event.time, json);
    }
    let mut verdict = judge.finish();
    verdict.differ += other_times;
    for complaint in complaints {
        verdict.object(|| complaint);
    }
    Ok(verdict)
}

/// As the simulator writes it: with the time 0.
fn without_time(event: &str) -> Option<String> {
    let (before, _, behind) = split(event.as_bytes())?;
    let (before, behind) = (before.len(), event.len() - behind.len());
    Some(format!("{}0{}", &event[..before], &event[behind..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::{Event, Stream};

    const ALL: Habit = Habit {
        name: "all",
        stream: Stream::V1,
        collections: None,
        wanders: false,
        leaves_after: None,
    };
    const FEED: Habit = Habit {
        collections: Some("app.bsky.feed.*"),
        ..ALL
    };

    fn event(seq: u64, time: u64) -> String {
        format!(r#"{{"did":"did:plc:x","time_us":{time},"kind":"commit","seq":{seq}}}"#)
    }

    fn received(seq: u64, time: u64) -> Event {
        let is_sync = seq == 4;
        let json = event(seq, time);
        Event {
            cursor: seq,
            time,
            json: if is_sync {
                json.replace("commit", "sync")
            } else {
                json
            },
            sync: is_sync.then_some(seq),
        }
    }

    /// Two of the feed, one elsewhere, an identity, and one that clients never see.
    fn expected() -> Vec<Expected> {
        let line = |(seq, collection, v1): (u64, Option<&str>, Option<String>)| {
            serde_json::from_value(serde_json::json!({
                "relay_seq": seq, "op_index": 0, "op_count": 1, "did": "did:plc:x", "collection": collection, "v1": v1,
            }))
        };
        let lines = [
            (1, Some("app.bsky.feed.post"), Some(event(1, 0))),
            (2, Some("app.bsky.graph.follow"), Some(event(2, 0))),
            (3, None, Some(event(3, 0))),
            (4, None, None),
            (5, Some("app.bsky.feed.like"), Some(event(5, 0))),
        ];
        lines.map(|it| line(it).unwrap()).to_vec()
    }

    /// Counts of missing, repeated, reordered and different events, of a client that received these (seq, time).
    fn judged(habit: &Habit, got: &[(u64, u64)]) -> [u64; 4] {
        let times = (1..=5).map(|seq| ((seq, 0), 10 * seq)).collect();
        let record = Record {
            events: got.iter().map(|&(seq, time)| received(seq, time)).collect(),
            ..Record::default()
        };
        let verdict = judge_client(habit, &record, &expected(), &times).unwrap();
        [
            verdict.missing,
            verdict.repeated,
            verdict.reordered,
            verdict.differ,
        ]
    }

    #[test]
    fn a_stream_is_measured_by_its_filter_and_the_log() {
        let all = [(1, 10), (2, 20), (3, 30), (5, 50)];
        assert_eq!(judged(&ALL, &all), [0, 0, 0, 0]);
        assert_eq!(judged(&FEED, &[(1, 10), (3, 30), (5, 50)]), [0, 0, 0, 0]);
        assert_eq!(judged(&FEED, &all), [0, 0, 0, 1]);
        assert_eq!(judged(&ALL, &all[1..]), [1, 0, 0, 0]);
        let twice = [(1, 10), (2, 20), (2, 20), (3, 30), (5, 50)];
        assert_eq!(judged(&ALL, &twice)[..2], [0, 1]);
        let swapped = [(1, 10), (3, 30), (2, 20), (5, 50)];
        assert_eq!(judged(&ALL, &swapped), [0, 0, 1, 0]);
        let other_time = [(1, 10), (2, 21), (3, 30), (5, 50)];
        assert_eq!(judged(&ALL, &other_time), [0, 0, 0, 1]);
        // v1 has no sync event, and v2 must have each.
        let with_sync = [(1, 10), (2, 20), (3, 30), (4, 40), (5, 50)];
        assert_eq!(judged(&ALL, &with_sync), [0, 0, 0, 1]);
        let v2 = Habit {
            stream: Stream::V2Zstd,
            ..ALL
        };
        assert_eq!(judged(&v2, &with_sync), [0, 0, 0, 0]);
        assert_eq!(judged(&v2, &all), [1, 0, 0, 0]);
        let foreign = [(1, 10), (2, 20), (3, 30), (5, 50), (9, 90)];
        assert_eq!(judged(&ALL, &foreign), [0, 0, 0, 1]);
    }
}
