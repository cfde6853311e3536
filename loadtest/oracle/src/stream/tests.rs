use super::*;

/// Ten events: even ones are likes of `did:plc:a`, odd ones posts of `did:plc:b`; the fifth line is a sync.
fn ledger() -> Arc<Ledger> {
    let lines: Vec<_> = (0..11)
        .map(|line| {
            let (kind, did) = [("like", "a"), ("post", "b")][line % 2];
            let v1 = match line {
                5 => "null".to_owned(),
                _ => serde_json::to_string(&json(line, 0)).unwrap(),
            };
            format!(
                r#"{{"relay_seq":{line},"op_index":0,"op_count":1,"did":"did:plc:{did}","collection":"x.y.{kind}","v1":{v1}}}"#
            )
        })
        .collect();
    Ledger::of_lines(&lines)
}

fn json(line: usize, time_us: u64) -> String {
    format!(r#"{{"did":"x","time_us":{time_us},"line":{line}}}"#)
}

/// The lines that are served, by index.
const SERVED: [usize; 10] = [0, 1, 2, 3, 4, 6, 7, 8, 9, 10];

fn collections(names: &[&str]) -> Filter {
    Filter {
        collections: names.iter().map(ToString::to_string).collect(),
        ..Filter::default()
    }
}

fn event(index: usize) -> String {
    json(SERVED[index], 100 + index as u64)
}

/// The counts of missing, repeated, reordered and different events, and whether another event is due.
fn judged(filter: Filter, start: usize, indices: &[usize]) -> ([u64; 4], bool) {
    let mut judge = StreamJudge::new(ledger(), &filter, Start::At(start));
    for &index in indices {
        assert_eq!(
            judge.see(event(index).as_bytes()),
            Seen::Judged(Some(index))
        );
    }
    let due = judge.due(10).is_some();
    let verdict = judge.verdict();
    let faults = [
        verdict.missing,
        verdict.repeated,
        verdict.reordered,
        verdict.differ,
    ];
    assert_eq!(verdict.is_clean(), faults == [0; 4]);
    (faults, due)
}

#[test]
fn every_difference_has_its_name() {
    let all = Filter::default;
    let likes = || collections(&["x.y.like"]);
    assert_eq!(judged(all(), 7, &[7, 8, 9]), ([0; 4], false));
    assert_eq!(judged(all(), 7, &[7, 8]), ([0; 4], true));
    assert_eq!(judged(all(), 7, &[8, 9]), ([1, 0, 0, 0], false));
    assert_eq!(judged(all(), 7, &[7, 7, 8, 9]), ([0, 1, 0, 0], false));
    assert_eq!(judged(all(), 7, &[6, 7, 8, 9]), ([0, 1, 0, 0], false));
    assert_eq!(judged(all(), 7, &[8, 7, 9]), ([0, 0, 1, 0], false));
    assert_eq!(judged(likes(), 0, &[0, 2, 4, 5, 7, 9]), ([0; 4], false));
    assert_eq!(judged(collections(&["x.y.*"]), 9, &[9]), ([0; 4], false));
    assert_eq!(judged(likes(), 0, &[0, 1]), ([0, 0, 0, 1], true));
    let dids = Filter {
        dids: vec!["did:plc:b".to_owned()],
        ..all()
    };
    assert_eq!(judged(dids, 0, &[1, 3]), ([0; 4], true));
    let small = Filter {
        max_bytes: 10,
        ..all()
    };
    assert_eq!(judged(small, 0, &[]), ([0; 4], false));
}

#[test]
fn foreign_events_and_other_times_differ() {
    let mut judge = StreamJudge::new(ledger(), &Filter::default(), Start::At(0));
    let foreign = br#"{"did":"y","time_us":99,"line":0}"#;
    assert_eq!(judge.see(foreign), Seen::Judged(None));
    assert_eq!(judge.verdict().differ, 1);
    let ledger = ledger();
    let mut first = StreamJudge::new(Arc::clone(&ledger), &Filter::default(), Start::At(0));
    first.see(json(0, 7).as_bytes());
    assert!(first.verdict().is_clean());
    let mut second = StreamJudge::new(ledger, &Filter::default(), Start::At(0));
    second.see(json(0, 8).as_bytes());
    assert_eq!(second.verdict().differ, 1);
}

#[test]
fn what_the_oracle_does_not_have_yet_is_waited_for() {
    let mut judge = StreamJudge::new(ledger(), &collections(&["x.y.none"]), Start::At(0));
    assert_eq!(judge.see(event(3).as_bytes()), Seen::Judged(Some(3)));
    assert_eq!(judge.verdict().differ, 1);
    let mut judge = StreamJudge::new(ledger(), &collections(&["x.y.none"]), Start::At(0));
    assert_eq!(judge.see(json(77, 5).as_bytes()), Seen::NotYet);
    assert!(judge.verdict().is_clean());
}

#[test]
fn a_live_stream_owes_what_came_after_it_was_there() {
    for (first, missing) in [(4, 0), (5, 0), (6, 1)] {
        let ledger = ledger();
        let live = Start::Live { from_us: 105 };
        let mut judge = StreamJudge::new(Arc::clone(&ledger), &Filter::default(), live);
        assert_eq!(judge.see(event(first).as_bytes()), Seen::NotYet);
        for index in 0..10 {
            ledger.settle_time(index, 100 + index as u64).unwrap();
        }
        ledger.set_timed(10);
        assert_eq!(
            judge.see(event(first).as_bytes()),
            Seen::Judged(Some(first))
        );
        assert_eq!(judge.verdict().missing, missing, "{first}");
        assert_eq!(judge.due(10), Some(first + 1));
        let mut silent = StreamJudge::new(ledger, &Filter::default(), live);
        assert_eq!(silent.due(10), Some(5));
    }
}

/// From likes to posts after the first two events of the stream that starts at 0.
fn changed(indices: &[usize]) -> (Verdict, bool, bool) {
    let likes = collections(&["x.y.like"]);
    let mut judge = StreamJudge::new(ledger(), &likes, Start::At(0));
    judge.see(event(0).as_bytes());
    judge.replace(&collections(&["x.y.post"]));
    for &index in indices {
        judge.see(event(index).as_bytes());
    }
    let is_changing = judge.is_changing();
    let due = judge.due(10).is_some();
    (judge.verdict().clone(), is_changing, due)
}

#[test]
fn a_new_filter_may_count_from_any_event_on_but_from_one_only() {
    // Lines 0 to 4 are the indices 0 to 4; index 5 is line 6, a like.
    let (verdict, is_changing, _) = changed(&[1, 3]);
    assert!(verdict.is_clean() && !is_changing);
    let (verdict, is_changing, _) = changed(&[2, 4, 6, 8]);
    assert!(verdict.is_clean() && !is_changing, "{verdict:?}");
    let (verdict, is_changing, due) = changed(&[2, 4]);
    assert!(verdict.is_clean() && is_changing && !due);
    // The like of index 2 is missing for the old filter, the post of 1 for the new one.
    let (verdict, ..) = changed(&[4]);
    assert_eq!(verdict.missing, 1, "{verdict:?}");
    let (verdict, ..) = changed(&[1, 4]);
    assert!(verdict.first().is_some(), "{verdict:?}");
}

#[test]
fn a_new_filter_counts_at_the_latest_from_when_it_was_obeyed() {
    let ledger = ledger();
    let mut judge = StreamJudge::new(
        Arc::clone(&ledger),
        &collections(&["x.y.like"]),
        Start::At(0),
    );
    judge.replace(&collections(&["x.y.post"]));
    judge.see(event(0).as_bytes());
    judge.see(event(2).as_bytes());
    assert_eq!(judge.due(10), None);
    for index in 3..10 {
        ledger.settle_time(index, 100 + index as u64).unwrap();
    }
    judge.replaced(102);
    assert_eq!(judge.due(10), Some(3));
    judge.see(event(4).as_bytes());
    assert!(!judge.verdict().is_clean());
}
