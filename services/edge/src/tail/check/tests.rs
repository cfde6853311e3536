use super::*;

fn checked(newest: Seq, is_all: bool) -> Checked {
    Checked {
        first: 1,
        oldest: None,
        newest,
        is_all,
        clear_to: 1,
    }
}

#[test]
fn a_stream_hangs_when_there_was_more_twice_and_nothing_came() {
    for (newest, is_all, next, before, expected) in [
        (9, true, 10, None, Verdict::Fresh),
        (9, true, 10, Some(10), Verdict::Fresh),
        (10, true, 10, None, Verdict::Moving),
        (10, true, 10, Some(9), Verdict::Moving),
        (10, true, 10, Some(10), Verdict::Hanging),
        // One that was found and has been read since says nothing about what is behind it.
        (9, false, 10, Some(10), Verdict::Moving),
        (10, false, 10, Some(10), Verdict::Hanging),
        (0, true, 10, Some(10), Verdict::Fresh),
    ] {
        let found = checked(newest, is_all);
        assert_eq!(
            found.verdict(next, before),
            expected,
            "{newest} {is_all} {next} {before:?}"
        );
    }
}
