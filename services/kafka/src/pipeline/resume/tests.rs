use super::*;

const LOG: LogIdentity = LogIdentity::new(1, 1);
const OTHER: LogIdentity = LogIdentity::new(2, 2);

fn at(seq: u64) -> Position {
    Position {
        next: seq + 1,
        time_us: Some(seq * 10),
        log: Some(LOG),
    }
}

fn bookmark(seq: u64, reset: &str) -> Option<Bookmark> {
    Some(Bookmark {
        group: "g".to_owned(),
        topic: "t".to_owned(),
        seq,
        time_us: seq * 10,
        log: LOG.to_string(),
        reset: reset.to_owned(),
    })
}

fn known<'a>(
    written: Option<u64>,
    acked: Option<u64>,
    bookmark: Option<Bookmark>,
    reset: &'a str,
) -> Known<'a> {
    Known {
        written: written.map(at),
        acked: acked.map(at),
        bookmark: Ok(bookmark),
        reset,
        is_transactional: false,
    }
}

#[test]
fn only_a_producer_without_any_position_starts_at_the_configured_start() {
    let start = begin(known(None, None, None, "")).unwrap();
    assert_eq!(start, Begin::Start);
    for bookmark in [None, bookmark(3, "")] {
        let cases = [
            (Some(5), None, 5),
            (Some(5), Some(5), 5),
            // The position could not be stored, or Kafka has lost it.
            (Some(5), Some(9), 9),
            (None, Some(9), 9),
            // An operator moved it.
            (Some(9), Some(5), 9),
        ];
        for (written, acked, expected) in cases {
            let found = begin(known(written, acked, bookmark.clone(), "")).unwrap();
            assert_eq!(found, Begin::At(at(expected)), "{written:?} {acked:?}");
        }
    }
    let gone = begin(known(None, None, bookmark(7, ""), "")).unwrap_err();
    assert!(matches!(gone, KafkaError::PositionGone { produced: 7, .. }));
    assert!(gone.is_retryable());
}

#[test]
fn with_transactions_the_stored_position_wins() {
    let known = Known {
        is_transactional: true,
        ..known(Some(5), Some(9), None, "")
    };
    assert_eq!(begin(known).unwrap(), Begin::At(at(5)));
    let known = Known {
        is_transactional: true,
        ..self::known(None, Some(9), bookmark(9, ""), "")
    };
    assert_eq!(begin(known).unwrap(), Begin::At(at(9)));
}

#[test]
fn each_new_value_restarts_once() {
    for (written, acked) in [(None, None), (Some(5), None), (Some(5), Some(5))] {
        for bookmark in [None, bookmark(5, ""), bookmark(5, "monday")] {
            let found = begin(known(written, acked, bookmark, "tuesday")).unwrap();
            assert_eq!(found, Begin::Start);
        }
    }
    let found = begin(known(Some(5), None, bookmark(5, "monday"), "monday")).unwrap();
    assert_eq!(found, Begin::At(at(5)));
    let gone = begin(known(None, None, bookmark(5, "monday"), "monday"));
    assert!(matches!(gone, Err(KafkaError::PositionGone { .. })));
}

#[test]
fn an_unreadable_bookmark_matters_only_without_a_stored_position() {
    let unread = |written, reset| Known {
        bookmark: Err(LogError::unavailable("away")),
        ..known(written, None, None, reset)
    };
    assert_eq!(begin(unread(Some(5), "")).unwrap(), Begin::At(at(5)));
    for (written, reset) in [(None, ""), (Some(5), "monday")] {
        let failure = begin(unread(written, reset)).unwrap_err();
        assert!(matches!(failure, KafkaError::Log(LogError::Unavailable(_))));
    }
}

#[test]
fn seqs_of_different_logs_are_not_compared() {
    let other = Position {
        log: Some(OTHER),
        ..at(100)
    };
    let known = Known {
        written: Some(other),
        ..known(None, Some(5), None, "")
    };
    assert_eq!(begin(known).unwrap(), Begin::At(at(5)));
    // One that does not say to which log it belongs.
    let before = Position { log: None, ..at(9) };
    let known = Known {
        written: Some(before),
        ..self::known(None, Some(5), None, "")
    };
    assert_eq!(begin(known).unwrap(), Begin::At(before));
}
