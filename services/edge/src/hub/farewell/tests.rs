//! Tests of the pace.

use proptest::prelude::*;

use super::*;

const SPREAD: Duration = Duration::from_secs(5);

#[test]
fn many_leave_evenly() {
    let gone =
        [0, 1, 2, 3, 4, 5].map(|second| gone_after(Duration::from_secs(second), 10_000, SPREAD));
    assert_eq!(gone, [1, 2001, 4001, 6001, 8001, 10_000]);
}

#[test]
fn a_few_do_not_wait_for_the_end() {
    assert_eq!(gone_after(Duration::ZERO, 1, SPREAD), 1);
    assert_eq!(gone_after(Duration::from_millis(20), 3, SPREAD), 3);
}

#[test]
fn without_time_all_leave_at_once() {
    assert_eq!(gone_after(Duration::ZERO, 10_000, Duration::ZERO), 10_000);
}

proptest! {
    #[test]
    fn never_fewer_than_before_never_more_than_there_are_and_all_in_time(
        count in 0_usize..20_000,
        spread in 0_u64..20_000,
        one in 0_u64..30_000,
        other in 0_u64..30_000,
    ) {
        let at = |elapsed| gone_after(Duration::from_millis(elapsed), count, Duration::from_millis(spread));
        prop_assert!(at(one.min(other)) <= at(one.max(other)));
        prop_assert!(at(one) <= count);
        prop_assert_eq!(at(spread), count);
    }
}
