//! Logs of labels: any bytes, each of one labeler.

use std::sync::Arc;

use bytes::Bytes;
use fanjet_event::{Did, LabelStamp, Topic};

use super::Opened;
use super::follow::assert_followed;
use super::samples::{NO_LIMIT, append_all, assert_entries, read_all, time_of};
use crate::{NewEvent, Origin, ReadLimit, Selection, TopicFilter, UpstreamId};

/// Names that differ only in what a backend might have to escape.
const LABELERS: [&str; 5] = [
    "did:plc:ar7c4by46qjdydhdevvrndac",
    "did:web:labels.example",
    "did:web:labels%2Eexample",
    "did:web:labels%252Eexample",
    "did:web:labels.example%3A8080",
];

fn labeler(n: u64) -> Did {
    // The last one has few.
    let at = if n % 50 == 49 { 4 } else { n % 4 };
    Did::parse(LABELERS[at as usize]).unwrap().shared()
}

/// The `n`-th sample frame. Not JSON, nor text.
pub fn labels_frame(n: u64) -> NewEvent {
    let labeler = labeler(n);
    let body: Vec<u8> = (0..300 + n % 90).map(|at| (at ^ n) as u8).collect();
    NewEvent {
        origin: Origin {
            upstream: UpstreamId::new(labeler.as_str()).unwrap(),
            relay_seq: 7 + n,
            op_index: 0,
            op_count: 1,
            time: "2026-07-04T14:38:08.999Z".parse().unwrap(),
        },
        topic: Topic::Labels(Arc::new(LabelStamp {
            labeler,
            seq_start: (n % 40) as u32,
            seq_len: 1 + (n % 9) as u32,
            time: time_of(n),
        })),
        body: Bytes::from(body),
        trace: None,
    }
}

/// Bytes and stamps survive, of all labelers and of each by itself.
pub async fn labels_are_read_as_written(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let written: Vec<_> = (0..200).map(labels_frame).collect();
    append_all(&*log, 0, &written).await;
    let read = read_all(&*log, 1, &Selection::All, NO_LIMIT).await;
    assert_entries(&read, &written, 1);
    let few = ReadLimit {
        entries: 7,
        bytes: 20_000,
    };
    for name in LABELERS {
        let did = Did::parse(name).unwrap().shared();
        let selection = Selection::only([TopicFilter::Labeler(did)]);
        let read = read_all(&*log, 1, &selection, few).await;
        let got: Vec<_> = read.iter().map(|entry| (entry.seq, &entry.body)).collect();
        let expected = (1..).zip(&written);
        let expected = expected.filter(|(_, event)| event.origin.upstream.as_str() == name);
        let expected: Vec<_> = expected.map(|(seq, event)| (seq, &event.body)).collect();
        assert_eq!(got, expected, "{name}");
    }
    assert_eq!(log.seq_at(time_of(150)).await.unwrap(), 151);
    drop(keep);
}

/// A follower gets the existing frames and the appended ones, in order.
pub async fn labels_are_followed(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let written: Vec<_> = (0..120).map(labels_frame).collect();
    assert_followed(&*log, &written).await;
    drop(keep);
}

/// The newest frame of each labeler, however long ago it was, and none of one without any.
pub async fn the_last_frame_of_each_labeler_is_found(open: impl AsyncFn() -> Opened) {
    let Opened { log, keep, .. } = open().await;
    let filters: Vec<_> = LABELERS
        .iter()
        .map(|name| TopicFilter::Labeler(Did::parse(*name).unwrap().shared()))
        .collect();
    let found = log.last_of(&filters).await.unwrap();
    assert_eq!(found, vec![None; LABELERS.len()]);
    let written: Vec<_> = (0..2_020).map(labels_frame).collect();
    append_all(&*log, 0, &written).await;
    let found = log.last_of(&filters).await.unwrap();
    for (name, found) in LABELERS.iter().zip(found) {
        let expected = (1..)
            .zip(&written)
            .filter(|(_, event)| event.origin.upstream.as_str() == *name);
        let (seq, event) = expected.last().unwrap();
        let found = found.unwrap_or_else(|| panic!("{name}: none"));
        assert_eq!((found.seq, &found.body), (seq, &event.body), "{name}");
    }
    let none = Did::parse("did:plc:none").unwrap().shared();
    let found = log.last_of(&[TopicFilter::Labeler(none)]).await.unwrap();
    assert_eq!(found, [None]);
    drop(keep);
}
