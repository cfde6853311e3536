use proptest::prelude::*;

use super::*;

const SHARES: Shares = Shares {
    waiting: 30,
    waiting_of_one: 20,
    under_way: 7,
    under_way_of_one: 3,
};

#[test]
fn sites_take_turns_and_none_has_too_many_under_way() {
    let mut fair = Fair::new(SHARES);
    for number in 0..25 {
        assert_eq!(fair.push("many", ("many", number)), number < 20);
    }
    assert!(fair.push("few", ("few", 0)));
    let taken: Vec<_> = std::iter::from_fn(|| fair.pop()).collect();
    let expected = [("many", 0), ("few", 0), ("many", 1), ("many", 2)];
    assert_eq!(taken, expected);
    fair.done("many");
    assert_eq!(fair.pop(), Some(("many", 3)));
    assert_eq!(fair.pop(), None);
    // The total limit applies to every site.
    for number in 0..20 {
        assert_eq!(fair.push("others", ("others", number)), number < 14);
    }
}

proptest! {
    #[test]
    fn everything_that_has_room_is_taken_once_and_nothing_is_left_behind(
        steps in prop::collection::vec((0_u8..3, 0_usize..4), 1..400),
    ) {
        const SITES: [&str; 4] = ["a", "b", "c", "d"];
        let mut fair = Fair::new(SHARES);
        let mut waiting = [0_usize; 4];
        let mut under_way = [0_usize; 4];
        for (what, site) in steps {
            match what {
                0 => {
                    let has_room = waiting.iter().sum::<usize>() < SHARES.waiting
                        && waiting[site] < SHARES.waiting_of_one;
                    prop_assert_eq!(fair.push(SITES[site], site), has_room);
                    waiting[site] += usize::from(has_room);
                }
                1 => {
                    let may = |site: usize| {
                        waiting[site] > 0 && under_way[site] < SHARES.under_way_of_one
                    };
                    let is_any = under_way.iter().sum::<usize>() < SHARES.under_way
                        && (0..4).any(may);
                    let taken = fair.pop();
                    prop_assert_eq!(taken.is_some(), is_any);
                    if let Some(site) = taken {
                        prop_assert!(may(site));
                        waiting[site] -= 1;
                        under_way[site] += 1;
                    }
                }
                _ => {
                    if under_way[site] > 0 {
                        under_way[site] -= 1;
                        fair.done(SITES[site]);
                    }
                }
            }
            let known = (0..4).filter(|site| waiting[*site] + under_way[*site] > 0);
            prop_assert_eq!(fair.sites.len(), known.count());
        }
    }
}
