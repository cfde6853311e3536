//! A few seeds, so that every change is tried against every fault. `cargo xtask simulate` runs as many as there is time for.

use fanjet_simulation::{Fired, History, KINDS, Plan, run};

const FRAMES: usize = 6_000;
/// Enough for every fault to fire.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=10;

#[test]
fn nothing_is_lost_repeated_or_reordered() {
    let history = History::new(FRAMES).unwrap();
    let mut fired = Fired::new();
    for seed in SEEDS {
        let outcome = run(&Plan::of(seed), &history).unwrap();
        assert!(
            outcome.logged > 500 && outcome.received > 2_000,
            "{outcome:?}"
        );
        for (kind, count) in outcome.fired {
            *fired.entry(kind).or_default() += count;
        }
    }
    for kind in KINDS {
        assert!(
            fired.get(&kind).is_some_and(|count| *count > 0),
            "{kind:?} never fired"
        );
    }
}

/// Otherwise tokio's own choices between branches that are ready differ from run to run.
#[test]
#[cfg_attr(not(tokio_unstable), ignore = "needs --cfg tokio_unstable")]
fn a_seed_repeats_exactly() {
    let history = History::new(FRAMES).unwrap();
    let fingerprint = |seed| run(&Plan::of(seed), &history).unwrap().fingerprint;
    assert_eq!(fingerprint(3), fingerprint(3));
    assert_ne!(fingerprint(3), fingerprint(4));
}
