use bytes::Bytes;

use super::*;
use crate::publisher::tests::event;

fn entry(seq: Seq, relay_seq: u64) -> Entry {
    let NewEvent {
        topic,
        origin,
        body,
        trace,
    } = event(relay_seq);
    Entry {
        seq,
        topic,
        origin,
        body,
        trace,
    }
}

fn stored(events: usize, end: Seq) -> AppendOutcome {
    AppendOutcome::Stored { events, end }
}

#[test]
fn position_and_content_show_which_events_the_log_contains() {
    let ours = VecDeque::from([event(101), event(102), event(103)]);
    for (acked, last, verdict) in [
        (0, None, stored(0, 0)),
        (10, Some(entry(10, 100)), stored(0, 10)),
        (10, Some(entry(11, 101)), stored(1, 11)),
        (10, Some(entry(13, 103)), stored(3, 13)),
        (10, Some(entry(9, 99)), AppendOutcome::Shorter(9)),
        (10, Some(entry(12, 101)), AppendOutcome::Foreign(12)),
        (10, Some(entry(14, 104)), AppendOutcome::Foreign(14)),
        (0, Some(entry(7, 1)), AppendOutcome::Foreign(7)),
    ] {
        assert_eq!(
            reconcile(
                (acked, acked),
                &ours,
                last.as_ref().map_or(0, |last| last.seq),
                last.as_ref()
            ),
            verdict,
            "acked {acked}, last {last:?}"
        );
    }
}

#[test]
fn the_same_origin_with_other_bytes_is_of_another_writer() {
    let ours = VecDeque::from([event(101)]);
    let mut last = entry(11, 101);
    last.body = Bytes::from_static(b"another leader's time");
    assert_eq!(
        reconcile((10, 10), &ours, 11, Some(&last)),
        AppendOutcome::Foreign(11)
    );
}

#[test]
fn a_log_that_keeps_nothing_still_has_an_end() {
    let ours = VecDeque::from([event(101), event(102)]);
    for (end, verdict) in [
        (9, AppendOutcome::Shorter(9)),
        (10, stored(0, 10)),
        // Perhaps they were ours, and have expired.
        (12, AppendOutcome::Foreign(12)),
    ] {
        assert_eq!(reconcile((10, 10), &ours, end, None), verdict, "{end}");
    }
}

/// Another client published to the stream, or deleted from it.
#[test]
fn what_is_no_event_stands_in_nobodys_way() {
    let ours = VecDeque::from([event(101), event(102), event(103)]);
    for (known, end, last, verdict) in [
        // After what was acknowledged, and after our own entries.
        ((10, 10), 12, entry(10, 100), stored(0, 12)),
        ((10, 10), 15, entry(12, 102), stored(2, 15)),
        // It was there before.
        ((10, 7), 10, entry(7, 100), stored(0, 10)),
        ((10, 7), 11, entry(11, 101), stored(1, 11)),
        // They do not hide a missing event, or another writer.
        ((10, 10), 12, entry(9, 99), AppendOutcome::Shorter(9)),
        ((10, 7), 10, entry(6, 99), AppendOutcome::Shorter(6)),
        ((10, 10), 15, entry(12, 101), AppendOutcome::Foreign(12)),
    ] {
        let found = reconcile(known, &ours, end, Some(&last));
        assert_eq!(found, verdict, "{known:?} {end} {last:?}");
    }
}
