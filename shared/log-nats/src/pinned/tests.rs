use super::*;

const OLD: LogIdentity = LogIdentity::new(1, 0);
const NEW: LogIdentity = LogIdentity::new(2, 0);

#[test]
fn a_look_is_good_for_a_moment_on_one_connection() {
    let pinned = Pinned::new(OLD);
    let now = Instant::now();
    assert!(!pinned.is_fresh(0, now), "not checked yet");
    pinned.check(OLD, 0, now).unwrap();
    assert!(pinned.is_fresh(0, now));
    assert!(!pinned.is_fresh(1, now), "the connection broke since");
    assert!(!pinned.is_fresh(0, now + GOOD_FOR));
}

#[test]
fn another_log_is_refused_until_it_is_pinned() {
    let pinned = Pinned::new(OLD);
    let now = Instant::now();
    pinned.check(OLD, 0, now).unwrap();
    let error = pinned.check(NEW, 0, now).unwrap_err();
    assert!(
        matches!(
            error,
            LogError::Replaced {
                expected: OLD,
                found: NEW
            }
        ),
        "{error}"
    );
    assert!(!pinned.is_fresh(0, now), "the next reader looks, too");
    pinned.pin(NEW);
    assert!(!pinned.is_fresh(0, now));
    pinned.check(NEW, 0, now).unwrap();
}
