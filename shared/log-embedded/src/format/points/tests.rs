use proptest::prelude::*;

use super::*;

proptest! {
    /// Compared with a search of every record; the times need not be in order.
    #[test]
    fn blocks_are_found_by_seq_and_by_time(
        records in prop::collection::vec((1..200_000_u64, 1..1_000_u64), 1..200),
        time in 0..1_100_u64,
    ) {
        let mut points = Points::default();
        let mut offset = header::LEN as u64;
        let mut begins = Vec::new();
        for (n, (len, time)) in records.iter().enumerate() {
            points.add(offset, n as u64, *time);
            begins.push(offset);
            offset += len;
        }
        let holds = |block: usize, at: u64| {
            let (begin, end) = points.extent(block).unwrap();
            begin <= at && end.is_none_or(|end| at < end)
        };
        for (n, &begin) in begins.iter().enumerate() {
            prop_assert!(holds(points.block_of(n as u64).unwrap(), begin));
        }
        let first = records.iter().position(|(_, at)| *at >= time);
        let block = points.block_at(time);
        // A time at or below 0 is before everything; the first block has it.
        match first {
            None => prop_assert_eq!(block, None),
            Some(first) if time > 0 => prop_assert!(holds(block.unwrap(), begins[first])),
            Some(_) => {}
        }
        let newest = points.newest();
        let again = Points::from_list(points.list().to_vec(), newest);
        prop_assert_eq!(again, Some(points));
    }
}

#[test]
fn points_that_break_the_invariant_are_refused() {
    let point = |offset, above_first, newest_before| Point {
        offset,
        above_first,
        newest_before,
    };
    let good = vec![point(32, 0, 0), point(200_000, 300, 5)];
    assert!(Points::from_list(good.clone(), 5).is_some());
    assert!(Points::from_list(good, 4).is_none());
    for bad in [
        vec![point(31, 0, 0)],
        vec![point(32, 1, 0)],
        vec![point(32, 0, 1)],
        vec![point(32, 0, 0), point(32, 1, 1)],
        vec![point(32, 0, 0), point(33, 0, 1)],
    ] {
        assert!(Points::from_list(bad, 9).is_none());
    }
}
