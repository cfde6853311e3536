use super::*;

fn allowed(text: &str, default: impl Into<Value>) -> Allowed {
    Allowed::parse(text, &default.into()).unwrap()
}

#[test]
fn values_in_range_and_special_values_are_accepted() {
    let count = allowed("1 to 10_000, or 0 for one per core", 0);
    for value in ["0", "1", "10000"] {
        count.check(value).unwrap();
    }
    let bytes = allowed("1 to 1_099_511_627_776, or -1 for unlimited", -1);
    for value in ["-1", "1", "1099511627776"] {
        bytes.check(value).unwrap();
    }
    let time = allowed("1s to 1m, or 0s for never", "5s");
    for value in ["1s", "1m", "59s 999ms", "0s", "0ms"] {
        time.check(value).unwrap();
    }
    let sync = allowed("1ms to 5s, or \"always\"", "always");
    for value in ["always", "50ms"] {
        sync.check(value).unwrap();
    }
    let share = allowed("0 to 1", 0.001);
    for value in ["0", "0.5", "1"] {
        share.check(value).unwrap();
    }
    let word = allowed("\"\", \"PLAIN\" or \"SCRAM\"", "");
    for value in ["", "PLAIN", "SCRAM"] {
        word.check(value).unwrap();
    }
}

#[test]
fn other_values_are_rejected_with_what_is_allowed() {
    let count = allowed("1 to 10, or 0 for one per core", 1);
    let time = allowed("1s to 1m", "5s");
    let sync = allowed("1ms to 5s, or \"always\"", "always");
    let share = allowed("0 to 1", 0.5);
    let word = allowed("\"file\" or \"memory\"", "file");
    for (allowed, value, reason) in [
        (&count, "11", "11 is out of range"),
        (&count, "-1", "-1 is out of range"),
        (&count, "18446744073709551616", "is out of range"),
        (&count, "1e3", "\"1e3\" is not a whole number"),
        (&count, "many", "\"many\" is not a whole number"),
        (&time, "0s", "0s is out of range"),
        (&time, "5", "\"5\" is not a duration"),
        (&time, "-5s", "\"-5s\" is not a duration"),
        (&sync, "never", "\"never\" is not a duration"),
        (&sync, "6s", "6s is out of range"),
        (&share, "1.5", "1.5 is out of range"),
        (&share, "NaN", "NaN is out of range"),
        (&word, "disk", "\"disk\" is not one of these words"),
    ] {
        let refused = allowed.check(value).unwrap_err();
        assert!(refused.contains(reason), "{refused}");
        let ends = format!("; allowed: {allowed}");
        assert!(refused.ends_with(&ends), "{refused}");
    }
}

#[test]
fn a_range_that_does_not_fit_its_default_is_an_error() {
    for (text, default) in [
        ("many", Value::from(1)),
        ("1 to 10", Value::from("x")),
        ("1s to 10s", Value::from(1)),
        ("1 to 10", Value::from(0)),
        ("1 to 10", Value::from(true)),
        ("1s to 10s", Value::from("1h")),
        ("\"a\" or \"b\"", Value::from("c")),
    ] {
        assert!(Allowed::parse(text, &default).is_err(), "{text} {default}");
    }
}
