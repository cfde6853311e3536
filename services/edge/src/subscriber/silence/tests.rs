use super::*;

#[test]
fn a_silence_is_too_long_after_its_time_and_again_after_as_much() {
    let start = Instant::now();
    let at = |quarter: u32| start + Duration::from_secs(1) * quarter;
    let mut silence = Silence::new(Duration::from_secs(4), start);
    assert_eq!(silence.interval(), Duration::from_secs(1));
    assert!(!silence.is_too_long(at(3), 0));
    assert!(silence.is_too_long(at(4), 0));
    // It could not be broken, so it goes on.
    assert!(silence.is_too_long(at(5), 0));
    silence.broken(at(5));
    assert!(!silence.is_too_long(at(8), 0));
    // Something was sent in between.
    assert!(!silence.is_too_long(at(9), 7));
    assert!(!silence.is_too_long(at(12), 7));
    assert!(silence.is_too_long(at(13), 7));
}
