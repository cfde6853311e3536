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
fn a_stream_hangs_after_two_checks_without_progress() {
    for (newest, is_all, next, before, expected) in [
        (9, true, 10, None, StreamState::Fresh),
        (9, true, 10, Some(10), StreamState::Fresh),
        (10, true, 10, None, StreamState::Moving),
        (10, true, 10, Some(9), StreamState::Moving),
        (10, true, 10, Some(10), StreamState::Hanging),
        // An event that was found and then read says nothing about later ones.
        (9, false, 10, Some(10), StreamState::Moving),
        (10, false, 10, Some(10), StreamState::Hanging),
        (0, true, 10, Some(10), StreamState::Fresh),
    ] {
        let found = checked(newest, is_all);
        assert_eq!(
            found.stream_state(next, before),
            expected,
            "{newest} {is_all} {next} {before:?}"
        );
    }
}
