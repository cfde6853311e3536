use fanjet_cluster::freshness::Table;
use fanjet_event::{Nsid, Topic};
use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000;

proptest! {
    /// However collections rise and fall: names are bounded, the largest have one, and no event is counted backwards.
    #[test]
    fn names_are_few_and_counters_never_fall(
        rolls in prop::collection::vec(prop::collection::vec(0..12_usize, 0..40), 1..40),
        most in 0..6_usize,
    ) {
        let mut table = Table::default();
        let mut view: Option<View> = None;
        let mut now_us = SECOND;
        for roll in rolls {
            now_us += 5 * SECOND;
            let topics: Vec<_> = roll
                .iter()
                .map(|n| Topic::Commit(Nsid::parse(format!("com.example.n{n}").into()).unwrap()))
                .collect();
            table.flowed("relay", topics.len(), now_us);
            table.appended(topics.iter(), now_us);
            table.roll(now_us);
            let snapshot = table.snapshot(now_us);
            let next = View::of(&snapshot, most, view.clone());
            prop_assert!(next.labelled.len() <= most);
            prop_assert_eq!(next.labelled.len(), most.min(snapshot.rows.len()));
            let least = next.labelled.iter().filter_map(|it| {
                snapshot.rows.iter().find(|row| row.name == it.name).map(Row::volume)
            }).fold(f64::INFINITY, f64::min);
            for row in &snapshot.rows {
                let has_name = next.labelled.iter().any(|it| it.name == row.name);
                prop_assert!(has_name || most == 0 || row.volume() <= least);
            }
            if let Some(before) = view {
                prop_assert!(next.other_events >= before.other_events);
                let stays: u64 = next.labelled.iter().filter_map(|it| {
                    let old = before.labelled.iter().find(|old| old.name == it.name)?;
                    Some(it.events - old.events)
                }).sum();
                let new = topics.len() as u64;
                prop_assert_eq!(stays + next.other_events - before.other_events, new);
            }
            view = Some(next);
        }
    }
}
