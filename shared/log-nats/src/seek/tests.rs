use async_nats::datetime::{from_nanos, parse_rfc3339};
use proptest::prelude::*;

use super::*;

#[test]
fn times_are_written_as_the_server_reads_them() {
    assert_eq!(
        rfc3339(1_783_175_888_999_123),
        "2026-07-04T14:38:08.999123Z"
    );
    assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000Z");
    assert_eq!(
        rfc3339(1_709_164_800_000_000),
        "2024-02-29T00:00:00.000000Z"
    );
    assert_eq!(
        rfc3339(4_107_542_400_000_000),
        "2100-03-01T00:00:00.000000Z"
    );
}

proptest! {
    #[test]
    fn every_log_time_is_read_back(us in 0..TimeUs::MAX.get()) {
        let read = parse_rfc3339(&rfc3339(us)).unwrap();
        prop_assert_eq!(read, from_nanos(i128::from(us) * 1000).unwrap());
    }
}

/// The result, and the number of guesses.
fn find(times: &[u64], time: u64) -> (Seq, u32) {
    let mut search = Search::new(time, 1, times.len() as Seq + 1);
    while let Some(guess) = search.guess() {
        search.learn(guess, times[guess as usize - 1]);
    }
    (search.low, search.guesses)
}

/// The result in a log with positions without an event.
fn find_among(times: &[Option<u64>], time: u64) -> Seq {
    let mut search = Search::new(time, 1, times.len() as Seq + 1);
    while let Some(guess) = search.guess() {
        let mut next = (guess..).zip(&times[guess as usize - 1..]);
        match next.find_map(|(seq, time)| Some((seq, (*time)?))) {
            Some((seq, time)) if seq == guess => search.learn(seq, time),
            next => search.learn_none(guess, next),
        }
    }
    search.found()
}

proptest! {
    #[test]
    fn places_without_an_event_are_searched_over(
        times in prop::collection::vec(prop::option::weighted(0.6, 1..20_u64), 0..60),
        wanted in 0..700_u64,
    ) {
        let mut last = 0;
        let times: Vec<_> = times
            .into_iter()
            .map(|step| {
                last += step.unwrap_or(0);
                step.map(|_| last)
            })
            .collect();
        let right = times.iter().position(|time| time.is_some_and(|time| time >= wanted));
        let right = right.unwrap_or(times.len()) as Seq + 1;
        prop_assert_eq!(find_among(&times, wanted), right);
    }

    #[test]
    fn the_first_not_below_is_found_in_a_bounded_number_of_guesses(
        steps in prop::collection::vec(prop_oneof![4 => 1..20_u64, 1 => 1..10_000_000_u64], 0..400),
        place in 0.0..1.0,
        offset in -2..3_i64,
    ) {
        let times: Vec<u64> = steps
            .iter()
            .scan(1_000_000, |time, step| {
                *time += step;
                Some(*time)
            })
            .collect();
        let near = times.get((times.len() as f64 * place) as usize).copied();
        let time = near.unwrap_or(1_000_000).saturating_add_signed(offset);
        let (found, guesses) = find(&times, time);
        prop_assert_eq!(found as usize, times.partition_point(|&it| it < time) + 1);
        let halvings = (times.len() + 1).next_power_of_two().ilog2();
        prop_assert!(guesses <= 2 * halvings + 4, "{} guesses", guesses);
    }

    #[test]
    fn expiry_meanwhile_moves_the_answer_up(first in 1..200_u64, time in 0..200_u64) {
        let mut search = Search::new(time, 1, 101);
        while let Some(guess) = search.guess() {
            if guess < first {
                search.forget_before(first);
            } else {
                // The time at a seq is the seq.
                search.learn(guess, guess);
            }
        }
        let expected = time.clamp(1, 101).max(first);
        prop_assert!(search.low == expected || search.low < first && search.low >= time.min(101));
    }
}

#[test]
fn even_distances_take_few_guesses() {
    let times: Vec<u64> = (0..1_000_000)
        .map(|n| 5_000_000 + n * 1_000 + n % 7 * 50)
        .collect();
    for n in [1, 17, 123_456, 777_777, 999_998] {
        let (found, guesses) = find(&times, times[n]);
        assert_eq!(found, n as Seq + 1);
        assert!(guesses <= 12, "{guesses} guesses for {n}");
    }
}
