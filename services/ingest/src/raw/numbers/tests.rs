use proptest::prelude::*;

use super::*;

#[test]
fn a_failover_shifts_the_numbers_only_as_long_as_needed() {
    let mut seqs = WireSeqs::default();
    let mut numbers = |range: std::ops::RangeInclusive<u64>| -> Vec<u64> {
        range.filter_map(|seq| seqs.next(seq)).collect()
    };
    assert_eq!(numbers(1000..=1010), (1000..=1010).collect::<Vec<_>>());
    assert_eq!(numbers(20..=29), (1011..=1020).collect::<Vec<_>>());
    assert_eq!(numbers(1050..=1052), [1050, 1051, 1052]);
}

#[test]
fn seqs_that_no_client_could_use_are_refused() {
    let mut seqs = WireSeqs::continuing(Some(7));
    for bad in [0, MAX_RELAY_SEQ + 1, u64::MAX] {
        assert_eq!(seqs.next(bad), None);
    }
    assert_eq!(seqs.next(MAX_RELAY_SEQ), Some(MAX_RELAY_SEQ));
    assert_eq!(seqs.next(8), Some(MAX_RELAY_SEQ + 1));
}

proptest! {
    /// Whatever an upstream sends, over any number of restarts.
    #[test]
    fn numbers_rise_and_are_the_smallest_that_do(
        seqs in prop::collection::vec(prop_oneof![0u64..50, 1_000u64..1_050, any::<u64>()], 1..200),
        restarts in prop::collection::vec(0usize..200, 0..5),
    ) {
        let mut numbers = WireSeqs::default();
        let mut last = None;
        for (index, seq) in seqs.into_iter().enumerate() {
            if restarts.contains(&index) {
                numbers = WireSeqs::continuing(last);
            }
            let Some(number) = numbers.next(seq) else {
                prop_assert!(seq == 0 || seq > MAX_RELAY_SEQ);
                continue;
            };
            prop_assert!(last.is_none_or(|last| last < number));
            prop_assert!(number < 1 << 53);
            prop_assert!(number == seq || Some(number - 1) == last && seq < number);
            last = Some(number);
        }
    }
}
