use super::*;

fn frame(seq: u64, fault: Option<FaultKind>) -> ProducedFrame {
    ProducedFrame {
        seq,
        bytes: Bytes::from(seq.to_string()),
        expected: Vec::new(),
        fault,
        drops: 0,
    }
}

fn history(frames: usize, seqs: impl IntoIterator<Item = u64>) -> History {
    let limits = Limits {
        bytes: 1000,
        frames,
        keep_expected: true,
    };
    let history = History::new(limits, 10);
    history.append(seqs.into_iter().map(|seq| frame(seq, None)));
    history
}

fn at(position: u64, outdated: bool) -> Start {
    Start::At { position, outdated }
}

#[test]
fn a_cursor_is_the_last_seq_seen() {
    let history = history(100, [11, 12, 12, 15]);
    for (cursor, start) in [
        (None, at(4, false)),
        (Some(0), at(0, false)),
        (Some(11), at(1, false)),
        (Some(12), at(3, false)),
        (Some(13), at(3, false)),
        (Some(15), at(4, false)),
        (Some(16), Start::InTheFuture),
    ] {
        assert_eq!(
            history.start(cursor, 0, CursorHabit::Spec),
            start,
            "{cursor:?}"
        );
    }
    assert_eq!(history.start(Some(16), 20, CursorHabit::Spec), at(4, false));
}

#[test]
fn what_is_forgotten_makes_older_cursors_outdated() {
    let history = history(2, [11, 12, 13, 14]);
    assert_eq!(history.start(Some(11), 0, CursorHabit::Spec), at(2, true));
    assert_eq!(history.start(Some(12), 0, CursorHabit::Spec), at(2, false));
    assert_eq!(history.read(1, 9).unwrap_err(), Forgotten);
    assert_eq!(history.read(2, 9).unwrap().len(), 2);
    assert_eq!(history.read(2, 1).unwrap().len(), 1);
    assert_eq!(history.read(4, 9).unwrap().len(), 0);
    assert_eq!(*history.published().borrow(), 4);
}

#[test]
fn bytes_are_bounded_too() {
    let history = history(10_000, 100_000..101_000);
    assert!(history.bytes() <= 1000);
    assert_eq!(history.read(1000 - 166, 1000).unwrap().len(), 166);
}

#[test]
fn a_fault_of_a_connection_strikes_once() {
    let history = history(10, []);
    history.append([
        frame(11, Some(FaultKind::Stall)),
        frame(12, Some(FaultKind::BadCid)),
    ]);
    let entries = history.read(0, 9).unwrap();
    assert_eq!(history.faults().get(FaultKind::Stall), 0);
    assert_eq!(history.spend_fault(&entries[0]), Some(FaultKind::Stall));
    assert_eq!(history.spend_fault(&entries[0]), None);
    assert_eq!(history.spend_fault(&entries[1]), None);
    assert_eq!(history.faults().get(FaultKind::Stall), 1);
    assert_eq!(history.faults().get(FaultKind::BadCid), 1);
}

#[test]
fn a_relay_says_nothing_about_cursors_of_the_future_and_of_the_past() {
    let history = history(2, [11, 12, 14, 15]);
    for (cursor, relay, rainbow) in [(16, 4, 4), (15, 4, 3), (14, 3, 2), (13, 2, 2), (11, 2, 2)] {
        let start = |habit| history.start(Some(cursor), 0, habit);
        assert_eq!(start(CursorHabit::Relay), at(relay, false), "{cursor}");
        assert_eq!(start(CursorHabit::Rainbow), at(rainbow, false), "{cursor}");
    }
}

#[test]
fn a_renumbered_server_has_its_last_frames_under_new_seqs() {
    let history = history(100, [11, 12, 14, 15]);
    history.renumber(1_000, 2);
    let seqs = || {
        let entries = history.read(4, 100).unwrap();
        entries.iter().map(|entry| entry.seq).collect::<Vec<_>>()
    };
    assert_eq!(seqs(), [1_002, 1_003]);
    assert_eq!(history.read(3, 1).unwrap_err(), Forgotten);
    history.append([frame(16, None), frame(18, None)]);
    assert_eq!(seqs(), [1_002, 1_003, 1_004, 1_006]);
    assert_eq!(history.last_seq(), 1_006);
    // Down as well as up.
    history.renumber(0, 1);
    history.append([frame(20, None)]);
    let entries = history.read(8, 100).unwrap();
    let seqs: Vec<_> = entries.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, [2, 4]);
}
