use std::sync::LazyLock;

use super::*;

const SECOND: u64 = 1_000_000;
const HOUR: u64 = 3_600 * SECOND;
const START: u64 = 1_780_000_000 * SECOND;

fn after(us: u64) -> Instant {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    *BEGIN + Duration::from_micros(us)
}

/// The time each second while the wall clock is off by `off_us`.
fn times(seconds: u64, off_us: impl Fn(u64) -> i64) -> Vec<u64> {
    let mut steps = Steps::new(START, after(0));
    let looks = (1..=seconds).map(|second| {
        let passed = second * SECOND;
        let wall = (START + passed).saturating_add_signed(off_us(second));
        steps.read(wall, after(passed)).0
    });
    looks.collect()
}

fn right(seconds: u64) -> Vec<u64> {
    (1..=seconds).map(|it| START + it * SECOND).collect()
}

#[test]
fn a_clock_that_is_wrong_for_seconds_changes_nothing() {
    for off in [100 * HOUR as i64, -(100 * HOUR as i64), i64::MIN / 2] {
        for lasts in [1, 5, 59] {
            let off = |second| {
                if (10..10 + lasts).contains(&second) {
                    off
                } else {
                    0
                }
            };
            assert_eq!(times(200, off), right(200));
        }
    }
}

/// Time daemons correct a clock that was wrong from the start, or that stopped while the machine was suspended.
#[test]
fn a_step_that_lasts_takes_effect_after_a_minute() {
    for off in [100 * HOUR as i64, -(100 * HOUR as i64)] {
        let found = times(200, |second| if second >= 10 { off } else { 0 });
        let right = right(200);
        assert_eq!(found[..69], right[..69]);
        let stepped: Vec<_> = right
            .iter()
            .map(|it| it.saturating_add_signed(off))
            .collect();
        assert_eq!(found[69..], stepped[69..]);
    }
}

#[test]
fn small_steps_are_followed_at_once() {
    let off = |second: u64| (second as i64 / 10) * 900_000;
    let found = times(100, off);
    let expected: Vec<_> = (1..)
        .zip(right(100))
        .map(|(n, it)| it.saturating_add_signed(off(n)))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn each_step_has_to_last_and_is_logged_once() {
    let mut steps = Steps::new(START, after(0));
    let mut logged = Vec::new();
    for second in 1..=300 {
        // Two steps within a minute; the second lasts.
        let off = match second {
            0..10 => 0,
            10..50 => HOUR,
            _ => 2 * HOUR,
        };
        let passed = second * SECOND;
        let (_, change) = steps.read(START + passed + off, after(passed));
        logged.extend(change.map(|change| (second, change)));
    }
    let hours = |hours: f64| hours * 3_600.0;
    let expected = [
        (
            10,
            Change::Stepped {
                by_seconds: hours(1.0),
            },
        ),
        (
            50,
            Change::Stepped {
                by_seconds: hours(2.0),
            },
        ),
        (
            110,
            Change::Confirmed {
                by_seconds: hours(2.0),
            },
        ),
    ];
    assert_eq!(logged, expected);
    let (now, change) = steps.read(START + 301 * SECOND + 2 * HOUR, after(301 * SECOND));
    assert_eq!((now, change), (START + 301 * SECOND + 2 * HOUR, None));
}

#[test]
fn a_step_that_is_reverted_is_logged() {
    let mut steps = Steps::new(START, after(0));
    steps.read(START + HOUR, after(SECOND));
    let (now, change) = steps.read(START + 2 * SECOND, after(2 * SECOND));
    assert_eq!((now, change), (START + 2 * SECOND, Some(Change::Back)));
}

/// The sequencer may read the clock every microsecond.
#[test]
fn readings_of_less_than_a_microsecond_lose_no_time() {
    const LOOKS: u64 = 4_000;
    let begin = after(0);
    let at = |look: u64| begin + Duration::from_nanos(look * 900);
    let mut steps = Steps::new(START, begin);
    let off_us = 100 * HOUR;
    let mut found = 0;
    for look in 1..=LOOKS {
        let passed = (at(look) - begin).as_micros() as u64;
        found = steps.read(START + off_us + passed, at(look)).0;
    }
    assert_eq!(found, START + LOOKS * 900 / 1_000);
}
