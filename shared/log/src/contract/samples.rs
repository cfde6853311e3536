//! Sample events, and the helpers that most cases use to append and read them.

use std::fmt::Write;

use bytes::Bytes;
use fanjet_event::{Action, Datetime, Did, Nsid, RecordKey, Tid, TimeUs, Topic};
use fanjet_wire::v1::{self, CommitHead};

use super::within;
use crate::{Entry, EventLog, NewEvent, Origin, ReadLimit, Selection, Seq, UpstreamId};

const FIRST_TIME_US: u64 = 1_783_175_888_000_000;
const COLLECTIONS: [&str; 6] = [
    "app.bsky.feed.like",
    "app.bsky.feed.post",
    "app.bsky.graph.follow",
    "app.bsky.graphic.thing",
    "app.bsky.feed.post.reply",
    "xn--80ak6aa92e.com.Thing2",
];

/// The log time of [`event`] `n`. Ten microseconds apart, so that there are times between them.
pub fn time_of(n: u64) -> TimeUs {
    TimeUs::new(FIRST_TIME_US + n * 10).unwrap()
}

/// The `n`-th sample; topics of every kind alternate.
pub fn event(n: u64) -> NewEvent {
    match n % 10 {
        7 => new_event(n, Topic::Identity, 0),
        8 => new_event(n, Topic::Account, 0),
        9 => new_event(n, Topic::Sync, 0),
        kind => new_event(n, commit(COLLECTIONS[kind as usize % 6]), 0),
    }
}

/// Samples `from..to`.
pub fn events(from: u64, to: u64) -> Vec<NewEvent> {
    (from..to).map(event).collect()
}

/// The `n`-th sample with a body of exactly `bytes`.
pub fn sized_event(n: u64, bytes: usize) -> NewEvent {
    let plain = new_event(n, Topic::Identity, 1).body.len() - 1;
    new_event(n, Topic::Identity, bytes - plain)
}

/// A commit topic.
pub(super) fn commit(collection: &str) -> Topic {
    Topic::Commit(collection.parse().unwrap())
}

/// An event about `topic`. Only identity events can be padded, by their handle.
pub(super) fn new_event(n: u64, topic: Topic, padding: usize) -> NewEvent {
    NewEvent {
        trace: None,
        body: body(n, &topic, padding),
        topic,
        origin: Origin {
            upstream: UpstreamId::new("relay1.us-east.bsky.network").unwrap(),
            relay_seq: 30_000_000_000 + n / 3,
            op_index: (n % 3) as u32,
            op_count: 3,
            time: "2026-07-04T14:38:08.999Z".parse().unwrap(),
        },
    }
}

fn body(n: u64, topic: &Topic, padding: usize) -> Bytes {
    // DIDs may contain `_` and `:`; backends must treat a body as opaque bytes.
    let mut did = String::from("did:web:under_score.example:");
    write!(did, "{}", n % 17).unwrap();
    let did = Did::parse(did.as_str()).unwrap();
    let time = Datetime::parse("2026-07-04T14:38:08.999Z").unwrap();
    let rev = Tid::from_parts(FIRST_TIME_US + n, 1);
    let mut out = Vec::new();
    match topic {
        Topic::Commit(collection) => {
            let head = CommitHead {
                did,
                rev,
                action: Action::Delete,
                collection: collection.borrowed(),
                rkey: RecordKey::parse("3jui7kd54zh2y").unwrap(),
            };
            v1::begin_commit(&mut out, &head);
            v1::end_delete(&mut out);
        }
        Topic::Identity => {
            let handle = "h".repeat(padding);
            let handle = (padding > 0).then_some(handle.as_str());
            v1::write_identity(&mut out, did, handle, n, time);
        }
        Topic::Account => v1::write_account(&mut out, did, true, None, n, time),
        Topic::Sync => v1::write_sync(&mut out, did, rev, &[0xde, 0xad], n, time),
        Topic::Frame(_) | Topic::Labels(_) => panic!("no event: see `frames`"),
    }
    assert!(v1::stamp(&mut out, time_of(n)));
    out.into()
}

/// A collection name of maximum length.
pub(super) fn longest_collection() -> Nsid {
    let segment = "a".repeat(63);
    let name = format!("{segment}.{segment}.{segment}.{segment}.{}", "N".repeat(61));
    assert_eq!(name.len(), 317);
    name.parse().unwrap()
}

/// A limit that no case reaches.
pub(super) const NO_LIMIT: ReadLimit = ReadLimit {
    entries: usize::MAX,
    bytes: usize::MAX,
};

/// Appends behind `after` with a new appender and waits for the acknowledgement.
pub(super) async fn append_all(log: &dyn EventLog, after: Seq, events: &[NewEvent]) -> Seq {
    within("append", async {
        let mut appender = log.appender(after).await.unwrap();
        appender.append(events).await.unwrap();
        appender.flush().await.unwrap()
    })
    .await
}

/// Every entry that is kept, oldest first.
pub async fn whole(log: &dyn EventLog) -> Vec<Entry> {
    read_all(log, 0, &Selection::All, NO_LIMIT).await
}

/// Reads to the end, and checks that every page advances.
pub(super) async fn read_all(
    log: &dyn EventLog,
    from: Seq,
    selection: &Selection,
    limit: ReadLimit,
) -> Vec<Entry> {
    within("read to the end", async {
        let mut entries: Vec<Entry> = Vec::new();
        let mut next = from;
        loop {
            let page = log.read(next, selection, limit).await.unwrap();
            check_page(&page, next);
            entries.extend(page.entries);
            if page.at_end {
                return entries;
            }
            assert!(page.next > next, "a page that is not at the end moves on");
            next = page.next;
        }
    })
    .await
}

/// Checks the invariants of every page read from `from`.
pub(super) fn check_page(page: &crate::Page, from: Seq) {
    assert!(page.next >= from, "next never goes back");
    assert!(page.entries.iter().all(|entry| entry.seq >= from));
    assert!(page.entries.is_sorted_by(|a, b| a.seq < b.seq));
    if let Some(last) = page.entries.last() {
        assert!(page.next > last.seq, "next is above what was looked at");
    }
}

/// Asserts that `entries` are exactly `expected`, numbered from `first`.
pub(super) fn assert_entries(entries: &[Entry], expected: &[NewEvent], first: Seq) {
    let expected: Vec<Entry> = expected
        .iter()
        .zip(first..)
        .map(|(event, seq)| entry(event, seq))
        .collect();
    assert_same(entries, &expected);
}

/// Asserts that two lists are equal, and reports where they differ instead of printing thousands of entries.
pub(super) fn assert_same(entries: &[Entry], expected: &[Entry]) {
    for (got, want) in entries.iter().zip(expected) {
        assert_eq!(got, want);
    }
    assert_eq!(entries.len(), expected.len(), "how many entries");
}

/// The entry of an event at `seq`.
pub(super) fn entry(event: &NewEvent, seq: Seq) -> Entry {
    Entry {
        seq,
        topic: event.topic.clone(),
        origin: event.origin.clone(),
        body: event.body.clone(),
        trace: None,
    }
}
