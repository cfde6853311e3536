use proptest::prelude::*;

use super::*;

const START: u64 = 1_700_000_000_000_000;

fn time(us: u64) -> TimeUs {
    TimeUs::new(START + us).unwrap()
}

#[test]
fn nothing_is_known_outside_of_what_was_sampled() {
    let index = TimeIndex::new(4);
    assert_eq!(index.stretch(START), None);
    index.note(1000, time(10));
    assert_eq!(index.stretch(START + 11), None);
    index.note(1000 + TimeIndex::STRIDE, time(20));
    assert_eq!(index.stretch(START + 10), None, "nothing before the first");
    let between = Stretch {
        before: 1000,
        reached: 1000 + TimeIndex::STRIDE,
    };
    assert_eq!(index.stretch(START + 11), Some(between));
    assert_eq!(index.stretch(START + 20), Some(between));
    assert_eq!(index.stretch(START + 21), None);
}

#[test]
fn what_the_log_answered_counts_like_a_sample() {
    let index = TimeIndex::new(4);
    index.note(5000, time(500));
    index.learn(time(100), 1000);
    assert_eq!(index.stretch(START + 99), None);
    let asked = |before, reached| Some(Stretch { before, reached });
    assert_eq!(index.stretch(START + 100), asked(999, 1000));
    assert_eq!(index.stretch(START + 101), asked(999, 5000));
    index.learn(time(200), 2000);
    assert_eq!(index.stretch(START + 150), asked(999, 2000));
    assert_eq!(index.stretch(START + 201), asked(1999, 5000));
    assert_eq!(index.stretch(START + 501), None);
}

#[test]
fn answers_are_kept_up_to_a_bound() {
    let index = TimeIndex::new(4);
    for at in 0..3 * TimeIndex::ANSWERS as u64 {
        index.learn(time(at * 10), at + 1);
        assert!(index.samples.lock().asked.len() <= TimeIndex::ANSWERS);
    }
    assert_eq!(index.stretch(START + 5), None, "the oldest have gone");
}

proptest! {
    /// However thinned out, a stretch always holds the place that a linear search finds.
    #[test]
    fn a_stretch_holds_the_place(
        max in 4_usize..12,
        steps in prop::collection::vec(1_u64..50, 1..20_000),
        asked in 0_u64..600_000,
        learnt in prop::collection::vec(0_u64..600_000, 0..20),
    ) {
        let index = TimeIndex::new(max);
        let mut now = 0;
        let mut times = Vec::new();
        for (seq, step) in (1..).zip(steps) {
            now += step;
            times.push(now);
            index.note(seq, time(now));
        }
        prop_assert!(index.samples.lock().taken.len() <= max);
        for at in learnt {
            let first = times.partition_point(|&time| time < at);
            // The end of the log is no event.
            if first < times.len() {
                index.learn(time(at), first as u64 + 1);
            }
        }
        if let Some(found) = index.stretch(START + asked) {
            let place = times.partition_point(|&at| at < asked) as u64 + 1;
            prop_assert!(found.before < place && place <= found.reached, "{:?} {}", found, place);
        }
    }
}
