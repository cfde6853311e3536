use super::*;

const HERE: CallSite = CallSite(1);

#[test]
fn a_flood_is_a_burst_and_then_a_line_from_time_to_time_with_the_count() {
    let limiter = Limiter::default();
    let began = Instant::now();
    let written: Vec<_> = (0..60_000_u64)
        .filter_map(|ms| {
            let now = began + Duration::from_millis(ms);
            Some((ms, limiter.admit(HERE, now)?))
        })
        .collect();
    let (burst, later) = written.split_at(BURST as usize);
    assert_eq!(burst.last(), Some(&(u64::from(BURST) - 1, 0)));
    assert_eq!(
        later,
        [
            (10_000, 10_000 - u64::from(BURST)),
            (20_000, 9_999),
            (30_000, 9_999),
            (40_000, 9_999),
            (50_000, 9_999)
        ]
    );
}

#[test]
fn places_do_not_silence_each_other_and_are_heard_again() {
    let limiter = Limiter::default();
    let began = Instant::now();
    for _ in 0..BURST {
        assert_eq!(limiter.admit(HERE, began), Some(0));
    }
    assert_eq!(limiter.admit(HERE, began), None);
    assert_eq!(limiter.admit(CallSite(2), began), Some(0));
    let later = began + PAUSE * BURST;
    assert_eq!(limiter.admit(HERE, later), Some(1));
    for _ in 1..BURST {
        assert_eq!(limiter.admit(HERE, later), Some(0));
    }
    assert_eq!(limiter.admit(HERE, later), None);
}

#[test]
fn what_is_remembered_has_a_bound() {
    let limiter = Limiter::default();
    let now = Instant::now();
    for place in 1..=2 * MOST_PLACES as u64 {
        limiter.admit(CallSite(place), now);
    }
    assert_eq!(limiter.0.lock().unwrap().len(), MOST_PLACES + 1);
    assert_eq!(limiter.admit(CallSite(u64::MAX), now), None);
}
