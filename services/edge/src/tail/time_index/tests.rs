use proptest::prelude::*;

use super::*;

const START: u64 = 1_700_000_000_000_000;

fn time(us: u64) -> TimeUs {
    TimeUs::new(START + us).unwrap()
}

#[test]
fn times_outside_the_samples_are_unknown() {
    let index = TimeIndex::new(4);
    assert_eq!(index.seq_range(START), None);
    index.note(1000, time(10));
    assert_eq!(index.seq_range(START + 11), None);
    index.note(1000 + TimeIndex::STRIDE, time(20));
    assert_eq!(
        index.seq_range(START + 10),
        None,
        "nothing before the first"
    );
    let between = SeqRange {
        before: 1000,
        reached: 1000 + TimeIndex::STRIDE,
    };
    assert_eq!(index.seq_range(START + 11), Some(between));
    assert_eq!(index.seq_range(START + 20), Some(between));
    assert_eq!(index.seq_range(START + 21), None);
}

#[test]
fn learned_positions_count_as_samples() {
    let index = TimeIndex::new(4);
    index.note(5000, time(500));
    index.learn(time(100), 1000);
    assert_eq!(index.seq_range(START + 99), None);
    let asked = |before, reached| Some(SeqRange { before, reached });
    assert_eq!(index.seq_range(START + 100), asked(999, 1000));
    assert_eq!(index.seq_range(START + 101), asked(999, 5000));
    index.learn(time(200), 2000);
    assert_eq!(index.seq_range(START + 150), asked(999, 2000));
    assert_eq!(index.seq_range(START + 201), asked(1999, 5000));
    assert_eq!(index.seq_range(START + 501), None);
}

#[test]
fn learned_positions_are_bounded() {
    let index = TimeIndex::new(4);
    for at in 0..3 * TimeIndex::ANSWERS as u64 {
        index.learn(time(at * 10), at + 1);
        assert!(index.samples.lock().asked.len() <= TimeIndex::ANSWERS);
    }
    assert_eq!(index.seq_range(START + 5), None, "the oldest have gone");
}

proptest! {
    /// After any thinning, a range contains the seq that a linear search finds.
    #[test]
    fn a_range_contains_the_exact_seq(
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
            // The end of the log is not an event.
            if first < times.len() {
                index.learn(time(at), first as u64 + 1);
            }
        }
        if let Some(found) = index.seq_range(START + asked) {
            let place = times.partition_point(|&at| at < asked) as u64 + 1;
            prop_assert!(found.before < place && place <= found.reached, "{:?} {}", found, place);
        }
    }
}
