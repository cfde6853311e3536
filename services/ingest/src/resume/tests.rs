use bytes::Bytes;
use fanjet_event::{Datetime, Did, Topic};
use fanjet_log::NewEvent;
use fanjet_log::memory::{MemoryBookmarks, MemoryLog, Reads};
use fanjet_wire::v1;

use super::*;
use crate::bookmark::KEY;

const NOW: u64 = 1_783_175_888_000_000;

fn upstream(name: &str) -> UpstreamId {
    UpstreamId::new(name).unwrap()
}

fn event(index: u64, (name, relay_seq): (&str, u64)) -> NewEvent {
    let time = Datetime::parse("2026-05-25T14:23:29Z").unwrap();
    let did = Did::parse("did:plc:ux2eeflheratfrvp3xfbp4zi").unwrap();
    let mut body = Vec::new();
    v1::write_identity(&mut body, did, None, relay_seq, time);
    assert!(v1::stamp(&mut body, TimeUs::new(NOW + index).unwrap()));
    NewEvent {
        trace: None,
        topic: Topic::Identity,
        origin: Origin {
            upstream: upstream(name),
            relay_seq,
            op_index: 0,
            op_count: 1,
            time: time.shared(),
        },
        body: Bytes::from(body),
    }
}

/// What is read from a log of these origins, and how much of it beside the last entry.
async fn read(origins: &[(&str, u64)], has_fallbacks: bool) -> (Resume, Reads) {
    let log = MemoryLog::new();
    let events: Vec<_> = (0..)
        .zip(origins)
        .map(|(index, &origin)| event(index, origin))
        .collect();
    let mut appender = log.appender(0).await.unwrap();
    appender.append(&events).await.unwrap();
    let positions = MemoryBookmarks::default();
    let resume = Resume::read(&log, &positions, has_fallbacks).await.unwrap();
    assert_eq!(resume.seq, origins.len() as u64);
    let last = origins.last().unwrap();
    assert_eq!(resume.origin.as_ref().unwrap().relay_seq, last.1);
    (resume, log.reads())
}

/// `count` consecutive events of one upstream.
fn run(name: &str, from: u64, count: u64) -> Vec<(&str, u64)> {
    (from..from + count).map(|seq| (name, seq)).collect()
}

#[tokio::test]
async fn with_one_upstream_only_the_last_messages_are_read() {
    let (resume, reads) = read(&run("relay", 1, 50_000), false).await;
    assert!(!resume.is_mixed);
    let entries = 1 + RecentTimes::KEPT as u64;
    assert_eq!(reads, Reads { pages: 2, entries });
    let place = resume.place_in(&upstream("relay")).unwrap();
    assert_eq!(place.seq, 50_000);
    assert!(resume.place_in(&upstream("other")).is_none());
}

#[tokio::test]
async fn with_one_upstream_a_recent_switch_is_noticed() {
    let switched = [run("old", 1, 200), run("relay", 1_000, 100)].concat();
    assert!(read(&switched, false).await.0.is_mixed);
    let renumbered = [run("relay", 1_000, 200), run("relay", 1, 100)].concat();
    assert!(read(&renumbered, false).await.0.is_mixed);
    let long_ago = [run("old", 1, 200), run("relay", 1_000, SETTLED)].concat();
    assert!(!read(&long_ago, false).await.0.is_mixed);
}

#[tokio::test]
async fn with_several_upstreams_turns_in_between_are_noticed() {
    let turns = [
        run("relay", 1, 12_000),
        run("other", 7, 50),
        run("relay", 12_100, 500),
    ]
    .concat();
    let (resume, reads) = read(&turns, true).await;
    assert!(resume.is_mixed);
    assert_eq!(reads.entries, SETTLED);
    assert!(!read(&run("relay", 1, 12_000), true).await.0.is_mixed);
}

/// A log without events, and the bookmark beside it: where to resume, what the log gained since, what it lost.
#[tokio::test]
async fn a_log_that_keeps_nothing_still_ends_somewhere() {
    let log = MemoryLog::new();
    let mut appender = log.appender(0).await.unwrap();
    let events: Vec<_> = (0..30).map(|n| event(n, ("relay", 100 + n))).collect();
    appender.append(&events).await.unwrap();
    log.expire(30);
    let positions = MemoryBookmarks::default();
    let read = async || Resume::read(&log, &positions, false).await.unwrap();
    let resume = read().await;
    assert_eq!((resume.seq, resume.is_origin_unknown()), (30, true));
    assert!(resume.place_in(&upstream("relay")).is_none());
    let this = log.identity().await.unwrap().to_string();
    for (recorded_of, end, place, taken, lost) in [
        (&*this, 30, Some(129), 0, 0),
        (&*this, 28, Some(129), 2, 0),
        (&*this, 35, Some(129), 0, 5),
        ("another log", 28, None, 0, 0),
    ] {
        let bookmark = Bookmark {
            log: recorded_of.to_owned(),
            end,
            log_time_us: Some(NOW + 29),
            upstream: "relay".to_owned(),
            relay_seq: Some(129),
            time_us: 0,
        };
        let record = serde_json::to_vec(&bookmark).unwrap();
        positions.set(KEY, record.into()).await.unwrap();
        let resume = read().await;
        let cursor = resume.place_in(&upstream("relay")).map(|it| it.seq);
        assert_eq!(
            (
                resume.seq,
                cursor,
                resume.taken_since_recorded(),
                resume.lost(0)
            ),
            (30, place, taken, lost),
            "{bookmark:?}"
        );
        assert_eq!(resume.is_origin_unknown(), place.is_none());
        assert_eq!(resume.time.is_some(), place.is_some());
        assert!(resume.place_in(&upstream("other")).is_none());
    }
}

/// What is recorded is never authentic above the log.
#[tokio::test]
async fn the_last_event_counts_for_more_than_the_record() {
    let log = MemoryLog::new();
    let mut appender = log.appender(0).await.unwrap();
    appender.append(&[event(0, ("relay", 100))]).await.unwrap();
    let positions = MemoryBookmarks::default();
    let bookmark = Bookmark {
        log: log.identity().await.unwrap().to_string(),
        end: 1,
        log_time_us: None,
        upstream: "relay".to_owned(),
        relay_seq: Some(5_000),
        time_us: 0,
    };
    let record = serde_json::to_vec(&bookmark).unwrap();
    positions.set(KEY, record.into()).await.unwrap();
    let resume = Resume::read(&log, &positions, false).await.unwrap();
    assert_eq!(resume.place_in(&upstream("relay")).unwrap().seq, 100);
    assert_eq!(resume.last_operation().unwrap().1, (100, 0));
}

#[test]
fn a_log_that_was_just_made_is_no_loss() {
    let made = |unix: u64| first_seq(unix * 1_000_000) - 1;
    for (end, new) in [
        (0, true),
        (made(1_783_175_887), true),
        (30, false),
        (4_000_000_123, false),
    ] {
        assert_eq!(is_new(end), new, "{end}");
    }
}
