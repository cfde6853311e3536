use proptest::prelude::*;

use super::*;

const HOUR: u64 = 3_600_000_000;
const GRACE: Duration = Duration::from_secs(30 * 60);
const YEAR_2026: u64 = 1_783_175_888_000_000;

#[test]
fn it_follows_a_clock_that_runs_evenly() {
    let began = Instant::now();
    let mut age = Age::new(YEAR_2026, began, None, GRACE);
    for second in 0..100 {
        let wall = YEAR_2026 + second * 1_000_000;
        assert_eq!(age.advance(wall, began + Duration::from_secs(second)), wall);
    }
}

#[test]
fn a_clock_that_steps_forward_for_a_while_costs_that_while() {
    let began = Instant::now();
    let mut age = Age::new(YEAR_2026, began, None, GRACE);
    let minute = Duration::from_secs(60);
    let aged = age.advance(YEAR_2026 + 24 * 365 * HOUR, began + minute);
    assert_eq!(aged, YEAR_2026 + 2 * micros(minute));
    // Right again.
    let aged = age.advance(YEAR_2026 + 2 * micros(minute), began + 2 * minute);
    assert_eq!(aged, YEAR_2026 + 2 * micros(minute));
}

/// Restarting does not help a wrong clock, however often.
#[test]
fn opening_expires_nothing() {
    let began = Instant::now();
    let expires = YEAR_2026 + HOUR;
    let new = |wall| Age::new(wall, began, Some(expires), GRACE);
    let wrong = YEAR_2026 + 9_999 * HOUR;
    for minutes in [0, 1, 14, 15] {
        let at = began + Duration::from_secs(60 * minutes);
        assert!(new(wrong).advance(wrong, at) <= expires, "{minutes}");
    }
    let at = began + Duration::from_secs(60 * 16);
    assert!(new(wrong).advance(wrong, at) > expires);
    assert_eq!(new(YEAR_2026).now, YEAR_2026);
}

proptest! {
    /// Whatever the wall clock does, the log never ages faster than allowed, and never ahead of the clock.
    #[test]
    fn no_clock_makes_it_run(steps in prop::collection::vec((0..1_000_u64, 0..4_000_000_000_u64), 1..50)) {
        let began = Instant::now();
        let mut age = Age::new(1_000 * HOUR, began, None, GRACE);
        let (mut before, mut passed) = (age.now, Duration::ZERO);
        for (seconds, wall) in steps {
            passed += Duration::from_secs(seconds);
            let wall = wall * 1_000;
            let aged = age.advance(wall, began + passed);
            prop_assert!(aged <= wall);
            prop_assert!(aged <= before + seconds * 2_000_000);
            before = aged;
        }
    }
}
