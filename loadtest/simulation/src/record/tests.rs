use super::*;
use crate::event::Event;

/// A log whose event n has the time 10 n, about `a` and `b` in turn.
fn log() -> Vec<Logged> {
    let logged = |seq: u64| Logged {
        seq,
        time: seq * 10,
        event: Event {
            did: "did:web:a.example".to_owned(),
            about: if seq.is_multiple_of(2) {
                "b.b.b"
            } else {
                "a.a.a"
            }
            .to_owned(),
            text: seq.to_string(),
        },
        generation: 0,
    };
    (1..=8).map(logged).collect()
}

fn received(seqs: &[u64]) -> Vec<Item> {
    let event = |seq: &u64| Item::Event {
        time: seq * 10,
        text: seq.to_string(),
        deleted: 0,
    };
    seqs.iter().map(event).collect()
}

fn from(from_us: Option<u64>, seqs: &[u64]) -> Record {
    let mut items = vec![Item::Start { from_us }];
    items.extend(received(seqs));
    Record {
        filter: Filter::default(),
        items,
    }
}

fn verdict(record: &Record, deleted: usize) -> String {
    match record.check(&log(), deleted) {
        Ok(()) => "ok".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_whole_stream_passes() {
    assert_eq!(verdict(&from(Some(30), &[3, 4, 5, 6, 7, 8]), 0), "ok");
    assert_eq!(verdict(&from(None, &[5, 6, 7, 8]), 0), "ok");
    let mut resumed = from(Some(31), &[4, 5]);
    resumed.items.push(Item::Start { from_us: Some(51) });
    resumed.items.extend(received(&[6, 7, 8]));
    assert_eq!(verdict(&resumed, 0), "ok");
    let mut filtered = from(Some(0), &[2, 4, 6, 8]);
    filtered.filter.collections.push("b.*".to_owned());
    assert_eq!(verdict(&filtered, 0), "ok");
}

#[test]
fn what_is_missing_is_named() {
    let missing = |record: &Record| verdict(record, 0);
    assert!(missing(&from(Some(0), &[2, 3, 4, 5, 6, 7, 8])).starts_with("seq 1 at 10 is missing"));
    assert!(missing(&from(None, &[2, 4, 5, 6, 7, 8])).starts_with("seq 3 at 30 is missing"));
    assert!(missing(&from(Some(60), &[6, 7])).starts_with("seq 8 at 80 is missing"));
    // Deleted before it was read.
    assert_eq!(verdict(&from(Some(60), &[6, 7]), 8), "ok");
    let mut behind = from(Some(0), &[4, 5, 6, 7, 8]);
    assert!(missing(&behind).contains("is missing"));
    delete(&mut behind, 1, 3);
    assert_eq!(missing(&behind), "ok");
}

/// The item was received when this many events had been deleted.
fn delete(record: &mut Record, item: usize, count: usize) {
    if let Some(Item::Event { deleted, .. }) = record.items.get_mut(item) {
        *deleted = count;
    }
}

#[test]
fn deleted_events_may_be_missing_only_where_a_connection_starts() {
    let mut silent = from(Some(0), &[1, 2, 6, 7, 8]);
    delete(&mut silent, 3, 5);
    assert!(verdict(&silent, 5).starts_with("seq 3 at 30 is missing"));
    silent.items.insert(3, Item::Start { from_us: Some(21) });
    assert_eq!(verdict(&silent, 5), "ok");
}

#[test]
fn no_connection_leads_from_one_log_into_another() {
    let mut log = log();
    log[4..].iter_mut().for_each(|it| it.generation = 1);
    let mut crossing = from(Some(0), &[1, 2, 3, 4, 5, 6, 7, 8]);
    let error = crossing.check(&log, 4).unwrap_err().to_string();
    assert!(error.contains("another log"), "{error}");
    crossing.items.insert(5, Item::Start { from_us: Some(41) });
    crossing.check(&log, 4).unwrap();
}

#[test]
fn repeated_reordered_and_changed_events_are_named() {
    assert!(verdict(&from(None, &[2, 3, 3, 4]), 8).contains("seq 4 was next"));
    assert!(verdict(&from(None, &[2, 4, 3]), 8).contains("seq 3 at 30 is missing"));
    assert!(verdict(&from(None, &[2, 3, 4, 2]), 8).contains("seq 5 was next"));
    let mut changed = from(None, &[2]);
    changed.items.push(Item::Event {
        time: 30,
        text: "x".to_owned(),
        deleted: 8,
    });
    assert!(verdict(&changed, 8).contains("received x"));
    assert!(verdict(&from(None, &[9]), 8).contains("never held"));
    let mut filtered = from(None, &[2, 3]);
    filtered.filter.collections.push("b.b.b".to_owned());
    assert!(verdict(&filtered, 8).contains("does not match"));
}
