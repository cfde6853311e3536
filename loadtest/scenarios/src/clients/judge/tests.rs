use super::*;

fn stream(positions: &[usize]) -> Vec<Received> {
    let received = positions.iter().map(|position| Received {
        position: Some(*position),
        time_us: Some(1_000 + *position as u64),
        difference: None,
    });
    received.collect()
}

fn rules(wanted: &[usize], is_interrupted: bool, rewinds_us: u64) -> Rules {
    Rules {
        wanted: wanted.to_vec(),
        is_interrupted,
        rewinds_us,
        hides_repetitions: false,
    }
}

#[test]
fn exactly_the_wanted_events_are_good() {
    let verdict = judge(&rules(&[1, 4, 7], false, 0), &stream(&[1, 4, 7])).verdict;
    assert!(verdict.is_clean(), "{verdict:?}");
    assert_eq!(verdict.events, 3);
}

#[test]
fn what_is_wrong_is_found() {
    let live = rules(&[1, 4, 7], false, 0);
    assert_eq!(judge(&live, &stream(&[1, 7])).verdict.missing, 1);
    assert_eq!(judge(&live, &stream(&[1, 4, 5, 7])).verdict.differ, 1);
    assert_eq!(judge(&live, &stream(&[4, 1, 7])).verdict.reordered, 1);
    let twice = judge(&live, &stream(&[1, 4, 4, 7]));
    assert_eq!(
        (twice.verdict.reordered, twice.verdict.is_clean()),
        (1, false)
    );
    let mut differs = stream(&[1, 4, 7]);
    differs[1].difference = Some("the text".to_owned());
    assert_eq!(judge(&live, &differs).verdict.first(), Some("the text"));
    let mut falls = stream(&[1, 4, 7]);
    falls[2].time_us = Some(3);
    assert!(!judge(&live, &falls).verdict.is_clean());
}

#[test]
fn a_cursor_repeats_its_own_event_and_no_other() {
    let wanted = [1, 4, 7, 9];
    let good = judge(&rules(&wanted, true, 0), &stream(&[1, 4, 4, 7, 9]));
    assert!(good.verdict.is_clean(), "{good:?}");
    assert_eq!((good.repeated, good.resumed), (1, 1));
    assert!(
        !judge(&rules(&wanted, true, 0), &stream(&[1, 4, 7, 4, 7, 9]))
            .verdict
            .is_clean()
    );
    assert!(
        !judge(&rules(&wanted, true, 0), &stream(&[1, 4, 7, 9]))
            .verdict
            .is_clean()
    );
    assert!(
        !judge(&rules(&wanted, true, 0), &stream(&[1, 4, 4, 9]))
            .verdict
            .is_clean()
    );
}

#[test]
fn a_cursor_that_is_set_back_repeats_all_from_there() {
    let wanted = [1, 4, 7, 9];
    let back = rules(&wanted, true, 3);
    let good = judge(&back, &stream(&[1, 4, 7, 4, 7, 9]));
    assert!(good.verdict.is_clean(), "{good:?}");
    assert_eq!((good.repeated, good.resumed), (2, 1));
    assert!(
        !judge(&back, &stream(&[1, 4, 7, 1, 4, 7, 9]))
            .verdict
            .is_clean()
    );
    assert!(!judge(&back, &stream(&[1, 4, 7, 4, 9])).verdict.is_clean());
}

#[test]
fn a_change_of_filter_is_found_where_the_new_one_first_shows() {
    let (before, behind) = ([1, 2, 4, 6, 8], [2, 3, 5, 6, 7, 9]);
    let received = stream(&[1, 2, 4, 5, 6, 7, 9]);
    let wanted = changed(&before, &behind, &received).unwrap();
    assert_eq!(wanted, [1, 2, 4, 5, 6, 7, 9]);
    assert!(
        judge(&rules(&wanted, false, 0), &received)
            .verdict
            .is_clean()
    );
    // Behind 2 the new filter may be in force, but then 3 would have been received.
    let hole = stream(&[1, 2, 5, 6, 7, 9]);
    let wanted = changed(&before, &behind, &hole).unwrap();
    assert_eq!(wanted, [1, 2, 5, 6, 7, 9]);
    assert_eq!(changed(&before, &behind, &stream(&[1, 2, 4])), None);
    // 8 is of the old filter, 7 of the new one.
    let mixed = stream(&[1, 2, 4, 5, 6, 7, 8, 9]);
    let wanted = changed(&before, &behind, &mixed).unwrap();
    assert!(!judge(&rules(&wanted, false, 0), &mixed).verdict.is_clean());
}
