//! Tests of the pace.

use proptest::prelude::*;

use super::*;

const SPREAD: Duration = Duration::from_secs(5);

#[test]
fn many_connections_are_closed_evenly() {
    let gone =
        [0, 1, 2, 3, 4, 5].map(|second| closed_after(Duration::from_secs(second), 10_000, SPREAD));
    assert_eq!(gone, [1, 2001, 4001, 6001, 8001, 10_000]);
}

#[test]
fn a_few_connections_are_closed_at_once() {
    assert_eq!(closed_after(Duration::ZERO, 1, SPREAD), 1);
    assert_eq!(closed_after(Duration::from_millis(20), 3, SPREAD), 3);
}

#[test]
fn without_a_spread_all_are_closed_at_once() {
    assert_eq!(closed_after(Duration::ZERO, 10_000, Duration::ZERO), 10_000);
}

proptest! {
    #[test]
    fn the_closed_count_rises_to_all_within_the_spread(
        count in 0_usize..20_000,
        spread in 0_u64..20_000,
        one in 0_u64..30_000,
        other in 0_u64..30_000,
    ) {
        let at = |elapsed| closed_after(Duration::from_millis(elapsed), count, Duration::from_millis(spread));
        prop_assert!(at(one.min(other)) <= at(one.max(other)));
        prop_assert!(at(one) <= count);
        prop_assert_eq!(at(spread), count);
    }
}
