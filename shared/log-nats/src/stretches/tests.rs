use proptest::prelude::*;

use super::*;

proptest! {
    /// Whatever is added in whatever order, each place counts once, and is found.
    #[test]
    fn each_place_counts_once(ranges in prop::collection::vec((0..60_u64, 0..20_u64), 0..60)) {
        let (mut known, mut stretches) = (std::collections::BTreeSet::new(), Stretches::default());
        for (start, length) in ranges {
            let wanted = (start..start + length).filter(|seq| known.insert(*seq)).count() as u64;
            prop_assert_eq!(stretches.add(start..start + length), wanted);
        }
        let held: u64 = stretches.0.iter().map(|(start, end)| end - start).sum();
        prop_assert_eq!(held, known.len() as u64);
        for seq in 0..90 {
            let start = known.range(seq..).next().copied();
            let wanted = start.map(|start| start..(start..).find(|it| !known.contains(it)).unwrap());
            prop_assert_eq!(stretches.first_from(seq), wanted);
        }
    }
}

#[test]
fn what_is_remembered_has_a_bound() {
    let mut stretches = Stretches::default();
    for seq in 0..10 * MAX_STRETCHES as u64 {
        assert_eq!(stretches.add(2 * seq..2 * seq + 1), 1);
        assert!(stretches.0.len() <= MAX_STRETCHES);
    }
}
