use proptest::prelude::*;

use super::*;

#[test]
fn a_burst_and_then_one_each_interval() {
    let rate = Rate::new(Duration::from_micros(1_000), 3);
    let begun = Instant::now();
    let at = |us| begun + Duration::from_micros(us);
    let mut taken = Taken::default();
    let times: Vec<_> = (0..10_000)
        .filter(|us| rate.take(&mut taken, at(*us)))
        .collect();
    assert_eq!(times[..4], [0, 1, 2, 1_000]);
    assert_eq!(times.len(), 12);
    let again = (0..10)
        .filter(|_| rate.take(&mut taken, at(1_000_000)))
        .count();
    assert_eq!(again, 3);
}

#[test]
fn no_second_sees_more_than_two_seconds_worth_and_a_minute_no_more_than_its_rate() {
    let rate = Rate::per_second(10, 10);
    let begun = Instant::now();
    let at = |ms| begun + Duration::from_millis(ms);
    let mut taken = Taken::default();
    let count = (0..60_000)
        .filter(|ms| rate.take(&mut taken, at(*ms)))
        .count();
    assert!((600..=611).contains(&count), "{count}");
    let burst = (0..100)
        .filter(|_| rate.take(&mut taken, at(120_000)))
        .count();
    assert_eq!(burst, 10);
}

#[test]
fn a_few_at_once_and_then_one_each_interval_also_when_some_happen_for_another_reason() {
    let rate = Rate::new(Duration::from_secs(10), 6);
    let begun = Instant::now();
    let mut taken = Taken::default();
    let made = (0..600).filter(|second| {
        let now = begun + Duration::from_secs(*second);
        let is_free = rate.wait(taken, now).is_zero();
        if is_free {
            rate.count(&mut taken, now);
        }
        is_free
    });
    let made: Vec<_> = made.collect();
    assert_eq!(made[..7], [0, 1, 2, 3, 4, 5, 10]);
    assert_eq!(made.len(), 65);
    // However many events happened for another reason, the wait is not longer.
    let now = begun + Duration::from_secs(600);
    for _ in 0..100 {
        rate.count(&mut taken, now);
    }
    assert_eq!(rate.wait(taken, now), Duration::from_secs(10));
}

proptest! {
    #[test]
    fn a_budget_never_gives_more_than_its_burst_and_its_rate(
        per_second in 1_u32..500,
        burst in 1_u32..200,
        steps in prop::collection::vec(0_u64..50_000, 1..300),
    ) {
        let budget = Budget::new(Rate::per_second(per_second, burst));
        let begun = Instant::now();
        let mut now = Duration::ZERO;
        let mut used: Vec<Duration> = Vec::new();
        for step in steps {
            now += Duration::from_micros(step);
            used.push(now + budget.reserve(begun + now));
        }
        let each = Duration::from_secs(1) / per_second;
        for (first, from) in used.iter().enumerate() {
            for (last, to) in used.iter().enumerate().skip(first) {
                let within = (*to - *from).as_nanos() / each.as_nanos() + u128::from(burst) + 1;
                prop_assert!((last - first + 1) as u128 <= within);
            }
        }
    }
}
